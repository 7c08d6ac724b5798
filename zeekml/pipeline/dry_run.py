"""The outputs of a dry run: what would be written goes to standard output, and nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from zeekml.drift.report import DriftReport
from zeekml.journal.step import Append
from zeekml.sinks import notice_log, rejects_log, zeekml_log
from zeekml.sinks.escapes import Format
from zeekml.sinks.outputs import NOTICE, REJECTS, ZEEKML

_NOWHERE: Final = -1


class ShownOutputs:
    """As :class:`zeekml.journal.outputs.LiveOutputs`; ``show`` gets the lines, each behind its output's name."""

    def __init__(
        self, fmt: Format, *, model: str, classes: Sequence[str], show: Callable[[str], None]
    ) -> None:
        self._show = show
        self._waiting: dict[str, list[bytes]] = {name: [] for name in (NOTICE, ZEEKML, REJECTS)}
        self.notice_log = notice_log.NoticeLog(self._waiting[NOTICE].append, fmt, model=model)
        self.zeekml_log = zeekml_log.ZeekmlLog(
            lambda lines: self._waiting[ZEEKML].append(bytes(lines)), fmt, model=model, classes=classes
        )
        self.rejects_log = rejects_log.RejectsLog(self._waiting[REJECTS].append, fmt)

    @property
    def known(self) -> Mapping[str, Any]:
        """No file."""
        return {}

    def pending(self) -> list[Append]:
        """What would be appended."""
        self.rejects_log.flush()
        appends = []
        for name, parts in self._waiting.items():
            if parts:
                appends.append(Append(name, _NOWHERE, _NOWHERE, 0, b"".join(parts)))
                parts.clear()
        return appends

    def write_drift(self, reports: Mapping[str, DriftReport]) -> None:
        """Nothing is written."""

    def append(self, appends: Iterable[Append]) -> None:
        """Show it."""
        for each in appends:
            # Not splitlines(): text may hold what Unicode takes for the end of a line, and a record is one line.
            for line in each.data.decode(errors="replace").removesuffix("\n").split("\n"):
                self._show(f"{each.output}: {line}")

    def due_rotations(self, *, every_one: bool = False) -> list[Append]:  # noqa: ARG002
        """None: there is no file."""
        return []

    def reopen(self) -> None:
        """Nothing is open."""

    def sync_later(self) -> Callable[[], None]:
        """Nothing is to be synced."""
        return lambda: None

    def close(self) -> None:
        """Nothing is open."""

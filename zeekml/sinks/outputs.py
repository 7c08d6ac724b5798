"""The files of one run: notice.log, zeekml.log and, when lines were rejected, rejects.log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from zeekml.drift import file as drift_file
from zeekml.errors import OutputError
from zeekml.sinks import notice_log, rejects_log, zeekml_log
from zeekml.sinks.escapes import Format
from zeekml.sinks.folder import Folder
from zeekml.sinks.former import LOOKED_AT, written_by_zeekml
from zeekml.sinks.zeek_log import close_mark, header

DRIFT = drift_file.NAME
NOTICE, ZEEKML, REJECTS = "notice.log", "zeekml.log", "rejects.log"


class Outputs:
    """Open outputs; a context manager that removes everything unless `commit` was called within it."""

    def __init__(
        self,
        folder: Folder,
        fmt: Format,
        *,
        model: str,
        classes: Sequence[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._folder = folder
        self._format = fmt
        self._clock = clock
        self._opened = clock()
        self._appenders: dict[str, Callable[[bytes | memoryview], None]] = {}
        self._has_drift = False
        self.paths: dict[str, Path] = {}
        """The finished files by name, once committed."""
        self._refuse_foreign()
        self.notice_log = notice_log.NoticeLog(self._begin(NOTICE, notice_log.FIELDS), fmt, model=model)
        self.zeekml_log = zeekml_log.ZeekmlLog(
            self._begin(ZEEKML, zeekml_log.FIELDS), fmt, model=model, classes=classes
        )
        self.rejects_log = rejects_log.RejectsLog(self._append_reject, fmt)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def write_drift(self, content: bytes) -> None:
        """Put these bytes into drift.json."""
        self._has_drift = True
        self._folder.part(DRIFT)(content)

    def commit(self) -> None:
        """Put the files in place, notice.log last; what a former run alone had, as a rejects.log, goes.

        OutputError when that fails, as on a full disk, or when another program has put a file there meanwhile.
        """
        self._refuse_foreign()
        self.rejects_log.flush()
        for append in self._appenders.values():
            append(close_mark(self._clock(), self._format))
        stale = [name for name in (REJECTS,) if name not in self._appenders]
        stale += [] if self._has_drift else [DRIFT]
        self.paths = self._folder.commit(NOTICE, stale)

    def abort(self) -> None:
        """Remove what was not committed."""
        self._folder.abort()

    def _refuse_foreign(self) -> None:
        """OutputError when a file of ours has the name of one that a former run did not write."""
        starts = {name: self._folder.start(name, LOOKED_AT) for name in (NOTICE, ZEEKML, REJECTS, DRIFT)}
        for name, start in starts.items():
            if start is not None and not written_by_zeekml(name, start, starts[ZEEKML]):
                raise OutputError(
                    f"{self._folder.path / name}: is not a log that zeekml wrote, and would be replaced: "
                    "name another folder, or move it away"
                )

    def _begin(self, name: str, fields: Sequence[tuple[str, str]]) -> Callable[[bytes | memoryview], None]:
        append = self._appenders[name] = self._folder.part(name)
        append(header(name.removesuffix(".log"), fields, self._opened, self._format))
        return append

    def _append_reject(self, data: bytes) -> None:
        append = self._appenders.get(REJECTS) or self._begin(REJECTS, rejects_log.FIELDS)
        append(data)


def open_outputs(
    out_dir: str | Path,
    fmt: Format,
    *,
    model: str,
    classes: Sequence[str],
    clock: Callable[[], datetime] = datetime.now,
) -> Outputs:
    """Open the outputs of a run in a folder, made if there is none; files are put in place by
    `Outputs.commit`.

    ``model``: name for the logs; ``classes``: the bundle's; ``clock``: local time, for the marks of opening
    and closing. Raises OutputError when the folder is a file, is not writable, is held by another run, or has
    a file of one of these names that zeekml did not write, such as Zeek's own notice.log.
    """
    folder = Folder(Path(out_dir))
    try:
        return Outputs(folder, fmt, model=model, classes=classes, clock=clock)
    except BaseException:
        folder.abort()
        raise

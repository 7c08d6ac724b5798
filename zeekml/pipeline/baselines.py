"""The baseline of a watch: the one in use, and in the state folder copies of those that the journal needs."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from zeekml.baseline import Baseline, load_baseline, save_baseline
from zeekml.config import Settings, load_settings
from zeekml.errors import BaselineError, StateError
from zeekml.pipeline.batch import site_baseline
from zeekml.pipeline.watching import WatchOptions
from zeekml.scoring import Bundle
from zeekml.sinks.folder import failures

SHA256: Final = "baseline_sha256"
"""Among the alert settings of a snapshot or a journal: which baseline held with them."""

_NAME: Final = re.compile(r"baseline\.[0-9a-f]{64}\.json")
_MODE: Final = 0o600


class Baselines:
    """What was ordinary when: a crash leaves connections that are judged again as they were judged then."""

    def __init__(self, state: Path, bundle: Bundle, *, keeps: bool) -> None:
        """``keeps`` False: nothing is written to ``state``, as for a dry run."""
        self._state = state
        self._bundle = bundle
        self._keeps = keeps
        self._current: Baseline | None = None

    def take(self, settings: Settings) -> Baseline | None:
        """The baseline that the settings name, from now on the one in use; None where they name none.

        Raises BaselineError, and OutputError when it cannot be kept; then the former one stays in use.
        """
        baseline = site_baseline(settings, self._bundle)
        if baseline is not None and self._keeps and not self._copy(baseline.sha256).exists():
            save_baseline(self._copy(baseline.sha256), baseline, _MODE)
        self._current = baseline
        return baseline

    def former(self, facts: Mapping[str, Any]) -> Baseline | None:
        """The baseline that held with these alert settings. Raises StateError when its copy is lost."""
        sha256 = facts.get(SHA256)
        if sha256 is None:
            return None
        if self._current is not None and self._current.sha256 == sha256:
            return self._current
        try:
            if not _NAME.fullmatch(self._copy(sha256).name):
                raise BaselineError(f"found {sha256!r:.80} for a SHA-256")
            found = load_baseline(self._copy(sha256))
            if found.sha256 != sha256:
                raise BaselineError(f"{self._copy(sha256)}: is another baseline")
        except BaselineError as error:
            raise StateError(
                f"the state was made with a baseline whose copy cannot be used ({error}); put back a copy of the state "
                "folder, or name a new one with --state"
            ) from error
        return found

    def forget_others(self) -> None:
        """Remove the copies that no snapshot and no journal needs any more: all but that of the one in use."""
        if not self._keeps:
            return
        kept = None if self._current is None else self._copy(self._current.sha256)
        with failures(self._state):
            for path in self._state.iterdir():
                if _NAME.fullmatch(path.name) and path != kept:
                    with contextlib.suppress(FileNotFoundError):
                        path.unlink()

    def _copy(self, sha256: str) -> Path:
        return self._state / f"baseline.{sha256}.json"


def read_again(settings: Settings, options: WatchOptions) -> Settings:
    """The settings of a running watch with what a reload takes anew: the allowlist, and where the baseline is.

    Raises ConfigError.
    """
    alerts = settings.alerts
    if options.config is not None:
        new = load_settings(options.config).alerts
        alerts = alerts.model_copy(update={"allowlist": new.allowlist, "baseline": new.baseline})
    return settings.model_copy(update={"alerts": alerts}).with_baseline(options.baseline)

"""What a watch is asked for and what it tells: options, hooks, facts of a step, totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from zeekml import scoring
from zeekml.arrays import Arrays
from zeekml.baseline import Baseline
from zeekml.drift.report import DriftReport
from zeekml.health import Finding
from zeekml.pipeline.batch import ScoresBatches
from zeekml.table import Frame


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """``start``: where a log begins that no checkpoint knows. ``once``: end when all that is there is scored.

    ``dry_run``: print what would be written, write nothing. ``config``: the file that SIGHUP reads again, as it does
    the ``baseline``, which goes over the one that the file names.
    """

    start: Literal["start", "end"] = "end"
    once: bool = False
    dry_run: bool = False
    config: Path | None = None
    baseline: Path | None = None


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One step: what was scored and what came of it.

    ``connections`` by stream; ``by_class``: alerting connections; ``notices`` by note and class; ``rejects``:
    lines rejected in this step; ``suppressed``: alerting connections without a notice of their own;
    ``newest``: the latest end (epoch s) of a connection; ``lag_seconds``: how long ago that was by the wall
    clock; ``caught_up``: nothing more was there when the logs were read.
    """

    seconds: float
    connections: Mapping[str, int]
    by_class: Mapping[str, int]
    notices: Mapping[tuple[str, str], int]
    logged: int
    rejects: int
    suppressed: int
    lag_bytes: Mapping[str, int]
    lag_seconds: float | None
    newest: float | None
    hosts_held: int
    pairs_held: int
    alert_hosts: int
    caps_acted: int
    caught_up: bool
    journal_bytes: int


@dataclass
class Tally:
    """What a step counts."""

    connections: Counter[str] = field(default_factory=Counter)
    by_class: Counter[str] = field(default_factory=Counter)
    notices: Counter[tuple[str, str]] = field(default_factory=Counter)
    logged: int = 0
    suppressed: int = 0
    newest: float | None = None


class Hooks(Protocol):
    """What a watch tells while it runs; called by its main thread, must return at once and not raise."""

    def ready(self) -> None:
        """The logs are being followed."""

    def beat(self) -> None:
        """The main loop turned; once a second at least."""

    def idle(self) -> None:
        """A turn found nothing new."""

    def stepped(self, step: StepFacts) -> None:
        """A step was written."""

    def output(self, problem: str | None) -> None:
        """An output or the journal cannot be written; None: it can again."""

    def checkpointed(self, seconds: float, size: int) -> None:
        """A snapshot of ``size`` bytes is in place; it took so long."""

    def reloaded(self, problem: str | None) -> None:
        """The configuration was read again; a problem: the old one holds."""

    def baseline(self, baseline: Baseline | None) -> None:
        """The baseline that holds from now on; None: there is none."""

    def logs(self, followed: int, problems: Mapping[str, str]) -> None:
        """How many logs are followed; why some cannot be read just now, by path."""

    def sink(self, name: str, problem: str | None, lag: int, errors: int = 0) -> None:
        """How an optional sink is: ``lag`` bytes of alerts wait for it, ``errors`` tries failed in all."""

    def sensor(self, stream: str, findings: Sequence[Finding]) -> None:
        """What is wrong with a stream's sensor now; told at the start and after every step with its connections."""

    def drift(self, stream: str, report: DriftReport | None) -> None:
        """How far a stream is from training; told at the start and every few seconds. None: too little was seen."""

    def stopping(self) -> None:
        """The watch ends: it drains and checkpoints."""


class NoHooks:
    """Nobody listens."""

    def ready(self) -> None:
        """Nothing."""

    def beat(self) -> None:
        """Nothing."""

    def idle(self) -> None:
        """Nothing."""

    def stepped(self, step: StepFacts) -> None:
        """Nothing."""

    def output(self, problem: str | None) -> None:
        """Nothing."""

    def checkpointed(self, seconds: float, size: int) -> None:
        """Nothing."""

    def reloaded(self, problem: str | None) -> None:
        """Nothing."""

    def baseline(self, baseline: Baseline | None) -> None:
        """Nothing."""

    def logs(self, followed: int, problems: Mapping[str, str]) -> None:
        """Nothing."""

    def sink(self, name: str, problem: str | None, lag: int, errors: int = 0) -> None:
        """Nothing."""

    def sensor(self, stream: str, findings: Sequence[Finding]) -> None:
        """Nothing."""

    def drift(self, stream: str, report: DriftReport | None) -> None:
        """Nothing."""

    def stopping(self) -> None:
        """Nothing."""


class Scores(ScoresBatches, Protocol):
    """What a watch needs of a scorer, beyond scoring."""

    def score(self, frame: Frame, stream: str) -> scoring.Scores:
        """The scores of the next batch of a stream."""

    @property
    def hosts_held(self) -> int:
        """Hosts whose state is held."""

    @property
    def pairs_held(self) -> int:
        """Peer-and-port contexts held."""

    def export(self) -> Arrays:
        """All state, copied."""

    def restore(self, arrays: Arrays) -> None:
        """Go on from what `export` gave."""


@dataclass
class WatchSummary:
    """Totals of one run; ``problems``: logs that could not be read at its end, and why, by path."""

    connections: int = 0
    logged: int = 0
    rejects: int = 0
    steps: int = 0
    notices: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: Mapping[str, str] = field(default_factory=dict)

"""Stand-ins for the logs, the model and the clock of a watch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd

from tests.builders import arrow_of
from zeekml.arrays import Arrays
from zeekml.config import Settings
from zeekml.journal.snapshot import Maker
from zeekml.pipeline.assemble import watch_with
from zeekml.pipeline.watching import Hooks, NoHooks, WatchOptions, WatchSummary
from zeekml.records import Batch, Rejects
from zeekml.scoring import Scores
from zeekml.table import Frame

BUNDLE = cast(
    Any,
    SimpleNamespace(
        name="stand-in",
        classes=("Benign", "PortScan"),
        drift=None,
        thresholds=SimpleNamespace(connection=0.9, host=5.0),
        evidence=SimpleNamespace(floor=0.5, half_life=3600.0),
    ),
)
MAKER = Maker("stand-in", "1", "0" * 64, "0" * 64, BUNDLE.classes)


class StandIn:
    """Scores a connection by how many its stream has had: a state that replaying must bring back exactly."""

    caps_acted = hosts_held = pairs_held = 0

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def features(self, frame: Frame, stream: str) -> Any:
        return frame

    def judge(self, found: Any, stream: str) -> Scores:
        return self.score(found, stream)

    def score(self, frame: Frame, stream: str) -> Scores:
        before = self.seen.get(stream, 0)
        self.seen[stream] = before + len(frame)
        turn = (before + np.arange(len(frame))) * 7919 % 1000
        score = (turn / 1000).astype(np.float32)
        return Scores(score, np.ones(len(frame), dtype=np.int64), score)

    def reasons(self, scores: Scores, rows: np.ndarray) -> list[str]:
        return [f"turn={scores.score[row]:.3f}" for row in rows]

    def end_stream(self, stream: str) -> None:
        raise AssertionError("a live stream does not end")

    def export(self) -> Arrays:
        return {name.replace("/", "|"): np.array([count]) for name, count in self.seen.items()}

    def restore(self, arrays: Arrays) -> None:
        self.seen = {name.replace("|", "/"): int(count[0]) for name, count in arrays.items()}


@dataclass
class At:
    """A position: connections read."""

    row: int

    def to_json(self) -> dict[str, int]:
        return {"row": self.row}


class MadeLogs:
    """Logs that are frames; each poll gives the next piece, as long as ``sizes`` says (0: nothing new).

    ``at_poll``: called with the number of each poll before it.
    """

    def __init__(
        self,
        frames: Mapping[str, pd.DataFrame],
        sizes: Iterator[int],
        positions: Mapping[str, Any],
        rejects: Rejects,
        at_poll: Callable[[int], None],
    ) -> None:
        self._at_poll = at_poll
        self._polls = 0
        self._frames = frames
        self._sizes = sizes
        self._rejects = rejects
        self.positions = {name: At(positions.get(name, {"row": 0})["row"]) for name in frames}
        self.closed = False
        self.streams = tuple(frames)
        self.problems: dict[str, Exception] = {}

    @property
    def lag(self) -> dict[str, int]:
        return {name: len(frame) - self.positions[name].row for name, frame in self._frames.items()}

    @property
    def caught_up(self) -> bool:
        return not any(self.lag.values())

    def poll(self, most_rows: int) -> Sequence[Batch]:
        batches = []
        self._at_poll(self._polls)
        self._polls += 1
        for name, frame in self._frames.items():
            begin = self.positions[name].row
            size = min(next(self._sizes), len(frame) - begin, most_rows)
            if size:
                rows = np.arange(begin, begin + size)
                for row in rows[rows % 10 == 0]:
                    self._rejects.add(name, int(row), "made up", b"\x1b[31m")
                batches.append(Batch(arrow_of(frame.iloc[rows]), name, name, rows + 1))
                self.positions[name] = At(begin + size)
        return batches

    def folders(self) -> set[Path]:
        return set()

    def close(self) -> None:
        self.closed = True


class NoWait:
    """Wakes at once."""

    def watch(self, folders: set[Path]) -> None:
        pass

    def wait(self, timeout: float | None = None) -> bool:
        return True

    def wake(self) -> None:
        pass


def watch_once(
    frames: Mapping[str, pd.DataFrame],
    sizes: Iterator[int],
    folder: Path,
    settings: Settings,
    hooks: Hooks | None = None,
    **options: Any,
) -> WatchSummary:
    """One run of a watch over made logs, to their end; state and outputs are in ``folder``."""
    given = {"start": "start", "once": True, **options}
    shown = given.pop("shown", [])
    at_poll = given.pop("at_poll", lambda _: None)
    return watch_with(
        StandIn(),
        BUNDLE,
        given.pop("maker", MAKER),
        folder / "out",
        folder / "state",
        settings,
        WatchOptions(**given),
        follow=lambda positions, rejects: MadeLogs(frames, sizes, positions, rejects, at_poll),
        wake=NoWait(),
        hooks=hooks or NoHooks(),
        show=shown.append,
    )


def records(folder: Path, name: str) -> list[str]:
    """The records of an output and its rotated files, in order."""
    stem = name.removesuffix(".log")
    # A file that was rotated in the same second as another one has a number.
    rotated = sorted(folder.glob(f"{stem}.*.log"), key=_rotated_at)
    found: list[str] = []
    for path in [*rotated, folder / name]:
        with suppress(FileNotFoundError):
            text = path.read_text()
            assert not text or text.endswith("\n")
            found += [line for line in text.splitlines() if not line.startswith("#")]
    return found


def _rotated_at(path: Path) -> tuple[str, int]:
    parts = path.stem.split(".")[1].split("-")
    return "-".join(parts[:6]), int(parts[6]) if len(parts) > 6 else 0

"""The logs of a watch whose run may be disturbed, and what is asked of its outputs then."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tests.builders import random_log
from tests.pipeline.live_parts import records
from zeekml.config import parse_settings
from zeekml.pipeline.watching import NoHooks, StepFacts

OUTPUTS = ("notice.log", "zeekml.log", "rejects.log")
SETTINGS = parse_settings(
    "score: {log_threshold: 0.3}\nalerts: {suppress_for: 60}\nwatch: {rotate_size: 6000}", "test"
)
FRAMES = {"a/conn.log": random_log(1, 160), "b/conn.log": random_log(2, 90)}


def of_size(seed: int) -> Iterator[int]:
    draw = np.random.default_rng(abs(seed))
    return (int(draw.choice((0, 1, 7, 40))) for _ in itertools.count())


def outputs_of(folder: Path) -> dict[str, list[str]]:
    return {name: records(folder / "out", name) for name in OUTPUTS}


class Records(dict[str, list[str]]):
    """Records by output; failing examples do not print them all."""

    def __repr__(self) -> str:
        return f"<{ {name: len(lines) for name, lines in self.items()} }>"


def by_stream(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Records without their order among streams, which is that of reading."""
    return {name: sorted(lines) for name, lines in found.items()}


class Noted(NoHooks):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[StepFacts] = []
        self.heard: list[str] = []

    def stepped(self, step: StepFacts) -> None:
        self.steps.append(step)

    def ready(self) -> None:
        self.heard.append("ready")

    def reloaded(self, problem: str | None) -> None:
        self.heard.append(f"reloaded {problem}")

    def output(self, problem: str | None) -> None:
        self.heard.append(f"output {problem}")

    def checkpointed(self, seconds: float, size: int) -> None:
        assert size > 0
        self.heard.append("checkpointed")


def signalled(number: int, at: int) -> Callable[[int], None]:
    """Sends this process a signal before one of the polls."""
    return lambda poll: os.kill(os.getpid(), number) if poll == at else None

"""How training shows that it goes on: a bar by epochs on a terminal, a line an epoch elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from zeekml.training.fit import Epoch


class EpochLines:
    """A line for each stage and each epoch."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage = ""

    def begin(self, stage: str, epochs: int) -> None:
        """A stage begins that takes at most this many epochs (0: not counted)."""
        self._stage = stage
        self._say(stage + (f", at most {epochs} epochs" if epochs else ""))

    def epoch(self, epoch: Epoch) -> None:
        """An epoch of the stage is done."""
        self._say(f"{self._stage}: epoch {epoch.number}, {figures(epoch)}")

    def _say(self, text: str) -> None:
        self._stream.write(f"zeekml: {text}\n")
        self._stream.flush()


class EpochBar:
    """One bar a stage; it stays when the next begins, so that the last figures of each can be read."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream)
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def begin(self, stage: str, epochs: int) -> None:
        """A stage begins that takes at most this many epochs (0: not counted)."""
        self.close()
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._task = self._bar.add_task(stage, total=epochs or None, figures="")
        self._bar.start()

    def epoch(self, epoch: Epoch) -> None:
        """An epoch of the stage is done."""
        if self._bar is not None:
            self._bar.update(self._task, completed=epoch.number, figures=figures(epoch))

    def close(self) -> None:
        """No stage is going on any more; the cursor is shown again."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


@contextmanager
def epochs_on(stream: TextIO) -> Iterator[EpochLines | EpochBar]:
    """What suits the stream: bars on a terminal, lines otherwise."""
    if not stream.isatty():
        yield EpochLines(stream)
        return
    bar = EpochBar(stream)
    try:
        yield bar
    finally:
        bar.close()


def figures(epoch: Epoch) -> str:
    """Loss and validation figures in a few words, F1 among them where there is a validation."""
    words = {"f1": "validation F1", "average_precision": "validation average precision"}
    told = [
        f"{words.get(name, name)} {value:.3f}"
        for name, value in sorted(epoch.validation.items(), reverse=True)
    ]
    return ", ".join([f"loss {epoch.loss:.4f}", *told])

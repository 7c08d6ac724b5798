"""Progress of training on a terminal and elsewhere."""

from __future__ import annotations

import io

from zeekml.pipeline.training_progress import epochs_on
from zeekml.training.fit import Epoch


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def tell(stream: io.StringIO) -> str:
    with epochs_on(stream) as watcher:
        watcher.begin("reading [/the] logs", 0)
        watcher.begin("fold 1", 2)
        watcher.epoch(Epoch(1, 0.5, {"f1": 0.25, "average_precision": 0.75}))
        watcher.epoch(Epoch(2, 0.25, {}))
    return stream.getvalue()


def test_lines_tell_loss_and_validation() -> None:
    assert tell(io.StringIO()).splitlines() == [
        "zeekml: reading [/the] logs",
        "zeekml: fold 1, at most 2 epochs",
        "zeekml: fold 1: epoch 1, loss 0.5000, validation F1 0.250, validation average precision 0.750",
        "zeekml: fold 1: epoch 2, loss 0.2500",
    ]


def test_a_bar_shows_each_stage() -> None:
    shown = tell(Terminal())
    assert "reading [/the] logs" in shown
    assert "loss 0.2500" in shown

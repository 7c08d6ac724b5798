"""A cell: one row of one table with one seed. It depends on nothing but what its key holds."""

from __future__ import annotations

import ast
import hashlib
import json
import time
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from zeekml.comparison.distinct import Distinct, Task, distinct_rows, for_task
from zeekml.comparison.fit import Epoch, Training, fit, predict
from zeekml.comparison.flow import make
from zeekml.comparison.inputs import Inputs
from zeekml.comparison.measure import confusion, figures
from zeekml.comparison.settings import BATCH, EPOCHS, TUNING_EPOCHS, Settings
from zeekml.comparison.splits import Part, Protocol, split, tuning_part
from zeekml.comparison.tables import Table, load_table
from zeekml.comparison.trees import fit_trees

TREES: Final = "Boosted trees"
_TREES_CLASS_POWER: Final = 0.5

#: The modules, below the package, that a cell's figures come from: another text of any of them is another code.
_SOURCES: Final = (
    "networks.py",
    "features/encoding.py",
    "features/layout.py",
    *(
        f"comparison/{name}.py"
        for name in ("cells", "distinct", "fit", "flow", "inputs", "measure", "splits", "tables")
    ),
)

_TREES_SOURCE: Final = "comparison/trees.py"


@dataclass(frozen=True, slots=True)
class Cell:
    """What is to be worked out.

    ``row`` is a network, an ablation or ``TREES``; ``settings`` is None for trees. ``tuning``: train and validate on
    the rows that tuning may see, and test nothing.
    """

    data_set: str
    protocol: Protocol
    task: Task
    row: str
    seed: int
    settings: Settings | None
    tuning: bool = False

    @property
    def epochs(self) -> int:
        """Epochs of training."""
        return TUNING_EPOCHS if self.tuning else EPOCHS[self.protocol]

    def described(self, digest: str) -> dict[str, Any]:
        """Everything that the figures depend on; ``digest`` is that of the data set's file."""
        return {
            "data_set": self.data_set,
            "data_sha256": digest,
            "protocol": self.protocol,
            "task": self.task,
            "row": self.row,
            "seed": self.seed,
            "settings": self.settings.model_dump() if self.settings else None,
            "tuning": self.tuning,
            "epochs": self.epochs,
            "batch": BATCH,
            "code": code_version(self.row == TREES),
            "torch": torch.__version__,
        }

    def key(self, digest: str) -> str:
        """SHA-256 over ``described``."""
        return hashlib.sha256(json.dumps(self.described(digest), sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=2)
def code_version(trees: bool = False) -> str:
    """SHA-256 over the code that figures come from, twelve digits; comments, docstrings and layout do not count."""
    package = Path(__file__).parent.parent
    names = (*_SOURCES, _TREES_SOURCE) if trees else _SOURCES
    texts = [code_of((package / name).read_text(encoding="utf-8")) for name in names]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def code_of(source: str) -> str:
    """A module's syntax tree without what does nothing when it runs."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [part for part in node.body if not _is_text(part)]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@lru_cache(maxsize=2)
def prepared(data_set: str, data: Path) -> tuple[Table, Distinct]:
    """A data set and its distinct rows, read once a process."""
    table = load_table(data_set, data)
    return table, distinct_rows(table)


def work_out(cell: Cell, data: Path) -> dict[str, Any]:
    """Train and test a cell; the result is what its file holds.

    ``seconds`` in it are those of the processor, so that other work on the machine does not count.
    """
    started = time.process_time()
    torch.set_num_threads(1)
    table, distinct = prepared(cell.data_set, data)
    parts = [tuning_part(distinct)] if cell.tuning else split(table, distinct, cell.protocol)
    work = _grow if cell.row == TREES else _train
    done = [work(cell, table, distinct, part) for part in parts]
    matrix = np.sum([one.matrix for one in done], axis=0)
    return {
        "key": cell.key(table.digest),
        "cell": cell.described(table.digest),
        "figures": None if cell.tuning else figures(matrix),
        "confusion": matrix.tolist(),
        "kept": [one.kept for one in done],
        "parameters": done[0].parameters,
        "epochs": [[asdict(epoch) for epoch in one.epochs] for one in done],
        "seconds": round(time.process_time() - started, 1),
    }


@dataclass(frozen=True, eq=False)
class _Done:
    """What one part came to: its confusion matrix, epochs, the number kept (rounds of trees) and learned numbers."""

    matrix: NDArray[np.float64]
    epochs: tuple[Epoch, ...]
    kept: int
    parameters: int | None


def _train(cell: Cell, table: Table, distinct: Distinct, part: Part) -> _Done:
    settings = cell.settings
    assert settings is not None  # noqa: S101 - for the type checker
    train, validation, test = (_rows(counts) for counts in (part.train, part.validation, part.test))
    inputs = Inputs.fit(table, distinct.features.iloc[train])
    x, watched = (inputs.encode(distinct.features.iloc[rows], settings.patch) for rows in (train, validation))
    counts = for_task(part.train[train], cell.task)
    fitted = fit(
        lambda: make(
            cell.row, steps=x.shape[1], channels=x.shape[2], classes=counts.shape[1], settings=settings
        ),
        (x, counts),
        (watched, for_task(part.validation[validation], cell.task)),
        Training(
            epochs=cell.epochs,
            batch=BATCH,
            rate=settings.rate,
            weight_decay=settings.weight_decay,
            class_power=1.0 if cell.protocol == "random" else settings.class_power,
        ),
        cell.seed,
    )
    tested = for_task(part.test[test], cell.task)
    found = np.zeros(0, dtype=np.int64)
    if len(test):
        logits = predict(fitted.network, inputs.encode(distinct.features.iloc[test], settings.patch))
        found = logits.argmax(axis=1)
    parameters = sum(p.numel() for p in fitted.network.parameters())
    return _Done(confusion(tested, found), fitted.epochs, fitted.kept, parameters)


def _grow(cell: Cell, table: Table, distinct: Distinct, part: Part) -> _Done:
    train, validation, test = (_rows(counts) for counts in (part.train, part.validation, part.test))
    trees = fit_trees(
        table,
        (distinct.features.iloc[train], for_task(part.train[train], cell.task)),
        (distinct.features.iloc[validation], for_task(part.validation[validation], cell.task)),
        1.0 if cell.protocol == "random" else _TREES_CLASS_POWER,
        cell.seed,
    )
    tested = for_task(part.test[test], cell.task)
    return _Done(confusion(tested, trees.predict(distinct.features.iloc[test])), (), trees.rounds, None)


def _rows(counts: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.flatnonzero(counts.sum(axis=1) > 0)

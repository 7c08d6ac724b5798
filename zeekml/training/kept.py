"""Finished folds: one Parquet file each, taken again when everything that they came from is still the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from zeekml.comparison.cells import code_of
from zeekml.errors import OutputError
from zeekml.features import LAYOUT
from zeekml.simulate.files import whole_file
from zeekml.training.captures import Capture
from zeekml.training.recipe import Recipe
from zeekml.training.said import Part, Said, Task

#: The modules, below the package, that what a fold says comes from: another text of any of them is another key.
_SOURCES: Final = (
    "addresses.py",
    "arrow.py",
    "arrow_texts.py",
    "categories.py",
    "code_kernels.py",
    "compiled",
    "features",
    "memory.py",
    "networks.py",
    "number_kernels.py",
    "records",
    "scoring/calibration.py",
    "scoring/ensemble.py",
    "scoring/pieces.py",
    "scoring/runner.py",
    "scoring/trees.py",
    "table.py",
    "text_kernels.py",
    "training/made",
    *(
        f"training/{name}.py"
        for name in (
            "batches",
            "captures",
            "corrections",
            "fit",
            "folds",
            "heldout",
            "losses",
            "measure",
            "members",
            "outoffold",
            "overlays",
            "pretrain",
            "recipe",
            "samples",
            "sight",
            "trees",
            "variation",
        )
    ),
)
#: Libraries whose versions decide as well.
_LIBRARIES: Final = ("numpy", "pandas", "pyarrow", "torch", "lightgbm", "scikit-learn")
#: Settings of a recipe that only judging and shipping go by; the seed is the task's own.
_JUDGING: Final = ("name", "description", "version", "seed", "seeds", "verdicts")
#: The settings of ``fit`` and ``network`` that trees go by as well: all others are the network's own.
_ROWS: Final = {"fit": ("capture_power", "class_power", "malicious_share"), "network": ("features",)}
#: What a network is trained for is in its task already; these decide on it.
_STOPPING: Final = ("patience", "tolerance")
_KEY: Final = b"zeekml key"


class Kept:
    """The finished folds in ``folder``, which is made when the first is kept; with None nothing is kept."""

    def __init__(self, folder: Path | None, recipe: Recipe, captures: Sequence[Capture]) -> None:
        self._folder = folder
        self._recipe = recipe
        self._basis = "" if folder is None else _basis(captures)

    def finished(self, task: Task) -> Said | None:
        """What came of a task, None where there is none of the same key. Raises OutputError."""
        if self._folder is None:
            return None
        path = self._path(task)
        try:
            table = pq.read_table(pa.BufferReader(path.read_bytes()))
        except FileNotFoundError:
            return None
        except pa.ArrowInvalid:  # not Parquet: something else wrote it, and it is worked out again
            return None
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputError(f"{path}: cannot be read ({reason}); give another --folds") from error
        if (table.schema.metadata or {}).get(_KEY) != self._key(task).encode():
            return None
        return _said(table.to_pandas())

    def keep(self, task: Task, said: Said) -> None:
        """Write what came of a task, whole or not at all. Raises OutputError."""
        if self._folder is None:
            return
        table = pa.Table.from_pandas(_frame(said), preserve_index=False)
        table = table.replace_schema_metadata(
            {**(table.schema.metadata or {}), _KEY: self._key(task).encode()}
        )
        with whole_file(self._path(task)) as file:
            buffer = pa.BufferOutputStream()
            pq.write_table(table, buffer, compression="zstd")
            file.write(memoryview(buffer.getvalue()))

    def _path(self, task: Task) -> Path:
        assert self._folder is not None  # noqa: S101 - for the type checker
        name = f"seed-{task.seed}-fold-{task.fold + 1}-{task.part}-{self._key(task)[:12]}.parquet"
        return self._folder / name

    def _key(self, task: Task) -> str:
        settings = json.dumps(_settings(self._recipe, task.part), sort_keys=True)
        text = f"{self._basis} {settings} {task.seed} {task.fold} {task.part} {task.epochs}"
        return hashlib.sha256(text.encode()).hexdigest()


def _settings(recipe: Recipe, part: Part) -> dict[str, Any]:
    """The settings that a part of the work depends on."""
    settings = recipe.model_dump(mode="json", exclude=set(_JUDGING))
    with_suspects = recipe.fit.suspects > 0  # whether there are such hosts among the rows
    if part == "trees":
        settings["variation"] = recipe.variation_for_trees.model_dump(mode="json")
        del settings["trees"]["dead"]
        for name, shared in _ROWS.items():
            settings[name] = {key: settings[name][key] for key in shared}
        if not settings["trees"].pop("share"):
            settings["trees"] = {"draws": recipe.trees.draws}
        return settings | {"suspects": with_suspects}
    settings["trees"] = (
        {"draws": recipe.trees.draws, "dead": recipe.trees.dead} if recipe.fit.taught else None
    )
    if part == "network":
        settings["fit"] = {key: value for key, value in settings["fit"].items() if key not in _STOPPING}
    return settings


def _basis(captures: Sequence[Capture]) -> str:
    """What every part of every fold depends on, as a digest: logs and their labels, code and libraries."""
    described: dict[str, Any] = {
        "logs": [
            (
                capture.name,
                capture.group,
                capture.infected,
                capture.clean,
                _digest(capture.labels),
                hashlib.sha256(capture.path.read_bytes()).hexdigest(),
            )
            for capture in captures
        ],
        "layout": LAYOUT.digest,
        "code": _code(),
        "libraries": [version(name) for name in _LIBRARIES],
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _digest(labels: NDArray[np.int64]) -> str:
    return hashlib.sha256(labels.tobytes()).hexdigest()


def _code() -> str:
    package = Path(__file__).parent.parent
    files = [path for source in _SOURCES for path in _modules(package / source)]
    texts = [code_of(path.read_text(encoding="utf-8")) for path in files]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _modules(source: Path) -> list[Path]:
    return [source] if source.is_file() else sorted(source.rglob("*.py"))


def _frame(said: Said) -> pd.DataFrame:
    """What came of a task as columns: the rows' own, or the epoch alone."""
    if said.best_epoch:
        return pd.DataFrame({"best_epoch": [said.best_epoch]})
    columns: dict[str, NDArray[np.float32]] = {}
    if said.logits is not None:
        columns |= {f"logits {place}": said.logits[:, place] for place in range(said.logits.shape[1])}
    for name, odds in (("odds of trees", said.trees), ("odds of shipped", said.shipped)):
        if odds is not None:
            columns[name] = odds
    frame = pd.DataFrame(columns)
    return frame if said.rows is None else pd.concat([said.rows, frame.set_index(said.rows.index)], axis=1)


def _said(frame: pd.DataFrame) -> Said:
    if "best_epoch" in frame:
        return Said(best_epoch=int(frame["best_epoch"].iloc[0]))
    logits = [name for name in frame.columns if name.startswith("logits ")]
    odds = [name for name in frame.columns if name.startswith("odds of ")]
    return Said(
        rows=frame.drop(columns=[*logits, *odds]) if logits else None,
        logits=np.asarray(frame[logits], dtype=np.float32) if logits else None,
        trees=_odds(frame, "odds of trees"),
        shipped=_odds(frame, "odds of shipped"),
    )


def _odds(frame: pd.DataFrame, name: str) -> NDArray[np.float32] | None:
    return np.asarray(frame[name], dtype=np.float32) if name in frame else None

"""What zeekml is measured against, each as a process of its own: ``python benchmarks/peers.py KIND ...``.

``zat-read LOG``: zat's LogToDataFrame reads the log. ``forest TRAIN LOG``: as zat's notebooks do it: LogToDataFrame,
DataFrameToMatrix, scikit-learn's RandomForestClassifier with its defaults and n_jobs=2; fitted on the labelled log
TRAIN first, then reading, transforming and predicting are timed, without start-up. ``boosted-fit TRAIN MODEL`` and
``boosted MODEL LOG``: gradient-boosted trees (lightgbm, 300 trees of 31 leaves) on zeekml's own features.
``captures DATA LOG`` writes what peers may be fitted on: all that counts in the captures of the shipped model's recipe.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
TREES, LEAVES, THREADS = 300, 31, 2
COLUMNS = (
    "id.resp_p", "proto", "service", "duration", "orig_bytes", "resp_bytes", "conn_state", "history",
    "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes",
)  # fmt: skip
"""What the forest is given of a connection: all that is neither a name nor a time."""


def zat_read(log: str) -> int:
    """Reads a log with zat; its number of connections."""
    return len(_zat_frame(log))


def forest(train: str, log: str) -> tuple[float, ...]:
    """The seconds by the clock and of processor that it took from log to verdicts; then what the forest is like:
    connections it was fitted on, columns of its matrix, nodes of a tree (mean)."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - only this peer needs it
    from zat.dataframe_to_matrix import DataFrameToMatrix  # noqa: PLC0415

    to_matrix, trees = DataFrameToMatrix(), RandomForestClassifier(n_jobs=THREADS, random_state=0)
    with contextlib.redirect_stdout(io.StringIO()):  # it tells of every column
        frame = _zat_frame(train)
        matrix = to_matrix.fit_transform(_plain(frame))
        trees.fit(matrix, frame["label"].astype(str) != "Benign")
        nodes = sum(tree.tree_.node_count for tree in trees.estimators_) / len(trees.estimators_)
        fitted = len(frame), matrix.shape[1], round(nodes)
        del frame, matrix
        wall, cpu = time.perf_counter(), time.process_time()
        trees.predict(to_matrix.transform(_plain(_zat_frame(log))))
        return time.perf_counter() - wall, time.process_time() - cpu, *fitted


def boosted_fit(train: str, model: str) -> int:
    """Fits the boosted trees on a labelled log and keeps them as text; the connections that it has."""
    import numpy as np  # noqa: PLC0415 - zat alone is to stand for reading
    from lightgbm import LGBMClassifier  # noqa: PLC0415

    with Path(train).open(encoding="utf-8") as lines:
        truth = [float(line.split("\t")[-2] != "Benign") for line in lines if not line.startswith("#")]
    matrix = np.concatenate(list(_features(train)))
    # One thread: fitting is not counted, and threads that wait for each other suffer most on a busy machine.
    trees = LGBMClassifier(n_estimators=TREES, num_leaves=LEAVES, n_jobs=1, random_state=0, verbose=-1)
    trees.fit(matrix, truth)
    trees.booster_.save_model(model)
    return len(matrix)


def boosted(model: str, log: str) -> int:
    """Scores a log with the boosted trees; its connections."""
    from lightgbm import Booster  # noqa: PLC0415

    trees = Booster(model_file=model)
    return sum(len(trees.predict(matrix, num_threads=THREADS)) for matrix in _features(log))


def captures(data: str, log: str) -> int:
    """Writes the labelled connections of the shipped recipe's captures as one log; how many they are."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.labelled import write_labelled  # noqa: PLC0415
    from zeekml.training.recipe import load_recipe  # noqa: PLC0415

    return write_labelled(load_recipe(ROOT / "models" / "recipes" / "conn-1-res.yaml"), Path(data), Path(log))


def _zat_frame(log: str) -> pd.DataFrame:
    from zat.log_to_dataframe import LogToDataFrame  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it calls what newer pandas deprecates
        frame: pd.DataFrame = LogToDataFrame().create_dataframe(log)
    return frame


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of the forest, numbers as floats: DataFrameToMatrix takes neither intervals nor unset counts."""
    warnings.simplefilter("ignore")  # DataFrameToMatrix calls what newer pandas deprecates
    plain = frame[list(COLUMNS)].copy()
    plain["duration"] = plain["duration"].dt.total_seconds()
    numbers = plain.select_dtypes(include="number").columns
    return plain.astype(dict.fromkeys(numbers, "float32"))


def _features(log: str) -> Iterator[np.ndarray]:
    """zeekml's features (N, F) of a log, a batch at a time."""
    from zeekml.features import StateLimits, StreamState, features  # noqa: PLC0415
    from zeekml.records import Rejects, discover, read_batches  # noqa: PLC0415

    (stream,) = discover([log]).streams
    state = StreamState(StateLimits())
    for batch in read_batches(stream.files[0], stream.name, rejects=Rejects()):
        yield features(batch.frame, state)


def main(arguments: Sequence[str]) -> None:
    """Runs one of them; prints what it gives."""
    kind, *files = arguments
    kinds: dict[str, Any] = {
        "zat-read": zat_read,
        "forest": forest,
        "boosted-fit": boosted_fit,
        "boosted": boosted,
        "captures": captures,
    }
    found = kinds[kind](*files)
    print(*(found if isinstance(found, tuple) else [found]))


if __name__ == "__main__":
    main(sys.argv[1:])

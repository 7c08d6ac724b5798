"""What labelled captures hold goes into one log, as zat and zeekml read it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from zat.log_to_dataframe import LogToDataFrame

from benchmarks import peers
from benchmarks.labelled import whole, write_labelled
from tests.training.data import recipe_file, write_captures
from zeekml.training import load_recipe
from zeekml.training.captures import load_captures


@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.set_index is deprecated")
def test_the_log_has_every_connection_that_counts_with_its_label(tmp_path: Path) -> None:
    data, recipe = write_captures(tmp_path / "data"), load_recipe(recipe_file(tmp_path))
    path = tmp_path / "labelled.log"
    captures = load_captures(recipe, data)
    wanted = pd.concat([c.frame[c.labels >= 0] for c in captures], ignore_index=True)
    labels = np.concatenate([c.labels[c.labels >= 0] for c in captures])
    assert write_labelled(recipe, data, path) == len(wanted) > 1000

    found, _ = whole(path)
    for name in wanted.columns:
        if wanted[name].dtype == np.float64:
            np.testing.assert_allclose(found[name], wanted[name], atol=1e-6)
        else:
            assert (
                found[name].astype("object").fillna("-").tolist()
                == wanted[name].astype("object").fillna("-").tolist()
            )
    by_zat = LogToDataFrame().create_dataframe(str(path))
    assert Counter(by_zat["label"]) == {"Benign": (labels == 0).sum(), "Malicious": (labels > 0).sum()}
    assert set(by_zat["detailedlabel"]) == {recipe.class_names[index] for index in set(labels.tolist())}


def test_the_captures_of_the_shipped_model(shared_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "captures.log"
    count = peers.captures(str(shared_data), str(path))
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert len(lines) == count > 100_000
    assert {line.split("\t")[-2] for line in lines} == {"Benign", "Malicious"}

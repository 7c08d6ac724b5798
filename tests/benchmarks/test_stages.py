"""The stages are those of a whole run: the same scores, every stage timed. How long they take is never tested."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import stages
from benchmarks.stages import STAGES, Clock, Stages
from tests.builders import tiny_bundle
from zeekml.records import Rejects, discover, read_batches
from zeekml.scoring import Scorer, load_bundle
from zeekml.simulate import Scenario, write_traffic
from zeekml.sinks import open_outputs


def test_stage_by_stage_gives_the_scores_of_a_run(tmp_path: Path) -> None:
    bundle = load_bundle(tiny_bundle(tmp_path / "tiny"))
    write_traffic(tmp_path / "conn.log", Scenario(connections=1500, seed=1))
    (stream,) = discover([str(tmp_path / "conn.log")]).streams
    scorer = Scorer(bundle, threads=1)
    with open_outputs(tmp_path / "out", "tsv", model=bundle.name, classes=bundle.classes) as outputs:
        ours = Stages(bundle, outputs, Clock())
        for batch in read_batches(stream.files[0], stream.name, rejects=Rejects(), batch_rows=1000):
            expected, found = scorer.score(batch.frame, batch.stream), ours.batch(batch.frame, batch.stream)
            for name in ("score", "class_index", "class_score", "features", "network_odds"):
                np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_it_measures_every_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(tiny_bundle(tmp_path / "tiny"))
    asked = ["--connections", "800", "--repeat", "2", "--model", model, "--dir", str(tmp_path)]
    assert stages.main([*asked, "--malicious", "0.1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["connections"], found["malicious"], found["repeat"]) == (800, 0.1, 2)
    assert list(found["microseconds"]) == list(STAGES)
    assert min(found["microseconds"][name] for name in ("read", "features", "network")) > 0
    assert stages.main(asked) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == [*STAGES, "all"]

"""A bundle that was exported to ONNX gives the verdicts of the one that it was exported from."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import (
    CLASSES,
    Floats,
    cut,
    cuts,
    frame_of,
    logs,
    random_log,
    row,
    small_encoding,
    tiny_bundle,
)
from zeekml.cli import main
from zeekml.errors import BundleError, ModelError, OutputError
from zeekml.features import StateLimits, StreamState, blocks
from zeekml.journal.snapshot import Maker
from zeekml.networks import NETWORKS
from zeekml.resources import DEFAULT_MODEL
from zeekml.scoring import Bundle, Scorer, load_bundle, onnx_runner, verify_bundle
from zeekml.scoring.bundle import GRAPH, MANIFEST, find_bundle
from zeekml.scoring.export import export_onnx
from zeekml.scoring.graph import graph_of, state_width
from zeekml.scoring.manifest import NetworkSizes
from zeekml.scoring.onnx_runner import OnnxRunner, session_of
from zeekml.scoring.rebuilt import network_of
from zeekml.scoring.runner import Runner
from zeekml.scoring.runners import Runs, runners_of
from zeekml.scoring.shapes import weight_shapes

TOLERANCE = 2e-5
ENCODING = small_encoding()
SMALL = StateLimits(idle=100, max_pairs=9)


def pair(name: str = "Res-1DCNN-LSTM", layout: str = "window", **other: object) -> tuple[Runner, OnnxRunner]:
    """The same network with random weights, larger than fresh ones so that every gate is felt: by PyTorch, by ONNX."""
    flow = layout == "flow"
    given: dict[str, object] = {
        "name": name, "layout": layout, "channels": 1 if flow else ENCODING.channels, "classes": len(CLASSES),
        "width": 8, "depth": 2, "kernel": 3, "dropout": 0.0, "length": ENCODING.channels if flow else 0, "members": 1,
    }  # fmt: skip
    sizes = NetworkSizes.model_validate(given | other)
    rng = np.random.default_rng(0)
    weights = {
        weight: rng.normal(scale=0.3, size=shape).astype(np.float32)
        for weight, shape in weight_shapes(sizes).items()
    }
    session = session_of(graph_of(sizes, weights).SerializeToString(), sizes)
    return Runner(network_of(sizes, weights), ENCODING), OnnxRunner(session, ENCODING, sizes)


def logits_of(runner: Runs, batches: list[pd.DataFrame]) -> Floats:
    state = StreamState(SMALL)
    return np.concatenate([runner.logits(block) for batch in batches for block in blocks(batch, state)])


@pytest.mark.parametrize(
    "other", [{}, {"members": 2}, {"depth": 3, "kernel": 4}], ids=["one", "members", "sizes"]
)
@pytest.mark.parametrize("layout", ["window", "flow"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network(name: str, layout: str, other: dict[str, object]) -> None:
    frame = random_log(1, 200)
    reference, runner = pair(name, layout, **other)
    expected = logits_of(reference, [frame])
    np.testing.assert_allclose(logits_of(runner, cut(frame, [1, 2, 90, 199])), expected, atol=TOLERANCE)


CARRIED, ONNX_CARRIED = pair()


@settings(deadline=None, max_examples=40)
@given(frame=logs(), places=cuts())
def test_batches_change_nothing(frame: pd.DataFrame, places: list[int]) -> None:
    """The slots of hosts are used again, so one runner may serve all examples: a slot begins with nothing."""
    expected = logits_of(CARRIED, [frame])
    np.testing.assert_allclose(logits_of(ONNX_CARRIED, cut(frame, places)), expected, atol=TOLERANCE)


def test_pieces_of_long_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_runner, "_MOST_STEPS", 8)
    frame = random_log(3, 300, hosts=1)
    reference, runner = pair()
    expected = logits_of(reference, [frame])
    np.testing.assert_allclose(logits_of(runner, [frame]), expected, atol=TOLERANCE)


def test_a_host_that_starts_anew_within_a_batch() -> None:
    times = [0, 10, 500, 505, 900, 1400, 1401]
    rows = [row(ts=1e9 + t, duration=None, id_orig_h=f"10.0.0.{host}") for t in times for host in range(3)]
    reference, runner = pair()
    expected = logits_of(reference, [frame_of(rows)])
    np.testing.assert_allclose(logits_of(runner, [frame_of(rows)]), expected, atol=TOLERANCE)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "Dense"])
def test_state_goes_over_from_one_to_the_other(name: str) -> None:
    before, after = cut(random_log(5, 120), [60])
    reference, runner = pair(name)
    both: tuple[Runs, Runs] = (reference, runner)
    states = StreamState(SMALL), StreamState(SMALL)
    for state, one in zip(states, both, strict=True):
        for block in blocks(before, state):
            one.logits(block)
    carried = [one.export(state.hosts.slots) for state, one in zip(states, both, strict=True)]
    assert carried[0]["carried"].shape[1] == carried[1]["carried"].shape[1] > 0
    np.testing.assert_allclose(carried[1]["carried"], carried[0]["carried"], atol=TOLERANCE)

    taken_over = pair(name)[1]
    went_on = StreamState(SMALL)
    went_on.restore(states[0].export())
    taken_over.restore(carried[0], len(went_on.hosts))
    expected = np.concatenate([reference.logits(block) for block in blocks(after, states[0])])
    found = np.concatenate([taken_over.logits(block) for block in blocks(after, went_on)])
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_one_layer_at_a_time_carries_nothing() -> None:
    reference, runner = pair("Dense")
    assert state_width(runner._sizes) == 0
    assert runner.export(np.arange(0))["carried"].shape == reference.export(np.arange(0))["carried"].shape


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model, exported."""
    folder = tmp_path_factory.mktemp("exported") / "with-graph"
    export_onnx(DEFAULT_MODEL, folder)
    return folder


def test_the_shipped_model_exports_whole(shipped: Path) -> None:
    manifest, former = verify_bundle(shipped), load_bundle(DEFAULT_MODEL)
    assert set(manifest.files) == {*former.manifest.files, GRAPH}
    for file in former.manifest.files:
        assert (shipped / file).read_bytes() == (find_bundle(DEFAULT_MODEL) / file).read_bytes()
    exported = load_bundle(shipped)
    assert Maker.of(exported) == Maker.of(former), "a watch goes on with the state of the other one"
    assert isinstance(runners_of(exported)(), OnnxRunner)


def test_the_shipped_model_scores_the_same(shipped: Path, made_log: Path, tmp_path: Path) -> None:
    """Every connection of a made log, and its notices."""
    said = []
    for place, model in enumerate((DEFAULT_MODEL, str(shipped))):
        out = tmp_path / str(place)
        with pytest.raises(SystemExit) as stop:
            main(
                [
                    "score",
                    str(made_log),
                    "--out",
                    str(out),
                    "--log-threshold",
                    "0",
                    "--quiet",
                    "--model",
                    model,
                ]
            )
        assert stop.value.code == 0
        lines = (out / "zeekml.log").read_text().splitlines()
        fields = next(line for line in lines if line.startswith("#fields")).split("\t")[1:]
        table = pd.DataFrame([line.split("\t") for line in lines if not line.startswith("#")], columns=fields)
        notices = [line for line in (out / "notice.log").read_text().splitlines() if line[:1] != "#"]
        said.append((table, [line.split("\t")[10:12] for line in notices]))
    (mine, my_notices), (other, other_notices) = said
    np.testing.assert_allclose(mine["score"].astype(float), other["score"].astype(float), atol=1e-5)
    assert len(my_notices) > 0
    assert [note for note, _ in my_notices] == [note for note, _ in other_notices]
    assert my_notices == other_notices


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=cuts(), restarts=st.sets(st.integers(0, 6), max_size=2))
def test_the_shipped_model_after_restarts(shipped: Path, places: list[int], restarts: set[int]) -> None:
    """The state of a scorer with kernels is taken over by one with the graph, and the other way round."""
    frame = random_log(8, 80)
    bundles: list[Bundle] = [load_bundle(DEFAULT_MODEL), load_bundle(shipped)]
    steady, going = Scorer(bundles[0]), Scorer(bundles[0])
    for number, part in enumerate(cut(frame, places)):
        if number in restarts:
            arrays = going.export()
            going = Scorer(bundles[number % 2])
            going.restore(arrays)
        np.testing.assert_allclose(going.score(part, "a").score, steady.score(part, "a").score, atol=1e-5)


def test_a_changed_graph_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    export_onnx(tiny_folder, tmp_path / "x")
    content = bytearray((tmp_path / "x" / GRAPH).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "x" / GRAPH).write_bytes(content)
    with pytest.raises(BundleError, match=f"{GRAPH}: the file was altered"):
        load_bundle(tmp_path / "x")


def test_a_graph_of_another_network_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    flow = tiny_bundle(tmp_path / "flow", layout="flow")
    export_onnx(flow, tmp_path / "flow-graph")
    bundle = load_bundle(tmp_path / "flow-graph")
    assert bundle.graph is not None
    sizes = load_bundle(tiny_folder).manifest.network
    with pytest.raises(BundleError, match=r"graph has x .*, expected x .*carried_on"):
        session_of(bundle.graph, sizes)
    with pytest.raises(BundleError, match="graph cannot be loaded"):
        session_of(b"no graph", sizes)


def test_an_export_can_be_exported_again(tiny_folder: Path, tmp_path: Path) -> None:
    first = export_onnx(tiny_folder, tmp_path / "x")
    assert export_onnx(tmp_path / "x", tmp_path / "y") == first
    with pytest.raises(OutputError):
        export_onnx(tiny_folder, Path(tiny_folder) / MANIFEST)


@pytest.mark.parametrize("absent", ["onnx", "onnxruntime"])
def test_the_absence_of_a_package_is_told(
    absent: str, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "x"
    export_onnx(tiny_folder, bundle)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == absent else sys)
    run = (
        partial(export_onnx, tiny_folder, tmp_path / "y")
        if absent == "onnx"
        else partial(Scorer, load_bundle(bundle))
    )
    with pytest.raises(ModelError, match=rf"needs {absent}, .*zeekml\[onnx\]"):
        run()


def test_the_command(tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["model", "export", str(tiny_folder), "--onnx", str(tmp_path / "x")])
    assert stop.value.code == 0
    assert f"--model {tmp_path / 'x'}" in capsys.readouterr().out
    assert GRAPH in yaml.safe_load((tmp_path / "x" / MANIFEST).read_text())["files"]

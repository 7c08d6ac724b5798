"""What the compiled kernels give is what the modules give that define it, however a log is cut into batches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings

from tests.builders import CLASSES, Floats, cut, cuts, logs, random_log, small_encoding
from zeekml.features import Encoding, StateLimits, StreamState, blocks
from zeekml.features.context import Block
from zeekml.features.runs import Runs
from zeekml.networks import NetworkConfig, build
from zeekml.scoring.ensemble import together
from zeekml.scoring.kernels.network import CompiledNetwork, CompiledRunner, is_compiled
from zeekml.scoring.manifest import NetworkSizes
from zeekml.scoring.rebuilt import network_of
from zeekml.scoring.runner import Runner
from zeekml.scoring.shapes import weight_shapes

ENCODING = small_encoding()
SMALL = StateLimits(idle=100, max_pairs=9)
TOLERANCE = 1e-5


def sizes_of(name: str = "Res-1DCNN-LSTM", **other: object) -> NetworkSizes:
    given: dict[str, object] = {
        "name": name, "layout": "window", "channels": ENCODING.channels, "classes": len(CLASSES), "width": 32,
        "depth": 2, "kernel": 3, "dropout": 0.3, "length": 0, "members": 1,
    }  # fmt: skip
    return NetworkSizes.model_validate(given | other)


def weights_of(sizes: NetworkSizes, seed: int = 0, spread: float = 0.3) -> dict[str, Floats]:
    """Random weights, larger than fresh ones, so that every gate is felt."""
    rng = np.random.default_rng(seed)
    return {
        name: rng.normal(scale=spread, size=shape).astype(np.float32)
        for name, shape in weight_shapes(sizes).items()
    }


def runners(sizes: NetworkSizes, encoding: Encoding = ENCODING) -> tuple[Runner, CompiledRunner]:
    weights = weights_of(sizes)
    members = CompiledNetwork.members(encoding, weights, sizes)
    return Runner(network_of(sizes, weights), encoding), CompiledRunner(members, sizes.classes)


def logits_of(runner: Runner | CompiledRunner, batches: list[pd.DataFrame]) -> Floats:
    state = StreamState(SMALL)
    return np.concatenate([runner.logits(block) for batch in batches for block in blocks(batch, state)])


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("members", [1, 3])
def test_the_kernels_give_what_the_network_gives(depth: int, members: int) -> None:
    frame = random_log(1, 600)
    reference, compiled = runners(sizes_of(depth=depth, members=members))
    expected = logits_of(reference, [frame])
    assert np.ptp(expected, axis=0).min() > 0.1
    np.testing.assert_allclose(
        logits_of(compiled, [frame]), expected, atol=TOLERANCE * np.abs(expected).max()
    )


@settings(deadline=None, max_examples=40)
@given(frame=logs(), where=cuts())
def test_no_cut_changes_a_bit(frame: pd.DataFrame, where: list[int]) -> None:
    whole = logits_of(runners(sizes_of())[1], [frame])
    np.testing.assert_array_equal(logits_of(runners(sizes_of())[1], cut(frame, where)), whole)


@settings(deadline=None, max_examples=20)
@given(frame=logs(), where=cuts())
def test_a_run_goes_on_from_what_another_exported(frame: pd.DataFrame, where: list[int]) -> None:
    sizes = sizes_of(members=2)
    expected, state = logits_of(runners(sizes)[1], [frame]), StreamState(SMALL)
    runner: CompiledRunner | None = None
    found: list[Floats] = []
    for batch in cut(frame, where):
        before = runner
        runner = runners(sizes)[1]
        if before is not None:
            held = before.export(state.hosts.slots)
            after = StreamState(SMALL)
            after.restore(state.export())
            runner.restore(held, len(after.hosts))
            state = after
        found += [runner.logits(block) for block in blocks(batch, state)]
    np.testing.assert_array_equal(np.concatenate(found), expected)


def test_both_runners_carry_the_same_state() -> None:
    first, second = random_log(2, 300), random_log(3, 300)
    reference, compiled = runners(sizes_of())
    state = StreamState(SMALL)
    for block in blocks(first, state):
        reference.logits(block)
    compiled.restore(reference.export(state.hosts.slots), len(state.hosts))
    renumbered = StreamState(SMALL)
    renumbered.restore(state.export())
    expected = np.concatenate([reference.logits(block) for block in blocks(second, state)])
    found = np.concatenate([compiled.logits(block) for block in blocks(second, renumbered)])
    np.testing.assert_allclose(found, expected, atol=TOLERANCE * np.abs(expected).max())


def test_every_run_of_a_host_in_a_block_starts_anew_where_it_is_fresh() -> None:
    """Three runs in one slot, the second fresh: as two hosts, of which the second goes on."""
    rng = np.random.default_rng(0)
    matrix = rng.random((100, len(ENCODING.used)), dtype=np.float32)
    starts = np.zeros(100, dtype=bool)
    starts[[0, 37, 70]] = True

    def said(slots: list[int], fresh: list[bool]) -> Floats:
        block = Block(matrix, np.arange(100), Runs.where(starts), np.array(slots), np.array(fresh))
        return runners(sizes_of())[1].logits(block)

    np.testing.assert_array_equal(said([0, 0, 0], [True, True, False]), said([0, 1, 1], [True, True, False]))
    assert (said([0, 0, 0], [True] * 3) != said([0, 1, 1], [True, True, False]))[70:].any()


def test_missing_numbers_and_any_size_are_encoded_as_the_encoding_does() -> None:
    rng = np.random.default_rng(4)
    matrix = (rng.normal(size=(500, len(ENCODING.used))) * 10.0 ** rng.integers(-3, 7, 500)[:, None]).astype(
        np.float32
    )
    flags = ~ENCODING.is_number
    matrix[:, flags] = rng.random((500, int(flags.sum()))) < 0.2
    matrix[(rng.random(matrix.shape) < 0.2) & ~flags] = np.nan
    sizes = sizes_of()
    weights = weights_of(sizes)
    (member,) = CompiledNetwork.members(ENCODING, weights, sizes)
    encoded = ENCODING.encode(matrix).astype(np.float64)
    expected = np.maximum(encoded @ weights["stem.0.weight"].T.astype(np.float64) + weights["stem.0.bias"], 0)
    found = np.empty((500, 32), np.float32)
    member.stem(matrix, np.arange(500)[::-1].copy(), found)
    found = found[::-1]
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize(
    ("change", "mode", "known"),
    [
        ({}, "piecewise", True),
        ({"depth": 5, "members": 4}, "piecewise", True),
        ({"width": 16}, "piecewise", False),
        ({"kernel": 5}, "piecewise", False),
        ({"classes": 33}, "piecewise", False),
        ({"name": "GRU"}, "piecewise", False),
        ({}, "quantile", False),
    ],
)
def test_other_kinds_are_left_to_pytorch(change: dict[str, object], mode: str, known: bool) -> None:
    encoding = Encoding(mode, ENCODING.is_number, ENCODING.used, ENCODING.edges)  # type: ignore[arg-type]
    assert is_compiled(sizes_of(**change), encoding) == known  # type: ignore[arg-type]


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("width", [8, 32])
def test_the_shapes_worked_out_are_those_of_the_network(members: int, width: int) -> None:
    sizes = sizes_of(members=members, width=width, depth=3, kernel=4)
    config = NetworkConfig(
        name=sizes.name,
        layout="window",
        channels=sizes.channels,
        classes=sizes.classes,
        width=width,
        depth=3,
        kernel=4,
    )
    network = together([build(config) for _ in range(members)])
    assert weight_shapes(sizes) == {name: tuple(w.shape) for name, w in network.state_dict().items()}
    assert all(isinstance(w, torch.Tensor) for w in network.state_dict().values())

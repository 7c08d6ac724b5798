"""The networks: shapes, shortcuts that carry, causality, carried state, gradients."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from zeekml.networks import (
    NETWORKS,
    Carried,
    CausalConv,
    Layer,
    Network,
    NetworkConfig,
    Recurrent,
    ResidualConv,
    ResidualLSTM,
    State,
    build,
)

CHANNELS, CLASSES, LENGTH = 6, 4, 8
NAMES = tuple(NETWORKS)
TEMPORAL = ("GRU", "1DCNN", "CNN-LSTM", "Res-1DCNN-LSTM")


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Networks this small are faster so."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


every_network = pytest.mark.parametrize("name", NAMES)
every_layout = pytest.mark.parametrize("layout", ["flow", "window"])


def made(name: str, layout: str = "window", *, depth: int = 2, kernel: int = 3) -> Network:
    torch.manual_seed(1)
    flow: Literal["flow", "window"] = "flow" if layout == "flow" else "window"
    return build(
        NetworkConfig(
            name=name,
            layout=flow,
            channels=1 if layout == "flow" else CHANNELS,
            classes=CLASSES,
            width=10,
            depth=depth,
            kernel=kernel,
            length=LENGTH if layout == "flow" else 0,
        )
    ).eval()


def inputs(batch: int, length: int, channels: int = CHANNELS) -> Tensor:
    return torch.randn(batch, length, channels, generator=torch.Generator().manual_seed(2))


def steps(network: Network, x: Tensor, cuts: list[int]) -> tuple[Tensor, State]:
    """Logits of x given in pieces with carried state."""
    state, found = network.initial(len(x)), []
    for start, stop in pairwise([0, *cuts, x.shape[1]]):
        logits, state = network.step(network.stem(x[:, start:stop]), state)
        found.append(logits)
    return torch.cat(found, dim=1), state


def test_the_networks_of_the_paper() -> None:
    assert set(NETWORKS) == {"Dense", "GRU", "1DCNN", "CNN-LSTM", "Res-1DCNN-LSTM"}


def test_another_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        build(NetworkConfig("ResNet", "window", CHANNELS, CLASSES))


@every_network
@pytest.mark.parametrize("length", [1, 2, LENGTH, 50])
def test_window_layout_gives_one_score_a_connection(name: str, length: int) -> None:
    assert made(name)(inputs(3, length)).shape == (3, length, CLASSES)


@every_network
def test_flow_layout_gives_one_score_a_connection(name: str) -> None:
    assert made(name, "flow")(inputs(3, LENGTH, 1)).shape == (3, CLASSES)


@every_network
@every_layout
def test_the_same_seed_gives_the_same_network(name: str, layout: str) -> None:
    x = inputs(2, LENGTH, 1 if layout == "flow" else CHANNELS)
    assert torch.equal(made(name, layout)(x), made(name, layout)(x))


@every_network
@every_layout
def test_every_parameter_has_a_gradient(name: str, layout: str) -> None:
    network = made(name, layout).train()
    torch.manual_seed(0)
    network(inputs(5, LENGTH, 1 if layout == "flow" else CHANNELS)).square().sum().backward()
    for parameter, value in network.named_parameters():
        assert value.grad is not None, parameter
        assert value.grad.abs().sum() > 0, parameter


@every_network
def test_nothing_later_changes_an_earlier_score(name: str) -> None:
    network, x = made(name), inputs(2, 20)
    for at in (0, 7, 19):
        other = x.clone()
        other[:, at:] += 5
        before, after = network(x), network(other)
        torch.testing.assert_close(after[:, :at], before[:, :at], rtol=0, atol=1e-6)
        assert not torch.allclose(after[:, at], before[:, at])


@pytest.mark.parametrize("name", TEMPORAL)
def test_what_came_before_changes_a_score(name: str) -> None:
    network, x = made(name), inputs(1, 6)
    other = x.clone()
    other[:, 4] += 5
    assert not torch.allclose(network(other)[:, 5], network(x)[:, 5])


@every_network
def test_in_flow_layout_every_feature_counts(name: str) -> None:
    network, x = made(name, "flow"), inputs(1, LENGTH, 1)
    for place in range(LENGTH):
        other = x.clone()
        other[:, place] += 5
        assert not torch.allclose(network(other), network(x)), place


def test_in_flow_layout_the_place_of_a_value_matters() -> None:
    """Also for the network without order, Dense: the same values in other features are another connection."""
    network, x = made("Dense", "flow"), inputs(1, LENGTH, 1)
    assert not torch.allclose(network(x), network(x.flip(1)))


@every_network
@pytest.mark.parametrize("cuts", [[8, 16, 24, 32], [1, 2, 3, 17, 39], list(range(1, 40))])
def test_steps_with_carried_state_equal_one_pass(name: str, cuts: list[int]) -> None:
    network, x = made(name), inputs(4, 5 * LENGTH)
    torch.testing.assert_close(steps(network, x, cuts)[0], network(x), rtol=0, atol=1e-5)


@every_network
@pytest.mark.parametrize("kernel", [2, 5])
def test_steps_with_other_kernels(name: str, kernel: int) -> None:
    network, x = made(name, kernel=kernel, depth=3), inputs(2, 5 * LENGTH)
    torch.testing.assert_close(steps(network, x, [1, 3, 9])[0], network(x), rtol=0, atol=1e-5)


@every_network
def test_sequences_may_go_on_without_each_other(name: str) -> None:
    """Sequences of uneven lengths: those that have ended are left out of the later pieces."""
    network, lengths, x = made(name), [1, 5, 2, 8], inputs(4, LENGTH)
    state, done = network.initial(4), 0
    found: list[list[Tensor]] = [[] for _ in lengths]
    live = list(range(4))
    for stop in sorted(set(lengths)):
        logits, state = network.step(network.stem(x[live, done:stop]), state)
        for i, part in zip(live, logits, strict=True):
            found[i].append(part)
        going = [at for at, i in enumerate(live) if lengths[i] > stop]
        live, done = [live[at] for at in going], stop
        state = [tuple(part[going] for part in layer) for layer in state]
    for i, length in enumerate(lengths):
        torch.testing.assert_close(torch.cat(found[i]), network(x[i : i + 1, :length])[0], rtol=0, atol=1e-5)


@every_network
def test_the_state_has_a_row_for_each_sequence(name: str) -> None:
    network = made(name)
    _, state = steps(network, inputs(3, 4), [2])
    for layer, fresh in zip(state, network.initial(3), strict=True):
        assert [part.shape for part in layer] == [part.shape for part in fresh]
        assert all(part.shape[0] == 3 for part in layer)


def silence(layer: nn.Module) -> None:
    """Zero all weights inside a layer."""
    for value in layer.parameters():
        nn.init.zeros_(value)


@pytest.mark.parametrize("width_in", [10, 7])
def test_the_shortcut_of_a_residual_convolution_carries(width_in: int) -> None:
    block = ResidualConv(width_in, 10, 3)
    silence(block.first)
    silence(block.second)
    expect_shortcut(block, width_in)


@pytest.mark.parametrize("width_in", [10, 7])
def test_the_shortcut_of_a_residual_lstm_carries(width_in: int) -> None:
    block = ResidualLSTM(width_in, 10)
    silence(block.lstm)
    expect_shortcut(block, width_in)


def expect_shortcut(block: ResidualConv | ResidualLSTM, width_in: int) -> None:
    """Silenced, a block is the identity, or the projection where widths differ."""
    x = inputs(2, 5, width_in)
    y, _ = block(x, block.initial(2, x))
    if width_in == 10:
        assert isinstance(block.shortcut, nn.Identity)
        assert torch.equal(y, x)
    else:
        assert isinstance(block.shortcut, nn.Linear)
        assert torch.equal(y, x @ block.shortcut.weight.T)
        assert y.abs().sum() > 0


def test_with_all_blocks_silenced_the_stem_reaches_the_head() -> None:
    network, x = made("Res-1DCNN-LSTM", depth=4), inputs(2, 5)
    for layer in network.layers:
        for part in ("first", "second", "lstm"):
            if hasattr(layer, part):
                silence(getattr(layer, part))
    stemmed = network.stem(x)
    torch.testing.assert_close(network(x), network.head(torch.cat([stemmed, stemmed], dim=-1)))


def test_space_and_time_run_in_parallel() -> None:
    """Neither branch sees what the other makes of its input."""
    network, x = made("Res-1DCNN-LSTM"), inputs(2, 5)
    whole = network.body(network.stem(x), network.initial(2))[0]
    for layer in network.layers:
        if isinstance(layer, ResidualConv):
            silence(layer)
    halved = network.body(network.stem(x), network.initial(2))[0]
    assert torch.equal(halved[:, :, 10:], whole[:, :, 10:])
    assert not torch.allclose(halved[:, :, :10], whole[:, :, :10])


@pytest.mark.parametrize("layer", [CausalConv(4, 6, 3), Recurrent(nn.LSTM, 4, 6), Recurrent(nn.GRU, 4, 6)])
def test_a_layer_carries_its_state(layer: CausalConv | Recurrent) -> None:
    x = inputs(2, 9, 4)
    with torch.no_grad():
        whole, after = layer(x, layer.initial(2, x))
        first, state = layer(x[:, :4], layer.initial(2, x))
        second, last = layer(x[:, 4:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole, rtol=0, atol=1e-6)
    for mine, other in zip(last, after, strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-6)


def test_a_layer_that_lacks_its_state_cannot_be_made() -> None:
    class Stateless(Layer):
        def forward(self, x: Tensor, state: Carried) -> tuple[Tensor, Carried]:
            return x, state

    with pytest.raises(TypeError, match="initial"):
        Stateless()  # type: ignore[abstract]

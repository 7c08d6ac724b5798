"""Several networks that speak as one: the mean of their logits, however the log is cut."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from hypothesis import given, settings

from tests.builders import Floats, cut, cuts, logs, random_log, small_encoding, small_network
from zeekml.features import StateLimits, StreamState, blocks
from zeekml.networks import Network
from zeekml.scoring.ensemble import Ensemble, together
from zeekml.scoring.runner import Runner

ENCODING = small_encoding()
SMALL = StateLimits(idle=100, max_pairs=9)


def networks(layout: str = "window") -> list[Network]:
    """Two of one configuration with other weights."""
    first, second = (small_network(ENCODING, layout=layout) for _ in range(2))
    with torch.no_grad():
        for parameter in second.parameters():
            parameter.mul_(-0.5)
    return [first, second]


def logits_of(network: Network | Ensemble, batches: list[pd.DataFrame]) -> Floats:
    state, runner = StreamState(SMALL), Runner(network, ENCODING)
    return np.concatenate([runner.logits(block) for batch in batches for block in blocks(batch, state)])


@settings(deadline=None, max_examples=20)
@given(logs(), cuts())
def test_logits_are_the_mean_of_the_members_for_any_cut(frame: pd.DataFrame, places: list[int]) -> None:
    members = networks()
    alone = [logits_of(network, [frame]) for network in members]
    np.testing.assert_allclose(
        logits_of(together(members), cut(frame, places)), np.mean(alone, axis=0), atol=1e-4
    )


def test_the_state_that_is_kept_goes_on_as_it_would_have() -> None:
    frame = random_log(3, 80)
    one = Runner(together(networks()), ENCODING)
    state = StreamState(SMALL)
    for block in blocks(frame[:40], state):
        one.logits(block)
    other = Runner(together(networks()), ENCODING)
    other.restore(one.export(state.hosts.slots), len(state.hosts))
    # In the other one the slots are numbered anew, in the order in which they were kept.
    place = {slot: at for at, slot in enumerate(state.hosts.slots.tolist())}
    carried = other.export(np.arange(len(place)))["carried"]
    np.testing.assert_array_equal(carried, one.export(state.hosts.slots)["carried"])


def test_whole_sequences_and_the_flow_layout() -> None:
    members = networks("flow")
    x = torch.rand(3, members[0].config.length, 1)
    with torch.no_grad():
        expected = (members[0](x) + members[1](x)) / 2
        torch.testing.assert_close(together(members)(x), expected)


def test_one_network_stays_itself() -> None:
    only = networks()[:1]
    assert together(only) is only[0]

"""Several networks that were trained alike from other first weights, and speak as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn

from zeekml.networks import Network, State


class Ensemble(nn.Module):
    """M networks of one configuration; the logits are the mean of theirs.

    It has the part of ``Network`` that a runner needs, with the members side by side: H is M times a network's width,
    the state is that of the first member's layers, then of the second's, and so on.
    """

    def __init__(self, members: Sequence[Network]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.config = members[0].config
        self._members = list(members)
        sizes = [len(network.initial(1)) for network in members]
        self._layers = [slice(*ends) for ends in pairwise(accumulate(sizes, initial=0))]

    def initial(self, batch: int) -> State:
        """The state of ``batch`` sequences before their first step."""
        return [carried for network in self._members for carried in network.initial(batch)]

    def stem(self, x: Tensor) -> Tensor:
        """Each step by itself, x (N, C): (N, H)."""
        return torch.cat([network.stem(x) for network in self._members], dim=-1)

    def step(self, stemmed: Tensor, state: State) -> tuple[Tensor, State]:
        """``window`` layout: logits (B, L, K) of a further piece (B, L, H) that has passed the stem, and the state."""
        said, after = [], []
        pieces = stemmed.chunk(len(self._members), dim=-1)
        for network, piece, layers in zip(self._members, pieces, self._layers, strict=True):
            logits, carried = network.step(piece, state[layers])
            said.append(logits)
            after += carried
        return torch.stack(said).mean(dim=0), after

    def forward(self, x: Tensor) -> Tensor:
        """Logits of whole sequences, as ``Network`` gives them."""
        return torch.stack([network(x) for network in self._members]).mean(dim=0)


def together(networks: Sequence[Network]) -> Network | Ensemble:
    """One network as it is, several as an ensemble."""
    return networks[0] if len(networks) == 1 else Ensemble(networks)

"""Self-supervised pretraining: a network learns what hosts do next before it learns what is malicious.

After every connection it is to say how the host's next one will look, as the encoding shows it. That asks for no label,
so all connections of an epoch count, those of unknown kind too (hosts of which nothing is labelled are in none, unless
``fit.suspects`` takes them). Its head is left as it was.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zeekml.features import Encoding
from zeekml.networks import Network
from zeekml.training.batches import Batch, schedule, whole_pieces
from zeekml.training.recipe import FitPart
from zeekml.training.samples import Floats, Material, mask_columns

#: So far apart that no epoch of the training proper meets the same draws.
_APART = 50_000


def pretrain(
    network: Network, encoding: Encoding, material: Material, part: FitPart, seed: int
) -> list[float]:
    """Train stem and branches of a ``window`` network for ``part.pretrain`` epochs.

    Returns each epoch's mean loss of a connection. The same seed gives the same weights.
    """
    # The first epoch's overlays are drawn by an equal stream, as in ``fit``: what is drawn has nothing in common.
    rng = np.random.default_rng([seed, _APART])
    head = nn.Linear(_joined(network), encoding.channels)
    weights = [*network.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=part.rate, weight_decay=part.weight_decay)
    network.train()
    losses = []
    for epoch in range(part.pretrain):
        sequences = material.epoch(np.random.default_rng([seed, _APART + epoch]))
        seen = mask_columns(sequences, part.mask, part.feature_dropout, rng)
        every = np.ones(len(sequences.labels), dtype=bool)
        batches = whole_pieces(sequences, part.length, every, part.batch, rng)
        total, counted = 0.0, 0
        for done, batch in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = part.rate * schedule((epoch + done / len(batches)) / part.pretrain)
            if batch.rows.shape[1] < 2:  # nothing follows
                continue
            loss = _next_loss(network, head, encoding, seen, sequences.features, batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            size = int(batch.real[:, 1:].sum())
            total, counted = total + float(loss.detach()) * size, counted + size
        losses.append(total / max(counted, 1))
    return losses


def _next_loss(
    network: Network, head: nn.Linear, encoding: Encoding, seen: Floats, true: Floats, batch: Batch
) -> Tensor:
    """The mean squared error of the next connection's encoding over all that have a next one."""
    x = _encoded(encoding, seen, batch)
    said = head(network.body(network.stem(x), network.initial(len(x)))[0][:, :-1])
    follows = torch.from_numpy(batch.real[:, 1:])
    return F.mse_loss(said[follows], _encoded(encoding, true, batch)[:, 1:][follows])


def _encoded(encoding: Encoding, features: Floats, batch: Batch) -> Tensor:
    """(B, L, C) what the network sees of the rows of a batch."""
    return torch.from_numpy(encoding.encode(features[batch.rows.ravel()])).reshape(*batch.rows.shape, -1)


def _joined(network: Network) -> int:
    """The width of what the branches say together."""
    norm = network.head[0]
    assert isinstance(norm, nn.LayerNorm)  # noqa: S101 - for the type checker
    return norm.normalized_shape[0]

"""Fits a network of the comparison to distinct rows, each with how often it carries each class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from zeekml.comparison.measure import confusion, figures

Floats = NDArray[np.float32]
Counts = NDArray[np.float64]

#: Decay of the averaged weights, which are the ones measured and kept.
_AVERAGE: Final = 0.99
_SMOOTHING: Final = 0.02
#: Macro F1 that a later epoch may lack against the best and still be kept: rare classes make it noisy, and of epochs
#: that it cannot tell apart the last has seen most of the falling learning rate.
_TOLERANCE: Final = 0.01
#: Share of the steps in which the learning rate rises.
_WARM_UP: Final = 0.15


@dataclass(frozen=True, slots=True)
class Training:
    """How a network is trained: at most ``epochs`` of them in batches of ``batch`` vectors, with a peak ``rate``."""

    epochs: int
    batch: int
    rate: float
    weight_decay: float
    class_power: float


@dataclass(frozen=True, slots=True)
class Epoch:
    """What an epoch came to, in training (as it went) and on the validation rows."""

    number: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    validation_macro_f1: float


@dataclass(frozen=True, eq=False)
class Fitted:
    """A network in evaluation mode with the weights of the epoch ``kept``, and how it came about."""

    network: nn.Module
    epochs: tuple[Epoch, ...]
    kept: int


def class_weights(counts: Counts, power: float) -> Counts:
    """(K,) the weight of each class: n rows together weigh as n to the power ``power`` (1: as they occur)."""
    total = counts.sum(axis=0)
    weight = np.where(total > 0, np.maximum(total, 1) ** (power - 1), 0)
    return np.asarray(weight * total.sum() / (weight * total).sum())


def fit(
    make: Callable[[], nn.Module],
    train: tuple[Floats, Counts],
    validation: tuple[Floats, Counts],
    how: Training,
    seed: int,
) -> Fitted:
    """Train on rows (M, L, C) with counts (M, K), and keep the last epoch whose macro F1 on the validation rows is
    near the best.

    The same seed gives the same weights on the same machine.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = make()
    average = _Average(network, make())
    classes = class_weights(train[1], how.class_power)
    x, target = torch.from_numpy(train[0]), torch.from_numpy((train[1] * classes).astype(np.float32))
    optimizer = torch.optim.AdamW(network.parameters(), lr=how.rate, weight_decay=how.weight_decay)
    draws = _Draws(train[1] * classes)
    steps = -(-len(x) // how.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=how.rate, total_steps=how.epochs * (steps + 1), pct_start=_WARM_UP
    )
    done: list[Epoch] = []
    weights: list[dict[str, Tensor]] = []
    for number in range(1, how.epochs + 1):
        loss, accuracy = _run_epoch(
            network, average, optimizer, schedule, (x, target), draws.epoch(rng, how.batch)
        )
        done.append(_validated(number, loss, accuracy, average.network, validation, classes))
        weights.append({name: value.clone() for name, value in average.network.state_dict().items()})
    kept = kept_epoch([epoch.validation_macro_f1 for epoch in done])
    average.network.load_state_dict(weights[kept - 1])
    return Fitted(average.network.eval(), tuple(done), kept)


def kept_epoch(macro_f1: Sequence[float]) -> int:
    """The number, from 1, of the last epoch that is within the tolerance of the best."""
    enough = max(macro_f1) - _TOLERANCE
    return max(number for number, value in enumerate(macro_f1, 1) if value >= enough)


def predict(network: nn.Module, rows: Floats, batch: int = 2048) -> Floats:
    """Logits (M, K) of rows (M, L, C)."""
    with torch.inference_mode():
        parts = [network(torch.from_numpy(rows[at : at + batch])) for at in range(0, len(rows), batch)]
        return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)


def _run_epoch(
    network: nn.Module,
    average: _Average,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    material: tuple[Tensor, Tensor],
    batches: Iterator[tuple[NDArray[np.int64], Floats]],
) -> tuple[float, float]:
    network.train()
    x, target = material
    loss_sum = right = seen = 0.0
    for rows, scale in batches:
        index = torch.from_numpy(rows)
        # What a row weighs in all, over how often it is drawn: on average the loss is that of all rows together.
        wanted = target[index] * torch.from_numpy(scale)[:, None]
        logits = network(x[index])
        loss = _loss(logits, wanted)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update()
        size = float(wanted.sum())
        seen += size
        loss_sum += float(loss.detach()) * size
        right += float(wanted.gather(1, logits.detach().argmax(dim=1, keepdim=True)).sum())
    return loss_sum / seen, right / seen


def _loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross entropy of logits (B, K) with weighted soft labels (B, K), smoothed."""
    total = wanted.sum(dim=1, keepdim=True)
    smooth = (1 - _SMOOTHING) * wanted + _SMOOTHING * total / wanted.shape[1]
    return -(smooth * F.log_softmax(logits, dim=1)).sum() / total.sum()


def _validated(
    number: int,
    loss: float,
    accuracy: float,
    network: nn.Module,
    rows: tuple[Floats, Counts],
    classes: Counts,
) -> Epoch:
    logits = predict(network.eval(), rows[0])
    wanted = rows[1] * classes
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_share = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    found = figures(confusion(rows[1], logits.argmax(axis=1)))
    return Epoch(
        number,
        loss,
        accuracy,
        float(-(wanted * log_share).sum() / wanted.sum()),
        found["accuracy"],
        found["macro_f1"],
    )


class _Draws:
    """Draws rows by the root of their weight, so that heavy rows come often and no row weighs too much in a batch."""

    def __init__(self, weights: Counts) -> None:
        root = np.sqrt(weights.sum(axis=1))
        expected = root * (len(root) / root.sum())
        self._until = np.cumsum(expected)
        self._scale = (1 / expected).astype(np.float32)

    def epoch(self, rng: np.random.Generator, batch: int) -> Iterator[tuple[NDArray[np.int64], Floats]]:
        """About as many rows as there are, in random order: indices (B,), and one over their expected draws (B,)."""
        points = np.arange(len(self._until)) + rng.random()
        rows = np.searchsorted(self._until, points, side="right").clip(max=len(self._until) - 1)
        rng.shuffle(rows)
        for at in range(0, len(rows), batch):
            mine = rows[at : at + batch]
            yield mine, self._scale[mine]


class _Average:
    """An exponential moving average of a network's weights: steadier than the last step's."""

    def __init__(self, network: nn.Module, copy: nn.Module) -> None:
        self.network = copy
        self.network.load_state_dict(network.state_dict())
        self._mine: list[Tensor] = list(self.network.parameters())
        self._theirs: list[Tensor] = list(network.parameters())
        self._steps = 0

    @torch.no_grad()
    def update(self) -> None:
        """Move towards the network's weights."""
        self._steps += 1
        decay = min(_AVERAGE, (1 + self._steps) / (10 + self._steps))
        torch._foreach_lerp_(self._mine, self._theirs, 1 - decay)

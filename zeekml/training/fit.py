"""Fits a network to sequences of labelled connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zeekml.features import LAYOUT, Encoding
from zeekml.networks import Network, NetworkConfig, build
from zeekml.training.batches import schedule, single_rows, whole_pieces
from zeekml.training.captures import IGNORED
from zeekml.training.losses import class_loss, suspect_loss, teacher_loss
from zeekml.training.pretrain import pretrain
from zeekml.training.recipe import FitPart, Recipe
from zeekml.training.samples import Floats, Material, Sequences, mask_columns, row_weights


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to: its number from 1, the validation's figures if there is one, and the mean loss over the
    counted connections (batches that hold suspect ones alone are not in it)."""

    number: int
    loss: float
    validation: dict[str, float]


#: Gives log odds of not Benign (N,) for features (N, F): what a network is to say as well.
Teacher = Callable[[Floats], Floats]
#: Weighs the rows (N,) of an epoch in the loss.
Weigh = Callable[[Sequences, FitPart], Floats]
Validate = Callable[[Network, Encoding], dict[str, float]]


class Start(Protocol):
    """A network to begin from, and what holds to it in the loss."""

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """The first weights."""

    def held(self, network: Network, x: Tensor, logits: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """What is added to the loss of a batch.

        ``x`` (B, L, C) is what the network saw and ``logits`` (B, L, K) what it said; ``label`` and ``weight`` (B, L).
        """


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted network in evaluation mode, its encoding and how it came about."""

    network: Network
    encoding: Encoding
    epochs: tuple[Epoch, ...]

    @property
    def best_epoch(self) -> int:
        """The epoch with the best validation average precision; without validation the last."""
        scored = [epoch for epoch in self.epochs if epoch.validation]
        return max(scored, key=_precision).number if scored else len(self.epochs)

    def latest_good_epoch(self, tolerance: float) -> int:
        """The last epoch whose validation is within ``tolerance`` of the best.

        Few groups make a noisy validation: of epochs that it cannot tell apart, the last one has seen most of the
        falling learning rate and varies least from run to run.
        """
        scored = [epoch for epoch in self.epochs if epoch.validation]
        if not scored:
            return len(self.epochs)
        enough = max(map(_precision, scored)) - tolerance
        return max(epoch.number for epoch in scored if _precision(epoch) >= enough)


def _precision(epoch: Epoch) -> float:
    return epoch.validation["average_precision"]


def fit(
    material: Material,
    recipe: Recipe,
    *,
    seed: int,
    stop_after: int | None = None,
    encoding: Encoding | None = None,
    teacher: Teacher | None = None,
    validate: Validate | None = None,
    report: Callable[[Epoch], None] = lambda _: None,
    start: Start | None = None,
    weigh: Weigh = row_weights,
) -> Fitted:
    """Train for the recipe's epochs, or fewer when a validation stops improving or after ``stop_after`` of them.

    Features are seen through ``encoding``, without one through one that is fitted to the first epoch. With a ``start``
    the network begins there and is held to it; ``weigh`` gives the rows' weights.
    Towards a ``teacher`` the network is drawn by the recipe's ``taught`` share of the loss.
    With a validation the best epoch's weights are kept, else the last's. The same seed gives the same weights.
    """
    epochs = recipe.fit.epochs
    # numpy takes [seed, 0] for seed: the first epoch's overlays are drawn by an equal stream. What is drawn from both
    # has nothing in common, and another stream would be another model.
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    first = material.epoch(np.random.default_rng([seed, 0]))
    encoding = encoding or fitted_encoding(first, recipe)
    network = build(network_config(recipe, encoding))
    if start is not None:
        network.load_state_dict(start.weights)
    elif recipe.fit.pretrain:
        pretrain(network, encoding, material, recipe.fit, seed)
    average = _Average(network, recipe.fit.ema)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=recipe.fit.rate, weight_decay=recipe.fit.weight_decay
    )
    done: list[Epoch] = []
    kept: dict[str, Tensor] = {}
    for number in range(1, (stop_after or epochs) + 1):
        sequences = first if number == 1 else material.epoch(np.random.default_rng([seed, number - 1]))
        taught = teacher(sequences.features) if teacher else None
        weights = weigh(sequences, recipe.fit)
        loss = _run_epoch(
            network, average, optimizer, encoding, sequences, weights, taught, start, recipe.fit, rng,
            (number - 1, epochs),
        )  # fmt: skip
        figures = validate(average.network, encoding) if validate else {}
        done.append(Epoch(number, loss, figures))
        report(done[-1])
        if not validate or Fitted(network, encoding, tuple(done)).best_epoch == number:
            kept = {name: value.clone() for name, value in average.network.state_dict().items()}
        elif number - Fitted(network, encoding, tuple(done)).best_epoch >= recipe.fit.patience:
            break
    network.load_state_dict(kept)
    return Fitted(network.eval(), encoding, tuple(done))


def network_config(recipe: Recipe, encoding: Encoding) -> NetworkConfig:
    """The sizes of the recipe's network for this encoding."""
    part = recipe.network
    flow = part.layout == "flow"
    return NetworkConfig(
        name=part.name,
        layout=part.layout,
        channels=1 if flow else encoding.channels,
        classes=len(recipe.class_names),
        width=part.width,
        depth=part.depth,
        kernel=part.kernel,
        dropout=part.dropout,
        length=encoding.channels if flow else 0,
    )


def fitted_encoding(sequences: Sequences, recipe: Recipe) -> Encoding:
    """The encoding for these sequences, of the features that the recipe lets the network see."""
    part = recipe.network
    encoding = Encoding.fit(sequences.features, LAYOUT, mode=part.encoding, bins=part.bins)
    return replace(encoding, used=used_features(recipe, part.without))


def used_features(recipe: Recipe, without: Sequence[str] = ()) -> NDArray[np.bool_]:
    """(F,) the features that the recipe lets through, but for the patterns ``without``."""
    return np.array([_fits(n, recipe.network.features) and not _fits(n, without) for n in LAYOUT.names])


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _run_epoch(
    network: Network,
    average: _Average,
    optimizer: torch.optim.Optimizer,
    encoding: Encoding,
    sequences: Sequences,
    weights: Floats,
    taught: Floats | None,
    start: Start | None,
    part: FitPart,
    rng: np.random.Generator,
    at_epoch: tuple[int, int],
) -> float:
    network.train()
    features = mask_columns(sequences, part.mask, part.feature_dropout, rng)
    flow = network.config.layout == "flow"
    counts = weights + sequences.suspect if part.suspects else weights
    if flow:
        batches = single_rows(counts, part.batch * part.length, rng)
    else:
        batches = whole_pieces(sequences, part.length, counts, part.batch, rng)
    total, counted = 0.0, 0.0
    for done, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = part.rate * schedule((at_epoch[0] + done / len(batches)) / at_epoch[1])
        rows, real = batch.rows, batch.real
        x = torch.from_numpy(encoding.encode(features[rows.ravel()])).reshape(*rows.shape, -1)
        label = torch.from_numpy(np.where(real, sequences.labels[rows], IGNORED))
        weight = torch.from_numpy(np.where(real, weights[rows], 0).astype(np.float32))
        logits = network(x.transpose(1, 2)).unsqueeze(1) if flow else network(x)
        loss = class_loss(logits, label, weight, part.smoothing, part.focal)
        if taught is not None:
            said = torch.from_numpy(taught[rows])
            loss = (1 - part.taught) * loss + part.taught * teacher_loss(logits, said, weight)
        if part.suspects:
            suspect = torch.from_numpy(real & sequences.suspect[rows])
            loss = loss + part.suspects * suspect_loss(logits, suspect)
        if start is not None:
            loss = loss + start.held(network, x, logits, label, weight)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.update(network)
        size = float(weight.sum())
        total, counted = total + float(loss.detach()) * size, counted + size
    return total / max(counted, 1e-9)


class _Average:
    """An exponential moving average of a network's weights: steadier than the last step's."""

    def __init__(self, network: Network, decay: float) -> None:
        self.network = build(network.config)
        self.network.load_state_dict(network.state_dict())
        self.network.eval()
        self._decay, self._steps = decay, 0

    @torch.no_grad()
    def update(self, network: Network) -> None:
        """Move towards the network's weights."""
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        for mine, theirs in zip(self.network.parameters(), network.parameters(), strict=True):
            mine.lerp_(theirs, 1 - decay)

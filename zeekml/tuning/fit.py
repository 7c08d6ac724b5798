"""Trains a network further without leaving what it knew.

Two things hold it. Where the parent is right its probabilities are to stay (distillation: Li and Hoiem 2016, arXiv
1606.09282; on rehearsed rows, beside their labels, as in Dark Experience Replay: Buzzega et al. 2020, arXiv
2004.07211). And every weight is pulled to its first value (L2-SP: Li, Grandvalet and Davoine 2018, arXiv 1802.01483).
Without old data both together keep most (Smith et al. 2023, arXiv 2203.17269); made hosts then stand for what would be
rehearsed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zeekml.features import Encoding
from zeekml.networks import Network, build
from zeekml.scoring import Bundle
from zeekml.scoring.ensemble import Ensemble, together
from zeekml.training.fit import Epoch, fit
from zeekml.training.recipe import FitPart, Recipe
from zeekml.training.samples import Floats, Material, Sequences, row_weights
from zeekml.training.watcher import Watcher

#: So far apart that no member's draws are met again.
_APART = 100_000


@dataclass(frozen=True, slots=True)
class Further:
    """How a network is trained further.

    ``epochs`` and peak ``rate``; ``share`` of the loss that the site's rows make; ``keep``: weight of the distance to
    what the parent says; ``pull``: weight of the squared distance to its weights.
    """

    epochs: int = 3
    rate: float = 2e-4
    share: float = 0.25
    keep: float = 1.0
    pull: float = 0.01


class Held:
    """A start for ``fit``: a network whose weights come first and whose verdicts are kept where they are right."""

    def __init__(self, parent: Network, keep: float, pull: float) -> None:
        self._parent = parent.eval()
        self._first = [value.detach().clone() for value in parent.parameters()]
        self._keep, self._pull = keep, pull

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """The parent's."""
        return self._parent.state_dict()

    def held(self, network: Network, x: Tensor, logits: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        """Weighted divergence from the parent's probabilities on rows that it judges rightly, and the pull."""
        with torch.no_grad():
            flow = network.config.layout == "flow"
            parent = self._parent(x.transpose(1, 2)).unsqueeze(1) if flow else self._parent(x)
            said = parent.softmax(dim=-1)
            right = ((said[..., 0] >= 0.5) == (label == 0)) & (label >= 0)
        apart = F.kl_div(logits.log_softmax(dim=-1), said, reduction="none").sum(dim=-1)
        kept = (apart * weight * right).sum() / (label >= 0).sum().clamp(min=1)
        pairs = zip(network.parameters(), self._first, strict=True)
        moved = torch.stack([(mine - first).square().sum() for mine, first in pairs]).sum()
        total: Tensor = self._keep * kept + self._pull * moved
        return total


def recipe_of(recipe: Recipe, bundle: Bundle, further: Further) -> Recipe:
    """The recipe, with the bundle's network and the settings of further training in place of its own."""
    config = bundle.network.config
    network = {
        "name": config.name,
        "layout": config.layout,
        "width": config.width,
        "depth": config.depth,
        "kernel": config.kernel,
        "dropout": config.dropout,
    }
    # The pull takes the place of weight decay, the parent that of teaching trees.
    fitting = {"epochs": further.epochs, "rate": further.rate, "weight_decay": 0.0, "taught": 0.0}
    return recipe.model_copy(
        update={
            "network": recipe.network.model_copy(update=network),
            "fit": recipe.fit.model_copy(update=fitting),
        }
    )


def fit_further(
    material: Material,
    site: range,
    bundle: Bundle,
    recipe: Recipe,
    further: Further,
    *,
    seed: int,
    watcher: Watcher,
) -> Network | Ensemble:
    """The bundle's network, each of its members trained further; ``site`` are the indices of the site's captures."""
    recipe = recipe_of(recipe, bundle, further)
    former = bundle.network
    members = list(former.members) if isinstance(former, Ensemble) else [former]
    networks = []
    for number, member in enumerate(members):
        assert isinstance(member, Network)  # noqa: S101 - for the type checker
        stage = "the network on" if len(members) == 1 else f"network {number + 1} of {len(members)} on"
        watcher.begin(f"training {stage} the site's logs", further.epochs)
        networks.append(
            _fitted(
                material,
                site,
                member,
                bundle.encoding,
                recipe,
                further,
                seed + _APART * number,
                watcher.epoch,
            )
        )
    return together(networks).eval()


def _fitted(
    material: Material,
    site: range,
    parent: Network,
    encoding: Encoding,
    recipe: Recipe,
    further: Further,
    seed: int,
    report: Callable[[Epoch], None],
) -> Network:
    def weigh(sequences: Sequences, part: FitPart) -> Floats:
        return site_weights(sequences, part, site, further.share)

    former = build(parent.config)
    former.load_state_dict(parent.state_dict())
    start = Held(former, further.keep, further.pull)
    fitted = fit(material, recipe, seed=seed, encoding=encoding, start=start, weigh=weigh, report=report)
    return fitted.network


def site_weights(sequences: Sequences, part: FitPart, site: range, share: float) -> Floats:
    """The weight (N,) of each row, mean 1 over the counted rows: as in training, the site's rows making ``share``."""
    weight = row_weights(sequences, part).astype(np.float64)
    mine = (sequences.capture >= site.start) & (sequences.capture < site.stop)
    total = weight.sum()
    for rows, part_of in ((mine, share), (~mine, 1 - share)):
        if weight[rows].sum() > 0:
            weight[rows] *= part_of / weight[rows].sum()
    scaled: Floats = (weight * total / weight.sum()).astype(np.float32)
    return scaled

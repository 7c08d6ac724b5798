"""Fits the networks of a model: one, or several from other first weights that speak as one."""

from __future__ import annotations

from dataclasses import dataclass

from zeekml.features import Encoding
from zeekml.networks import Network
from zeekml.scoring.ensemble import Ensemble, together
from zeekml.training.fit import Teacher, fit
from zeekml.training.recipe import Recipe
from zeekml.training.samples import Material
from zeekml.training.watcher import Watcher

#: So far apart that no fold's and no other seed's draws are met again.
_APART = 100_000


@dataclass(frozen=True, eq=False)
class Trained:
    """The network of a model, or several as one, and the encoding that they see features through."""

    network: Network | Ensemble
    encoding: Encoding


def fit_members(
    material: Material,
    recipe: Recipe,
    *,
    seed: int,
    epochs: int,
    teacher: Teacher | None,
    watcher: Watcher,
    stage: str,
) -> Trained:
    """Train the recipe's ``members`` networks for ``epochs``, each with a seed and overlays of its own.

    All see the features through the first one's encoding.
    """
    count = recipe.network.members
    networks: list[Network] = []
    encoding: Encoding | None = None
    for member in range(count):
        watcher.begin(stage if count == 1 else f"{stage}, network {member + 1} of {count}", epochs)
        fitted = fit(
            material,
            recipe,
            seed=seed + _APART * member,
            stop_after=epochs,
            encoding=encoding,
            teacher=teacher,
            report=watcher.epoch,
        )
        encoding = fitted.encoding
        networks.append(fitted.network)
    assert encoding is not None  # noqa: S101 - a recipe has at least one member
    return Trained(together(networks), encoding)

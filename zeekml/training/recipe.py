"""A training recipe: what to learn from, how to name it, how to train; one YAML file, validated."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from zeekml.errors import RecipeError

#: What a class map may say instead of a class: context that is never counted, and traffic of outside parties.
CONTEXT = ("Unknown", "Inbound")

Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataPart(_Part):
    """Where the labelled logs are; every path is relative to the data folder given when training."""

    groups: str = Field(description="table of captures: columns file, group")
    hosts: str = Field(description="table of known hosts: columns file, host, infected")
    corrections: list[str] = Field(default=[], description="tables of label corrections")
    training_only: list[str] = Field(
        default=[], description="further logs that are trained on and never counted"
    )
    local_nets: list[str] = Field(default=[], description="networks that are local beside the private ranges")


class OverlayPart(_Part):
    """How infected hosts are laid into clean networks."""

    min_connections: int = Field(
        default=60, ge=1, description="connections a clean host must have to lend its address"
    )
    earliest: Share = 0.1
    latest: Share = 0.6
    draws: int = Field(default=2, ge=1, description="overlays of each infected host an epoch")
    longest: int = Field(
        default=2048, ge=16, description="most connections of an infected host in one overlay"
    )
    alone: Share = Field(default=0.25, description="share of draws in which the host stays by itself")


class VariationPart(_Part):
    """How infected hosts are varied before they are laid into a network, and how the sensor sees what comes of it."""

    pace: Share = Field(default=0.5, description="share of draws at another pace")
    pace_factor: float = Field(default=3.0, ge=1, description="most that the pace is stretched or squeezed")
    ports: Share = Field(default=0.5, description="share of draws whose scans go to other ports")
    dead: Share = Field(
        default=0.0, description="share of draws in which a server that the bot calls is gone"
    )
    loss: Share = Field(default=0.0, description="share of draws of whose packets the sensor misses some")
    loss_most: Share = Field(default=0.1, description="most of the packets that it misses")
    one_sided: Share = Field(
        default=0.0, description="share of draws of which the sensor sees one side alone"
    )


class MadePart(_Part):
    """Made hosts to train on beside the captures; see ``zeekml.training.made``."""

    behaviours: list[str] = Field(default=[], description="patterns of the behaviours that are made")
    without: list[str] = Field(
        default=["benign/scanner", "benign/vpn"], description="patterns of those that are not"
    )
    draws: int = Field(default=4, ge=1, description="hosts of each behaviour an epoch")


class NetworkPart(_Part):
    """Sizes of the network; see ``zeekml.networks``."""

    name: Literal["Dense", "GRU", "1DCNN", "CNN-LSTM", "Res-1DCNN-LSTM"] = "Res-1DCNN-LSTM"
    layout: Literal["flow", "window"] = "window"
    width: int = Field(default=32, ge=4, le=512)
    depth: int = Field(default=2, ge=1, le=8)
    kernel: int = Field(default=3, ge=2, le=15)
    dropout: Share = 0.2
    encoding: Literal["piecewise", "quantile"] = "piecewise"
    bins: int = Field(default=8, ge=2, le=64)
    features: list[str] = Field(
        default=["*"], description="patterns of the features that network and trees see"
    )
    without: list[str] = Field(default=[], description="patterns of the features that only trees see")
    members: int = Field(
        default=1, ge=1, le=64, description="networks trained from other first weights that speak as one"
    )


class TreesPart(_Part):
    """Boosted trees that are shipped with the network and judge beside it."""

    share: Share = Field(
        default=0.0, description="their weight in the mean of the log odds; 0: none are shipped"
    )
    draws: int = Field(
        default=2, ge=1, description="epochs of overlays that all trees, the comparison's too, are grown on"
    )
    count: int = Field(default=100, ge=1, le=10_000, description="how many are shipped")
    leaves: int = Field(default=16, ge=2, le=16, description="of a tree at most")
    rate: float = Field(default=0.12, gt=0, le=1, description="learning rate")
    mask: Share = Field(
        default=0.0, description="share of sequences whose payload and history columns are masked for them"
    )
    feature_dropout: Share = Field(
        default=0.0, description="share of features that a sequence loses for them"
    )
    without: list[str] = Field(default=[], description="patterns of the features that they do without")
    dead: Share | None = Field(
        default=None, description="variation.dead for all trees, the comparison's too; unset: the same"
    )


class FitPart(_Part):
    """How the network is fitted."""

    length: int = Field(default=128, ge=1, description="L: connections of a host in one training sequence")
    batch: int = Field(default=64, ge=1, description="sequences in a step")
    epochs: int = Field(default=20, ge=1)
    patience: int = Field(
        default=6,
        ge=0,
        description="epochs without a better validation average precision before stopping; 0: train for all epochs",
    )
    tolerance: Share = Field(
        default=0.02,
        description="validation average precision that a later epoch may lack and still be chosen",
    )
    rate: float = Field(default=2e-3, gt=0, description="peak learning rate of AdamW")
    weight_decay: float = Field(default=1e-2, ge=0)
    smoothing: Share = Field(default=0.02, description="label smoothing")
    focal: float = Field(
        default=0.0, ge=0, le=10, description="power by which rows that are easy count less (focal loss)"
    )
    pretrain: int = Field(
        default=0, ge=0, description="epochs before in which the network learns what hosts do next"
    )
    suspects: float = Field(
        default=0.0,
        ge=0,
        description="weight of the loss of infected hosts' unlabelled connections, of which some are malicious",
    )
    taught: Share = Field(
        default=0.0, description="share of the loss that follows boosted trees on the same rows"
    )
    taught_without: list[str] = Field(
        default=[], description="patterns of the features that a second set of teaching trees does without"
    )
    ema: Share = Field(default=0.99, description="decay of the averaged weights, which are the ones kept")
    capture_power: Share = Field(default=0.5, description="a capture of n connections weighs n to this power")
    class_power: Share = Field(
        default=0.5, description="a class that weighs w in all is scaled to w to this power"
    )
    malicious_share: Share = Field(
        default=0.5, description="share of the loss that malicious connections make"
    )
    mask: Share = Field(
        default=0.15, description="share of sequences whose payload and history columns are masked"
    )
    feature_dropout: Share = Field(default=0.0, description="share of features that a sequence loses")


class VerdictPart(_Part):
    """What thresholds are chosen for."""

    connection_fpr: Share = Field(
        default=1e-3, description="highest false-positive rate of the connection threshold"
    )
    network_fpr: Share = Field(default=0.01, description="the same within any one clean network")
    host_fpr: Share = Field(default=0.01, description="share of clean hosts named at the host threshold")
    host_min_connections: int = Field(
        default=60, ge=1, description="connections of a clean host that is counted"
    )
    half_life: float = Field(
        default=3600, gt=0, description="seconds after which evidence against a host has halved"
    )
    floor_fpr: Share = Field(
        default=1e-2, description="false-positive rate of the score above which evidence counts"
    )


class Recipe(_Part):
    """The whole recipe."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    description: str = ""
    version: str = "1"
    seed: int = 0
    threads: int = Field(
        default=2, ge=1, description="threads to train with: another number gives other weights"
    )
    seeds: int = Field(
        default=1, ge=1, description="how many times the folds are dealt and measured, each by the next seed"
    )
    folds: int = Field(
        default=5, ge=3, description="one to measure on, one to stop by, the others to train on"
    )
    classes: dict[str, str] = Field(
        description="pattern of 'label/detailed-label' to class; the first that fits"
    )
    data: DataPart
    overlays: OverlayPart = OverlayPart()
    variation: VariationPart = VariationPart()
    made: MadePart = MadePart()
    network: NetworkPart = NetworkPart()
    trees: TreesPart = TreesPart()
    fit: FitPart = FitPart()
    verdicts: VerdictPart = VerdictPart()

    @model_validator(mode="after")
    def _fit_layout(self) -> Recipe:
        if self.network.layout == "flow" and (self.fit.pretrain or self.fit.suspects):
            raise ValueError(
                "fit.pretrain and fit.suspects look at sequences: they need network.layout window"
            )
        return self

    @property
    def variation_for_trees(self) -> VariationPart:
        """How infected hosts are varied where trees are grown."""
        dead = self.trees.dead
        return self.variation if dead is None else self.variation.model_copy(update={"dead": dead})

    @property
    def class_names(self) -> tuple[str, ...]:
        """Benign first, then the other classes in the order in which the map names them."""
        named = dict.fromkeys(name for name in self.classes.values() if name not in CONTEXT)
        return ("Benign", *(name for name in named if name != "Benign"))

    def class_of(self, label: str, detailed: str) -> str | None:
        """The class (or context word) of a label, None where no pattern fits."""
        text = f"{label}/{detailed}"
        return next((name for pattern, name in self.classes.items() if fnmatchcase(text, pattern)), None)


def load_recipe(path: Path) -> Recipe:
    """Read and validate a recipe; RecipeError names the file, the field and what was expected."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(
            f"{path}: cannot be read ({error.strerror}); give the path of a recipe in YAML"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: expected a mapping of settings, found {type(content).__name__}")
    try:
        recipe = Recipe.model_validate(content)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}, found {e['input']!r}" for e in error.errors()]
        raise RecipeError(f"{path}: " + "; ".join(lines)) from error
    if "Benign" not in recipe.classes.values() or len(recipe.class_names) < 2:
        raise RecipeError(
            f"{path}: classes: expected a pattern for Benign and at least one for another class"
        )
    return recipe

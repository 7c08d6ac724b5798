"""How each network is sized and trained, and where that comes from: a search, the same for every network."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zeekml.comparison.inputs import WHOLE
from zeekml.comparison.splits import Protocol
from zeekml.errors import ConfigError
from zeekml.networks import NETWORKS

SHIPPED: Final = Path(__file__).parent / "settings.json"
"""What the search found, by which the comparison goes unless told otherwise."""

CONFIGURATIONS: Final = 10
"""Settings that the search tries for each network and data set."""

EPOCHS: Final[dict[Protocol, int]] = {"random": 12, "distinct": 20, "scenario": 10}
"""Epochs that every network is trained for; ``scenario`` trains twice."""
TUNING_EPOCHS: Final = 10

BATCH: Final = 256
"""Distinct vectors in a step."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Settings(_Model):
    """One setting of a network: ``patch`` features a step (0: all in one), sizes, and training.

    ``class_power``: n rows of a class together weigh as n to this power in the loss, under ``distinct`` and
    ``scenario``; under ``random`` rows weigh as they occur.
    """

    patch: int = Field(ge=0)
    width: int = Field(ge=4, le=512)
    depth: int = Field(ge=1, le=8)
    kernel: int = Field(ge=2, le=15)
    dropout: float = Field(ge=0, lt=1)
    rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    class_power: float = Field(ge=0, le=1)


class Trial(_Model):
    """A setting that was tried and what it came to on the validation rows: means of the last three epochs."""

    settings: Settings
    macro_f1: float
    accuracy: float
    seconds: float


class Search(_Model):
    """The trials of one network on one data set; the best macro F1 is chosen."""

    trials: tuple[Trial, ...] = Field(min_length=1)

    @property
    def chosen(self) -> int:
        """The index of the best trial, the first of equals."""
        return max(range(len(self.trials)), key=lambda at: (self.trials[at].macro_f1, -at))

    @property
    def settings(self) -> Settings:
        """The best setting."""
        return self.trials[self.chosen].settings


class Tuned(_Model):
    """What the search found: ``searches`` by data set and network."""

    format: Literal[1] = 1
    searches: dict[str, dict[str, Search]] = Field(min_length=1)

    def settings(self, data_set: str, network: str) -> Settings:
        """The setting of a network on a data set; ConfigError when it was not tuned."""
        try:
            return self.searches[data_set][network].settings
        except KeyError:
            raise ConfigError(
                f"settings: {network} was not tuned on {data_set}; run zeekml compare --tune with this data set"
            ) from None


def load_tuned(path: Path = SHIPPED) -> Tuned:
    """Read what ``zeekml compare --tune`` wrote. Raises ConfigError."""
    try:
        return Tuned.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); give a file that --tune wrote"
        ) from error
    except (ValidationError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[:3]
        raise ConfigError(f"{path}: is no file that --tune wrote: {' '.join(first)}") from error


_VALUES: Final[dict[str, tuple[float, ...]]] = {
    "width": (32, 48, 64),
    "depth": (1, 2, 3),
    "kernel": (2, 3),
    "dropout": (0.1, 0.3, 0.5),
    "rate": (0.0015, 0.003, 0.006),
    "weight_decay": (0.01, 0.1),
    "class_power": (0.3, 0.5, 0.7),
}
#: Adjacent features a step, so that the sequences have 5 to 11 steps.
_PATCHES: Final = {"iot23": (1, 2), "unsw-nb15": (4, 6)}
_SEED: Final = 7


def candidates(data_set: str, network: str) -> list[Settings]:
    """The settings to try: the same draws for every network, each value about equally often.

    Dense has no use for a sequence, so it is given the feature vector whole as well, and larger widths with it: an
    ordinary multi-layer perceptron.
    """
    rng = np.random.default_rng(_SEED)
    drawn = {name: _evenly(values, rng) for name, values in _VALUES.items()}
    patches = _evenly(_PATCHES[data_set], rng)
    found = []
    for at in range(CONFIGURATIONS):
        setting = {name: values[at] for name, values in drawn.items()}
        patch = patches[at]
        if network == "Dense" and at % 2:
            patch, setting["width"] = WHOLE, 4 * setting["width"]
        found.append(Settings.model_validate({**setting, "patch": patch}))
    return found


def _evenly(values: tuple[float, ...], rng: np.random.Generator) -> list[float]:
    repeated = np.resize(np.arange(len(values)), CONFIGURATIONS)
    return [values[at] for at in rng.permutation(repeated)]


NETWORK_NAMES: Final = tuple(NETWORKS)

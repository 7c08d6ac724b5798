"""``bundle.yaml``: every field of a model bundle, with its type and range."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

FORMAT = 4

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NetworkSizes(_Part):
    """The fields of ``NetworkConfig``, and ``members``: how many such networks speak as one."""

    name: Literal["Dense", "GRU", "1DCNN", "CNN-LSTM", "Res-1DCNN-LSTM"]
    layout: Literal["flow", "window"]
    channels: int = Field(ge=1, le=65536)
    classes: int = Field(ge=2, le=1000)
    width: int = Field(ge=1, le=4096)
    depth: int = Field(ge=1, le=64)
    kernel: int = Field(ge=2, le=64)
    dropout: Share
    length: int = Field(ge=0, le=65536)
    members: int = Field(ge=1, le=64)


class LayoutName(_Part):
    """The feature layout that the network was trained on."""

    name: str
    version: int
    digest: Sha256
    features: tuple[str, ...]


class EncodingPart(_Part):
    """How features are encoded; the edges themselves lie with the weights."""

    mode: Literal["piecewise", "quantile"]
    bins: int = Field(ge=2, le=64)
    used: tuple[str, ...]


class CalibrationPart(_Part):
    """The points of the line from log odds to calibrated ones; see ``zeekml.scoring.calibration``."""

    given: tuple[float, ...] = Field(min_length=2, max_length=1000)
    meant: tuple[float, ...] = Field(min_length=2, max_length=1000)

    @field_validator("given", "meant")
    @classmethod
    def _rises(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if any(after <= before for before, after in pairwise(values)):
            raise ValueError("expected numbers that rise")
        return values

    @model_validator(mode="after")
    def _as_long(self) -> CalibrationPart:
        if len(self.given) != len(self.meant):
            raise ValueError(
                f"expected given and meant to be as long, found {len(self.given)} and {len(self.meant)}"
            )
        return self


class TreesPart(_Part):
    """Boosted trees beside the network; their arrays lie with the weights.

    ``share``: their weight in the mean of the log odds.
    """

    count: int = Field(ge=1, le=10_000)
    share: float = Field(gt=0, le=1)


class Thresholds(_Part):
    """Where a verdict begins, and the share of benign traffic (held out) that passes it all the same."""

    connection: float = Field(gt=0, lt=1)
    connection_fpr: Share
    host: float = Field(gt=0)
    host_fpr: Share


class Evidence(_Part):
    """Against a host: connections that score above ``floor`` (passed by ``floor_fpr`` of benign ones) add up,
    and the sum halves every ``half_life`` seconds."""

    floor: float = Field(gt=0, lt=1)
    floor_fpr: Share
    half_life: float = Field(gt=0)


class ReasonsPart(_Part):
    """``fidelity``: the share of the variance of the network's log odds that the reasons' sum explains."""

    fidelity: float = Field(le=1)


class TrainingLog(_Part):
    """One log that was trained on."""

    name: str
    group: str
    connections: int
    sha256: Sha256


class Training(_Part):
    """What the bundle was made from."""

    recipe_sha256: Sha256
    seed: int
    epochs: int
    logs: tuple[TrainingLog, ...]


class Parent(_Part):
    """The bundle that another was made from: ``manifest_sha256`` is of its ``bundle.yaml``."""

    name: str
    version: str
    manifest_sha256: Sha256
    weights_sha256: Sha256


class SiteLog(_Part):
    """A log of the site that a bundle was fitted to.

    ``connections`` in all, the last ``held_out`` of them unseen in training; ``first`` and ``last``: when the first
    began and the last one ended, seconds since 1970; ``sha256`` of each file.
    """

    name: str
    connections: int = Field(ge=0)
    held_out: int = Field(ge=0)
    benign: int = Field(ge=0)
    malicious: int = Field(ge=0)
    first: float
    last: float
    sha256: tuple[Sha256, ...]


class FeedbackPart(_Part):
    """Analysts' verdicts: how many stood in the tables, how many were used, and what those say."""

    verdicts: int = Field(ge=0)
    used: int = Field(ge=0)
    benign: int = Field(ge=0)
    malicious: int = Field(ge=0)


class Tuning(_Part):
    """How a bundle was made from its parent; ``earlier_logs`` are those of the parent's own tuning."""

    parent: Parent
    made: str
    fitted: Literal["network", "calibration"]
    rehearsed: Literal["captures", "made hosts", "nothing"]
    seed: int
    epochs: int = Field(ge=0)
    logs: tuple[SiteLog, ...]
    earlier_logs: tuple[SiteLog, ...] = ()
    feedback: FeedbackPart


class Manifest(_Part):
    """``bundle.yaml``."""

    format: Literal[4]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    version: str
    description: str
    code_version: str
    classes: tuple[str, ...] = Field(min_length=2)
    network: NetworkSizes
    layout: LayoutName
    encoding: EncodingPart
    trees: TreesPart | None
    calibration: CalibrationPart
    thresholds: Thresholds
    evidence: Evidence
    reasons: ReasonsPart
    training: Training
    tuning: Tuning | None = None
    files: dict[str, Sha256]

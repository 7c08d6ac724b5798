"""``drift.json``: what drift came to, beside the logs that a run wrote, for whoever looks at these later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zeekml.drift.report import DriftReport
from zeekml.errors import FormatError

NAME: Final = "drift.json"
BEGINNING: Final = b'{"format": "zeekml drift 1", '
LARGEST: Final = 16 << 20
"""Bytes; a thousand logs need fewer."""
ALL_LOGS: Final = "all logs of the run"

_Share = Annotated[float, Field(ge=0, le=1)]
_Index = Annotated[float, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Log(_Part):
    looked_at: Annotated[float, Field(ge=0)]
    near: _Share
    near_expected: _Share | None
    features: dict[str, _Index]


class _File(_Part):
    format: Literal["zeekml drift 1"]
    model: str
    made: float
    logs: dict[str, _Log]


@dataclass(frozen=True, slots=True)
class DriftFile:
    """The reports by log, the model's name, and when they were made (epoch s)."""

    model: str
    made: float
    logs: Mapping[str, DriftReport]


def encode(file: DriftFile) -> bytes:
    """The file's bytes, ASCII alone."""
    logs = {
        _writable(stream): {
            "looked_at": round(each.looked_at, 3),
            "near": each.near,
            "near_expected": each.near_expected,
            "features": {_writable(name): round(value, 6) for name, value in each.index.items()},
        }
        for stream, each in file.logs.items()
    }
    about = {"format": "zeekml drift 1", "model": _writable(file.model), "made": file.made, "logs": logs}
    return json.dumps(about).encode("ascii") + b"\n"


def _writable(text: str) -> str:
    """A text without halves of characters: names of logs may hold bytes that are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def decode(content: bytes, name: str) -> DriftFile:
    """The file that these bytes hold; ``name`` for the message of a FormatError."""
    try:
        file = _File.model_validate(json.loads(content))
    except (ValueError, RecursionError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise FormatError(
            f"{name}: is no {NAME} as zeekml writes it ({said}); score the logs again"
        ) from error
    reports = {
        stream: DriftReport(each.looked_at, each.near, each.near_expected, dict(each.features))
        for stream, each in file.logs.items()
    }
    return DriftFile(file.model, file.made, reports)

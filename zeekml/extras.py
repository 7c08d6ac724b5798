"""What is installed beyond the packages that scoring needs, and how the absence of PyTorch is told."""

from __future__ import annotations

import importlib.util
from typing import Final

from zeekml.errors import ModelError

_ABSENT: Final = "PyTorch, not installed here: pip install 'zeekml[{}]'"
TRAINING: Final = _ABSENT.format("evaluate")
"""What a command says that trains or compares networks."""


def need_torch(what: str) -> None:
    """ModelError where PyTorch is not installed. ``what`` needs it."""
    if importlib.util.find_spec("torch") is None:
        raise ModelError(f"{what} needs {_ABSENT.format('torch')}")

"""What is installed beyond the packages that scoring needs, and how the absence of PyTorch is told."""

from __future__ import annotations

import importlib.util
from typing import Final

from zeekml.errors import ModelError

TORCH_ABSENT: Final = "PyTorch, not installed here: pip install 'zeekml[torch]'"


def need_torch(what: str) -> None:
    """ModelError where PyTorch is not installed. ``what`` needs it."""
    if importlib.util.find_spec("torch") is None:
        raise ModelError(f"{what} needs {TORCH_ABSENT}")

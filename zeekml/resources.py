"""Finds what zeekml brings along beside its code: models, the default configuration, Zeek scripts.

In a wheel these folders lie inside the package (``zeekml/_data``); in a source tree, also one that is
installed as editable, they lie at its root.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from zeekml.errors import ZeekMLError

DEFAULT_MODEL: Final = "conn-1-res"
"""The bundle that is used where no model is named."""

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: Literal["models", "config", "zeek-scripts"]) -> Path:
    """The folder of that name, as an absolute path.

    Raises ZeekMLError where the installation lacks it.
    """
    for candidate in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise ZeekMLError(
        f"this installation of zeekml lacks its folder {name!r} "
        f"(neither {_PACKAGE / '_data' / name} nor {_PACKAGE.parent / name} exists): install it again"
    )

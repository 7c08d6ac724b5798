"""The one tree of errors that zeekml raises for its users.

::

    ZeekMLError
    ├── InputError               a log cannot be read
    │   ├── FormatError          no usable header, not a connection log, binary
    │   ├── MissingColumnError   the header lacks a required column
    │   └── TruncatedError       a compressed stream ends too early or is damaged
    ├── ModelError               a model cannot be used
    │   ├── BundleError          a file or field of the bundle is wrong
    │   ├── LayoutError          the bundle was made for another feature layout
    │   └── ForgettingError      a fine-tuned model has lost what its parent knew
    ├── ConfigError              a setting is wrong
    │   ├── BaselineError        a site's baseline cannot be used
    │   └── RecipeError          a training recipe is wrong
    ├── OutputError              a result cannot be written
    │   └── SinkError            an optional sink did not take its alerts
    └── StateError               what is remembered between runs cannot be used

Each message says what was found, where, what was expected and what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ZeekMLError(Exception):
    """The root: catch it to catch everything that zeekml raises on purpose."""


class InputError(ZeekMLError):
    """A log cannot be read."""


class FormatError(InputError):
    """The content is no connection log in a format that zeekml reads."""


class MissingColumnError(FormatError):
    """The header lacks a column that a connection log must have."""


class TruncatedError(InputError):
    """A compressed stream ends before its end mark, or does not decompress."""


class ModelError(ZeekMLError):
    """A model cannot be used."""


class BundleError(ModelError):
    """A file of the bundle is absent or altered, or a field is missing or wrong."""


class LayoutError(ModelError):
    """The bundle was trained on another feature layout than the one built in."""


class ForgettingError(ModelError):
    """A fine-tuned model does worse than its parent on what the parent was trained for.

    ``figures`` are those of both, as the ``metrics.json`` of the model would have had them.
    """

    def __init__(self, message: str, figures: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.figures = figures or {}


class ConfigError(ZeekMLError):
    """A setting is unknown, of the wrong type or out of range."""


class BaselineError(ConfigError):
    """A baseline is damaged, was changed by hand, or was learned with another model."""


class RecipeError(ConfigError):
    """A training recipe is wrong, or the data it names is not what it says."""


class OutputError(ZeekMLError):
    """A result cannot be written."""


class SinkError(OutputError):
    """An optional sink did not take its alerts; they wait, and are given to it again."""


class StateError(ZeekMLError):
    """What zeekml remembers between runs is damaged, made by another zeekml or model, or in use."""

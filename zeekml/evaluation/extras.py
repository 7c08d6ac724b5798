"""What evaluation needs beyond scoring: the packages of the extra ``evaluate``."""

from __future__ import annotations

import importlib.util

from zeekml.errors import ConfigError

_DISTRIBUTIONS = {"sklearn": "scikit-learn"}


def needed(*modules: str) -> None:
    """ConfigError that names those of the modules that are not installed, and how to get them."""
    absent = [_DISTRIBUTIONS.get(name, name) for name in modules if importlib.util.find_spec(name) is None]
    if absent:
        raise ConfigError(
            f"this needs {' and '.join(absent)}, not installed here: pip install 'zeekml[evaluate]'"
        )

"""A command with commands below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typer.core import TyperGroup, TyperOption


class Group(TyperGroup):
    """Passes on to its commands without loading pydantic, so that their help comes at once."""

    def get_params(self, ctx: Any) -> Any:
        """The parameters and ``--help``."""
        parameters = super().get_params(ctx)
        flags_are_no(parameters)
        return parameters


def flags_are_no(parameters: Sequence[Any]) -> None:
    """Flags that nobody gives are no. Without that they are nothing, which typer asks pydantic about."""
    for parameter in parameters:
        if isinstance(parameter, TyperOption) and parameter.is_flag and parameter.default is None:
            parameter.default = False

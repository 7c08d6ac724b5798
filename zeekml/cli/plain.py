"""A command whose values are taken as they are where they can be, without pydantic, which typer asks about every one.

Loading pydantic takes 50 ms, in which nothing is read yet. What is given as a text, a list of texts or one of a few
words needs no conversion, and what is not given needs none either. Everything else, and every error, is left to typer.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from typer.core import TyperCommand

from zeekml.cli.group import flags_are_no
from zeekml.loading import loading

_NOT_PLAIN: Final = object()


class PlainCommand(TyperCommand):
    """Takes plain values as they are; a parameter of a plain type must have no further conditions."""

    def __init__(self, *given: Any, **settings: Any) -> None:
        super().__init__(*given, **settings)
        for parameter in self.params:
            _take_plainly(parameter)

    def get_params(self, ctx: Any) -> Any:
        """The parameters and ``--help``, of which nobody wants to know whether it was left out."""
        parameters = super().get_params(ctx)
        flags_are_no(parameters[len(self.params) :])
        return parameters


def _take_plainly(parameter: Any) -> None:
    converted = parameter.process_value

    def process_value(ctx: Any, value: Any) -> Any:
        plain = _plain(parameter, value) if parameter.callback is None else _NOT_PLAIN
        if plain is not _NOT_PLAIN:
            return plain
        with loading():
            return converted(ctx, value)

    parameter.process_value = process_value


def _plain(parameter: Any, value: Any) -> Any:
    kind = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)  # where typer keeps it
    several = parameter.nargs != 1 or parameter.multiple
    if value is None:
        return _NOT_PLAIN if several or parameter.required else None
    if several:
        plain = kind == list[str] and value and all(isinstance(each, str) for each in value)
        return list(value) if plain else _NOT_PLAIN
    if kind is str:
        return value if isinstance(value, str) else _NOT_PLAIN
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError:
            return _NOT_PLAIN
    return _NOT_PLAIN

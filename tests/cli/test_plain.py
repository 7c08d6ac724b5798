"""Plain values are taken as typer would have converted them."""

from __future__ import annotations

import itertools
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from zeekml.cli.plain import PlainCommand


class Word(StrEnum):
    """One of two."""

    ONE = "one"
    OTHER = "other"


def command(kind: Any, found: list[Any]) -> typer.Typer:
    """A command line of this kind, which says what it was given."""
    app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.command(cls=kind)
    def run(
        texts: Annotated[list[str], typer.Argument()],
        text: Annotated[str, typer.Option()],
        word: Word = Word.ONE,
        maybe: Word | None = None,
        number: Annotated[int | None, typer.Option(min=1)] = None,
        share: float | None = None,
        path: Path | None = None,
        many: Annotated[list[str] | None, typer.Option()] = None,
        flag: Annotated[bool, typer.Option("--flag")] = False,
        either: Annotated[bool | None, typer.Option("--yes/--no")] = None,
        told: Annotated[str | None, typer.Option(callback=lambda value: value and value.upper())] = None,
    ) -> None:
        found.append((texts, text, word, maybe, number, share, path, many, flag, either, told))

    return app


_SOME = (
    ["a"], ["a", "b"], ["--text", "t"], ["--text", ""], ["--word", "other"], ["--word", "none"], ["--maybe", "one"],
    ["--maybe", "ONE"], ["--number", "3"], ["--number", "0"], ["--number", "x"], ["--share", "0.25"], ["--path", "p"],
    ["--many", "x", "--many", "y"], ["--flag"], ["--no"], ["--told", "it"], ["--nope"], ["--help"],
)  # fmt: skip


@pytest.mark.parametrize(
    "given", [*_SOME, *(a + b for a, b in itertools.combinations(_SOME, 2)), []], ids=str
)
def test_the_same_values_and_the_same_errors(given: list[str]) -> None:
    plain: list[Any] = []
    converted: list[Any] = []
    for arguments in (given, ["a", "--text", "t", *given]):
        one = CliRunner().invoke(command(PlainCommand, plain), arguments)
        other = CliRunner().invoke(command(None, converted), arguments)
        assert (one.exit_code, one.output) == (other.exit_code, other.output)
    assert plain == converted
    assert [list(map(type, values)) for values in plain] == [list(map(type, values)) for values in converted]

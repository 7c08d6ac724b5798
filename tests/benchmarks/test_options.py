"""The page of the benchmarks names every option of each of them."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
NAMES = sorted(
    path.stem
    for path in FOLDER.glob("*.py")
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    and path.stem != "peers"  # what is measured against, which throughput.py calls; it takes no options
)


class ParserError(Exception):
    """The parser of a command line that was about to be read."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def sections(name: str) -> str:
    """What the page says below every heading under which this benchmark is run."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    return "".join(
        section
        for section in re.split(r"^## ", text, flags=re.MULTILINE)
        if f" benchmarks/{name}.py" in section
    )


def options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The long options of a parser and of the kinds of runs below it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from options(below)
        else:
            yield from (name for name in action.option_strings if name.startswith("--") and name != "--help")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No command line is read: its parser is handed out instead."""

    def parse_args(parser: argparse.ArgumentParser, *_: object) -> None:
        raise ParserError(parser)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("asked")
def test_every_option_of_a_benchmark_is_documented_and_no_other(name: str) -> None:
    with pytest.raises(ParserError) as handed:
        importlib.import_module(f"benchmarks.{name}").main()
    known, text = set(options(handed.value.parser)), sections(name)
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
    assert known <= named, f"benchmarks/README.md lacks {', '.join(sorted(known - named))} of {name}.py"
    listed = set(re.findall(r"--[a-z][a-z-]*", "".join(re.findall(r"^\| (`--[^|]+)\|", text, re.MULTILINE))))
    assert listed <= known, f"{name}.py lacks {', '.join(sorted(listed - known))}"

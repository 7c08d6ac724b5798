"""The documentation names every command, option, setting, exit code and public name, and its examples run."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

import zeekml
import zeekml.spark
from zeekml.cli import app
from zeekml.cli.exit_codes import ExitCode
from zeekml.config import AllowlistEntry, Settings, parse_settings
from zeekml.spark import SparkOptions

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def leaf_commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name."""
    if not hasattr(command, "commands"):
        yield name, command
    for part, below in getattr(command, "commands", {}).items():
        yield from leaf_commands(below, f"{name} {part}")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    match = re.search(rf"^(#+) {re.escape(heading)}$(.*?)(?=^#{{1,2}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match is not None, f"no section {heading!r}"
    return match[2]


COMMANDS = list(leaf_commands(typer.main.get_command(app), "zeekml"))


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_and_option_is_documented(name: str, command: Any) -> None:
    text = section(page("commands.md"), name)
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            assert f"`{parameter.opts[0]}" in text, f"{name} {parameter.opts[0]} is not documented"
    documented = set(re.findall(r"^\| `(--[a-z-]+)", text, re.MULTILINE))
    assert documented <= {option for parameter in command.params for option in parameter.opts}


def test_the_options_of_the_whole_are_documented() -> None:
    for parameter in typer.main.get_command(app).params:
        assert f"`{parameter.opts[0]}`" in page("commands.md")


def setting_names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from setting_names(kind, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_every_setting_is_documented_and_no_other() -> None:
    names = {*setting_names(Settings), *setting_names(AllowlistEntry, "alerts.allowlist.")}
    documented = set(re.findall(r"^\| `([a-z_.]+)` \|", page("configuration.md"), re.MULTILINE))
    assert documented == names


def test_the_configuration_examples_are_right() -> None:
    examples = blocks(ROOT / "docs" / "configuration.md", "yaml")
    assert examples
    for example in examples:
        parse_settings(example, "docs/configuration.md")


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", ROOT / "docs" / "commands.md"], ids=lambda path: path.name
)
def test_the_tables_of_exit_codes_are_complete(path: Path) -> None:
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(str(code.value), code.name.lower()) for code in ExitCode]


def test_every_public_name_is_documented() -> None:
    text = page("python.md")
    for name in zeekml.__all__:
        assert re.search(rf"`(zeekml\.)?{name}\b", text), f"{name} is not documented"
        assert getattr(zeekml, name) is not None
    assert sorted(zeekml.__all__) == dir(zeekml)


def test_every_public_name_of_spark_is_documented() -> None:
    text = page("spark.md")
    for name in zeekml.spark.__all__:
        assert re.search(rf"`(zeekml\.spark\.)?{name}\b", text), f"{name} is not documented"
        assert getattr(zeekml.spark, name) is not None


def test_the_options_of_spark_are_documented_with_their_defaults() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| .* \| `?(.+?)`? \|$", section(page("spark.md"), "From Python"), re.MULTILINE
    )
    assert dict(rows) == {field.name: str(field.default) for field in fields(SparkOptions)}


def test_a_name_that_is_not_public_is_absent() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = zeekml.nope  # type: ignore[attr-defined]


def blocks(path: Path, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_python_examples_run(
    path: Path, made_log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blocks of a page run one after the other, as a reader would, beside a conn.log."""
    shutil.copy(made_log, tmp_path / "conn.log")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for block in blocks(path, "python"):
            code = compile(ast.parse(block), str(path), "exec")
            exec(code, names)  # noqa: S102  our own documentation


def test_the_layout_of_the_code_is_as_described() -> None:
    text = section((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), "How the code is laid out")
    named = re.findall(r"^\| `(.+?)` \|", text, re.MULTILINE)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", path.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        linked = path if not name else path.parent / name
        assert linked.exists(), f"{path.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}

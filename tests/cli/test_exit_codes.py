"""Every error of the tree has its exit code, and main turns one into the other."""

from __future__ import annotations

import pytest
import typer

from zeekml import cli, errors
from zeekml.cli.exit_codes import ExitCode, exit_code


def every_error() -> list[type[errors.ZeekMLError]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.ZeekMLError)
    ]


@pytest.mark.parametrize("kind", every_error())
def test_every_error_but_the_root_has_a_code_of_its_own(kind: type[errors.ZeekMLError]) -> None:
    expected = kind is errors.ZeekMLError
    assert (exit_code(kind("x")) is ExitCode.UNEXPECTED) == expected


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (errors.LayoutError("conn-2 is not conn-1"), 5, "zeekml: conn-2 is not conn-1\n"),
        (KeyboardInterrupt(), 130, "zeekml: interrupted, nothing was written\n"),
    ],
)
def test_main_tells_an_error_and_exits(
    raised: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = typer.Typer()

    @broken.command()
    def fail() -> None:
        raise raised

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(SystemExit) as stop:
        cli.main([])
    assert stop.value.code == code
    assert capsys.readouterr().err == said

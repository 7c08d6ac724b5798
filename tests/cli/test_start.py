"""The command line as a whole: version, usage errors, and that it starts without the heavy libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

from zeekml import __version__
from zeekml.cli import main


def test_importing_the_command_line_loads_no_heavy_library() -> None:
    code = "import sys, zeekml.cli; print({'torch', 'pandas', 'pyarrow', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_python_m_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zeekml", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"zeekml {__version__}\n"


@pytest.mark.parametrize("arguments", [["--nope"], ["score"], ["score", "x"], ["nope"], ["config", "check"]])
def test_a_wrong_command_line_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "Usage: zeekml" in capsys.readouterr().err

"""The command line as a whole: version, usage errors, and that it starts without the heavy libraries."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from zeekml import __version__
from zeekml.cli import main


def test_importing_the_command_line_loads_no_heavy_library() -> None:
    code = "import sys, zeekml.cli; print({'torch', 'pandas', 'pyarrow', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(("given", "found"), [(None, "1"), ("3", "3")])
def test_small_matrices_are_multiplied_in_one_thread_unless_told_otherwise(
    given: str | None, found: str
) -> None:
    """Set before numpy is loaded, which reads it then."""
    code = (
        "import os, sys\nfrom zeekml.cli import main\n"
        "try: main(['--version'])\nexcept SystemExit: pass\n"
        "print(os.environ['OPENBLAS_NUM_THREADS'], 'numpy' in sys.modules)"
    )
    name = "OPENBLAS_NUM_THREADS"
    environment = {key: value for key, value in os.environ.items() if key != name}
    if given:
        environment[name] = given
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.splitlines()[-1] == f"{found} False"


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

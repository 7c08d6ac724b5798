"""The command line as a whole: version, usage errors, and that it starts without the heavy libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from zeekml import __version__
from zeekml.cli import main
from zeekml.cli.commands import NAMES, Commands
from zeekml.pipeline import reading

HEAVY = {"torch", "pandas", "pyarrow", "numpy", "numba", "pydantic", "rich", "yaml", "onnxruntime"}


def modules_after(statement: str) -> set[str]:
    """What a process has loaded when it has done this."""
    code = f"import sys\n{statement}\nprint()\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_command_line_loads_no_heavy_library() -> None:
    assert HEAVY & modules_after("import zeekml.cli") == set()


@pytest.mark.parametrize("arguments", [["--help"], ["score", "--help"], ["model", "show", "-h"]])
def test_help_loads_no_heavy_library(arguments: list[str]) -> None:
    ran = f"from zeekml.cli import main\ntry: main({arguments!r})\nexcept SystemExit as stop: assert stop.code == 0"
    assert HEAVY & modules_after(ran) == set()


def test_a_command_is_declared_without_the_others() -> None:
    ran = "from zeekml.cli import main\ntry: main(['score', '-h'])\nexcept SystemExit as stop: assert stop.code == 0"
    loaded = modules_after(ran)
    assert "zeekml.cli.score" in loaded
    assert {f"zeekml.cli.{name}" for name in NAMES if name != "score"} & loaded == set()


def test_every_command_is_listed_and_known_by_its_name() -> None:
    commands = Commands(NAMES)
    assert [command.name for command in commands.values()] == list(NAMES)
    assert commands.get("nope") is None


def test_scoring_loads_neither_pytorch_nor_pandas_nor_the_compiler(made_log: Path, tmp_path: Path) -> None:
    arguments = ["score", str(made_log), "--out", str(tmp_path / "out"), "--log-threshold", "0"]
    ran = f"from zeekml.cli import main\ntry: main({arguments!r})\nexcept SystemExit as stop: assert stop.code == 0"
    modules_after(ran)  # compiles what no test has needed yet
    loaded = modules_after(ran)
    assert "llvmlite" in loaded
    assert "numba" not in loaded
    assert {"torch", "sklearn", "lightgbm", "matplotlib", "pandas"} & loaded == set()
    assert {"pyarrow.compute", "numpy.ma"} & loaded == set(), (
        "what wraps everything, and what nothing is made of"
    )
    assert "rich" not in loaded, "there is no terminal to draw on"
    assert "zeekml.baseline.content" not in loaded, "no baseline was named"


@pytest.mark.parametrize(
    "further", [[], ["--quiet", "--fail-on-alert", "--model", "none", "--format", "json"]]
)
def test_logs_are_read_before_settings_are_looked_at(
    further: list[str], made_log: Path, tmp_path: Path
) -> None:
    """They take pydantic, which is a sixth of a small run; the command line alone must not load it."""
    arguments = ["score", str(made_log), "--out", str(tmp_path / "out"), *further]
    ran = (
        "from zeekml.cli import main\nfrom zeekml.pipeline import reading\n"
        "def begun(self, paths): raise SystemExit\n"
        f"reading.Reading.__init__ = begun\ntry: main({arguments!r})\nexcept SystemExit: pass"
    )
    loaded = modules_after(ran)
    assert "pyarrow" in loaded
    assert {"pydantic", "yaml", "zeekml.config", "importlib.metadata"} & loaded == set()


def test_a_wrong_setting_is_told_before_anybody_waits_for_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def begun(paths: list[str]) -> NoReturn:
        pytest.fail(f"{paths} was read")

    monkeypatch.setattr(reading, "Reading", begun)
    with pytest.raises(SystemExit) as stop:
        main(["score", "-", "--out", str(tmp_path / "out"), "--log-threshold", "7"])
    assert stop.value.code == 6
    assert "score.log_threshold" in capsys.readouterr().err


def test_watching_loads_neither_pytorch_nor_pandas(made_log: Path, tmp_path: Path) -> None:
    folders = ["--out", str(tmp_path / "out"), "--state", str(tmp_path / "state")]
    arguments = ["watch", str(made_log), *folders, "--from-start", "--once"]
    ran = f"from zeekml.cli import main\ntry: main({arguments!r})\nexcept SystemExit as stop: assert stop.code == 0"
    loaded = modules_after(ran)
    assert "zeekml.pipeline.live" in loaded
    assert {"torch", "pandas"} & loaded == set()


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

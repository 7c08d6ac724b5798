"""Without PyTorch: what works as ever, and what the rest says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import tiny_bundle
from zeekml.scoring.export import export_onnx

_WITHOUT = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == "torch" else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
from zeekml.cli import main
main(sys.argv[1:])
"""


def without_torch(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _WITHOUT, *arguments], capture_output=True, text=True, check=False
    )


def test_the_shipped_model_scores_and_watches(made_log: Path, tmp_path: Path) -> None:
    commands: list[list[str | Path]] = [
        ["score", made_log, "--out", tmp_path / "score"],
        [
            "watch",
            made_log,
            "--once",
            "--from-start",
            "--out",
            tmp_path / "watch",
            "--state",
            tmp_path / "state",
        ],
    ]
    for command in commands:
        done = without_torch(*command)
        assert done.returncode == 0, done.stderr
    (scored, watched) = ((tmp_path / name / "notice.log").read_text() for name in ("score", "watch"))
    assert scored.count("ZeekML::") == watched.count("ZeekML::") > 0


@pytest.mark.parametrize(
    "arguments",
    [["model", "verify"], ["evaluate", "LOG", "--out", "OUT"], ["baseline", "LOG", "--out", "OUT/base"]],
    ids=lambda arguments: arguments[0],
)
def test_other_commands_work(arguments: list[str], made_log: Path, tmp_path: Path) -> None:
    paths = {"LOG": str(made_log), "OUT": str(tmp_path), "OUT/base": str(tmp_path / "base.yaml")}
    done = without_torch(*(paths.get(argument, argument) for argument in arguments))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["train", "RECIPE"], ["train", "--from", "conn-1-res", "LOG"], ["compare", "--data", "x", "--out", "y"]],
    ids=["train", "fine-tuning", "compare"],
)
def test_training_says_what_is_absent(arguments: list[str], made_log: Path, root: Path) -> None:
    paths = {"LOG": str(made_log), "RECIPE": str(root / "models" / "recipes" / "conn-1-res.yaml")}
    done = without_torch(*(paths.get(argument, argument) for argument in arguments))
    assert done.returncode == 6
    assert "PyTorch, not installed here: pip install 'zeekml[evaluate]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_network_of_another_kind_says_what_is_absent_or_runs_by_its_graph(
    made_log: Path, tmp_path: Path
) -> None:
    folder = tiny_bundle(tmp_path / "tiny", layout="flow")
    export_onnx(folder, tmp_path / "graph")
    done = without_torch("score", made_log, "--out", tmp_path / "out", "--model", folder)
    assert done.returncode == 5
    assert "model tiny needs PyTorch, not installed here: pip install 'zeekml[torch]'" in done.stderr
    done = without_torch("score", made_log, "--out", tmp_path / "out", "--model", tmp_path / "graph")
    assert done.returncode == 0, done.stderr

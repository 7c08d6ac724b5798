"""A built wheel, installed in a fresh environment, scores a log from another folder with its own model."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.parser import Parser
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from zeekml.resources import DEFAULT_MODEL


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, root)
    (built,) = folder.glob("zeekml-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of an environment that holds the wheel alone and borrows what it depends on.

    A path in a .pth file makes the running environment's packages importable, without the .pth files that lie
    there: zeekml as editable stays out of reach, and nothing is downloaded.
    """
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(packages, "dependencies.pth").write_text("\n".join(sorted(paths)) + "\n")
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        wheel,
    )
    return folder / "bin"


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """The standard output of a command that must succeed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([*command], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command} exited with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_wheel_carries_models_configuration_and_zeek_scripts(wheel: Path, root: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder in ("models", "config", "zeek-scripts"):
        brought = {path.relative_to(root) for path in (root / folder).rglob("*") if path.is_file()}
        assert brought
        assert {f"zeekml/_data/{path}" for path in brought} <= names
    assert f"zeekml/_data/models/{DEFAULT_MODEL}/weights.safetensors" in names
    assert "zeekml/py.typed" in names
    pages = {
        path.relative_to(root)
        for part in ("report/page", "web")
        for path in (root / "zeekml" / part).glob("*.*s")
    }
    assert len(pages) > 10
    assert set(map(str, pages)) < names
    assert "zeekml/report/page/body.html" in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "docs/"))]


def test_the_installed_wheel_scores_a_log_from_another_folder(
    installed: Path, root: Path, tmp_path: Path
) -> None:
    where = run(installed / "python", "-c", "import zeekml; print(zeekml.__file__)", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(installed.parent)

    run(installed / "zeekml", "simulate", "--out", "conn.log", "--connections", "5000", cwd=tmp_path)
    shown = run(
        installed / "zeekml", "score", "conn.log", "--out", "out", "--log-threshold", "0", cwd=tmp_path
    )
    assert "5,000" in shown
    lines = (tmp_path / "out" / "zeekml.log").read_text().splitlines()
    assert sum(not line.startswith("#") for line in lines) == 5000
    assert (tmp_path / "out" / "notice.log").is_file()

    assert "hosts named" in run(installed / "zeekml", "report", "out", "--out", "page.html", cwd=tmp_path)
    assert "Content-Security-Policy" in (tmp_path / "page.html").read_text()


def required(wheel: Path) -> set[str]:
    """The distributions that installing the wheel brings along, by canonical name: its Requires-Dist and theirs."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())
    waiting = [(text, "") for text in metadata.get_all("Requires-Dist", [])]
    found: set[str] = set()
    seen = set(waiting)
    while waiting:
        text, extra = waiting.pop()
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        found.add(canonicalize_name(requirement.name))
        with contextlib.suppress(PackageNotFoundError):  # told by what cannot be imported then
            further = distribution(requirement.name).requires or []
            asked = {(more, wanted) for more in further for wanted in ("", *requirement.extras)}
            waiting += asked - seen
            seen |= asked
    return found


_RUN = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name in BLOCKED:
            raise ModuleNotFoundError(f"{name}: no requirement of zeekml brings it", name=name)

sys.meta_path.insert(0, Refuse())
from zeekml.cli import main
main(sys.argv[1:])
"""


def test_scoring_imports_only_what_the_wheel_requires(
    wheel: Path, installed: Path, made_log: Path, tmp_path: Path
) -> None:
    brought = required(wheel)
    blocked = {
        module
        for module, distributions in packages_distributions().items()
        if not brought & {canonicalize_name(name) for name in distributions} and module != "zeekml"
    }
    assert {"numpy", "numba", "pandas", "rich"}.isdisjoint(blocked)
    assert {"torch", "onnxruntime", "sklearn", "lightgbm", "zat", "hypothesis", "pytest"} <= blocked
    script = f"BLOCKED = {sorted(blocked)!r}\n{_RUN}"
    for option in ("tsv", "json"):
        run(
            *(installed / "python", "-c", script, "score", made_log),
            *("--out", "out", "--format", option, "--log-threshold", "0"),
            cwd=tmp_path,
        )
    run(installed / "python", "-c", script, "report", "out", "--quiet", cwd=tmp_path)
    lines = (tmp_path / "out" / "zeekml.log").read_text().splitlines()
    assert len(lines) == 20_000


def test_the_installed_wheel_verifies_its_model_and_shows_its_settings(
    installed: Path, tmp_path: Path
) -> None:
    assert "ok" in run(installed / "zeekml", "model", "verify", DEFAULT_MODEL, cwd=tmp_path)
    assert DEFAULT_MODEL in run(installed / "zeekml", "model", "list", cwd=tmp_path)
    assert "log_threshold" in run(installed / "zeekml", "config", "show", cwd=tmp_path)

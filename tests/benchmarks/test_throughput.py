"""The benchmark measures what it says, on logs small enough for a test; how fast is never tested."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import throughput

SCRIPT = Path(throughput.__file__)


def measured(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=300)


def test_it_measures_zeekml_and_zat_on_one_log(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    done = measured(
        "--sizes", "2000,3000", "--dir", str(folder), "--json", "--zat-up-to", "2000", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert [(row["tool"], row["connections"]) for row in rows] == [
        ("zeekml score", 2000),
        ("zat, read only", 2000),
        ("zeekml score", 3000),
    ]
    for row in rows:
        assert row["wall_s"] > 0
        assert row["peak_mib"] > 10
        assert row["connections_per_s"] == pytest.approx(row["connections"] / row["wall_s"], rel=0.01)
    logs = sorted(path.name for path in folder.iterdir())
    assert logs == ["conn-2000-1.tsv.log", "conn-3000-1.tsv.log"]
    lines = (folder / logs[0]).read_text(encoding="utf-8").splitlines()
    assert sum(not line.startswith("#") for line in lines) == 2000


def test_memory_is_that_of_the_process_measured(tmp_path: Path) -> None:
    """Run from a small process, as the script is: a parent's memory would count as the child's."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import throughput; "
        "small = throughput._run([sys.executable, '-c', 'pass']); "
        "large = throughput._run([sys.executable, '-c', 'b = bytearray(300 * 2**20)']); "
        "print(small.peak_mib, large.peak_mib)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(SCRIPT.parent)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    small, large = (float(word) for word in done.stdout.split())
    assert small < 100
    assert large == pytest.approx(small + 300, abs=20)


def test_a_command_that_fails_ends_the_benchmark_with_its_words() -> None:
    code = "import sys; sys.exit('no such model')"
    with pytest.raises(SystemExit, match=r"(?s)ended with status 1:\nno such model"):
        throughput._run([sys.executable, "-c", code])


def test_it_imports_nothing_large() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import throughput; "
        "print({'numpy', 'pandas', 'pyarrow', 'torch', 'zeekml'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(SCRIPT.parent)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert done.stdout.strip() == "set()"

"""The benchmark measures what it says, on logs small enough for a test; how fast is never tested."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import processes, throughput
from benchmarks.logs import EACH, Log, hosts_in
from tests.builders import tiny_bundle

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


def test_every_peer_scores_the_same_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(throughput, "TRAINING", Log(3000, seed=2, labels=True))
    model = str(tiny_bundle(tmp_path / "tiny"))
    asked = [
        "--sizes",
        "1000",
        "--malicious",
        "0.1",
        "--hosts",
        "30",
        "--format",
        "tsv,json.gz",
        "--peers",
        "all",
    ]
    assert throughput.main([*asked, "--model", model, "--dir", str(tmp_path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["tool"], row["form"]) for row in rows] == [
        ("zeekml score", "tsv"),
        ("zat, read only", "tsv"),
        ("zat, random forest", "tsv"),
        ("boosted trees", "tsv"),
        ("zeekml score", "json.gz"),
    ]
    assert rows[0]["alerting"] is not None
    assert re.fullmatch(r"fitted on 3,000 connections, \d+ columns, \d+ nodes a tree", rows[2]["note"])
    assert {(row["malicious"], row["hosts"]) for row in rows} == {(0.1, 30)}
    assert 20 < rows[0]["hosts_seen"] <= 30
    assert {path.name for path in tmp_path.glob("conn-*")} == {
        "conn-1000-1-m0.1-h30.tsv.log",
        "conn-1000-1-m0.1-h30.json.log.gz",
        "conn-3000-2-labels.tsv.log",
    }


def test_of_the_forest_only_its_own_seconds_count() -> None:
    done = processes.Run(9.0, 8.0, 300.0, "a warning\n2.5 3.5 1000 43 320\n")
    counted = throughput._counted("zat, random forest", done)
    assert (counted.wall_s, counted.cpu_s, counted.peak_mib) == (2.5, 3.5, 300.0)
    assert (
        throughput._note("zat, random forest", done.said)
        == "fitted on 1,000 connections, 43 columns, 320 nodes a tree"
    )
    assert throughput._counted("boosted trees", done) is done


def test_each_connection_may_have_a_host_of_its_own(tmp_path: Path) -> None:
    log = Log(300, hosts=EACH)
    assert log.name == "conn-300-1-each.tsv.log"
    path, common = log.made(tmp_path), Log(300).made(tmp_path)
    assert hosts_in(path) == 300 > hosts_in(common)
    for one, other in zip(path.read_text().splitlines(), common.read_text().splitlines(), strict=True):
        fields, others = one.split("\t"), other.split("\t")
        assert (fields[:2], fields[3:]) == (others[:2], others[3:])
    with pytest.raises(ValueError, match="only plain TSV"):
        Log(300, "json", hosts=EACH).made(tmp_path)


def test_hosts_are_counted(tmp_path: Path) -> None:
    assert hosts_in(Log(2000, hosts=1).made(tmp_path)) == 1


@pytest.mark.parametrize(
    "wrong", [["--format", "xml"], ["--peers", "magic"], ["--repeat", "0"], ["--sizes", "0"]]
)
def test_what_it_does_not_know_is_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        throughput.main(wrong)


def test_memory_is_that_of_the_process_measured(tmp_path: Path) -> None:
    """Run from a small process, as the script is: a parent's memory would count as the child's."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import throughput; "
        "small = throughput.run([sys.executable, '-c', 'pass']); "
        "large = throughput.run([sys.executable, '-c', 'b = bytearray(300 * 2**20)']); "
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
        processes.run([sys.executable, "-c", code])


def test_what_is_measured_keeps_its_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    code = "import sys; print(sys.dont_write_bytecode)"
    assert processes.run([sys.executable, "-c", code]).said == "False\n"


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

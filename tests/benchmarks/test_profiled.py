"""The table of a profile adds up py-spy's samples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import profiled
from benchmarks.processes import run, zeekml

SAMPLES = """\
thread (1): MainThread;main (zeekml/cli.py:3);score (zeekml/batch.py:10) 6
thread (1): MainThread;main (zeekml/cli.py:4);score (zeekml/batch.py:12) 2
thread (1);main (zeekml/cli.py:4) 2
thread (2): zeekml-reader;read (zeekml/tsv.py:7);read (zeekml/tsv.py:9) 30

thread (3) 1
"""


def test_samples_are_added_up_by_thread_and_function() -> None:
    reader, main, third = profiled.threads(SAMPLES.splitlines(keepends=True))
    assert (reader.name, reader.samples) == ("zeekml-reader", 30)
    assert reader.inclusive == {"read (zeekml/tsv.py)": 30}, "a function that calls itself counts once"
    assert (main.name, main.samples) == ("MainThread", 10)
    assert main.own == {"score (zeekml/batch.py)": 8, "main (zeekml/cli.py)": 2}
    assert main.inclusive == {"score (zeekml/batch.py)": 8, "main (zeekml/cli.py)": 10}
    assert (third.name, third.samples, dict(third.own)) == ("thread 2", 1, {})


def test_threads_of_several_processes_are_told_apart() -> None:
    driver, worker = 'process 7:"python -m zeekml score x"', 'process 9:"python -m pyspark.daemon"'
    samples = [
        f"{driver};thread (7): MainThread;main (zeekml/cli.py:3) 4\n",
        f"{driver};{worker};thread (7): MainThread;read (zeekml/spark/reading.py:9) 5\n",
    ]
    worker_thread, main = profiled.threads(samples)
    assert (main.name, main.own) == ("MainThread of process 0", {"main (zeekml/cli.py)": 4})
    assert worker_thread.name == "MainThread of process 1"
    assert worker_thread.own == {"read (zeekml/spark/reading.py)": 5}
    with pytest.raises(ValueError, match="raw samples, taken with --threads"):
        profiled.threads([f"{driver} 4\n"])


def test_the_table_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "samples.txt").write_text(SAMPLES, encoding="utf-8")
    asked = ["--samples", str(tmp_path / "samples.txt"), "--out", str(tmp_path / "table.txt"), "--rate", "10"]
    assert profiled.main([*asked, "--top", "1"]) == 0
    text = capsys.readouterr().out
    assert "zeekml-reader: 3.00 s in 30 samples\n" in text
    assert "    0.80   80.0%  score (zeekml/batch.py)\n" in text
    assert "    1.00  100.0%  main (zeekml/cli.py)\n" in text
    assert (tmp_path / "table.txt").read_text(encoding="utf-8") == text.removesuffix("\n")


def test_what_is_no_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="raw samples, taken with --threads"):
        profiled.threads(["main (zeekml/cli.py:3) 6\n"])


def test_another_checkout_is_run_from_its_root(tmp_path: Path) -> None:
    package = tmp_path / "zeekml"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("import sys\nprint(sys.argv[1:])\n", encoding="utf-8")
    assert run(zeekml("score", "x"), tmp_path).said == "['score', 'x']\n"
    for subprocesses in (False, True):
        said = profiled.unwatched(["x"], tmp_path, subprocesses=subprocesses)
        assert re.fullmatch(r"not watched: \d+\.\d\d s, \d+\.\d\d s of processor, \d+ MiB\n\n", said)


def test_the_page_of_profiles_has_what_the_profiles_have(root: Path) -> None:
    folder = root / "benchmarks" / "profiles"
    rows = [
        line
        for line in (folder / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| [")
    ]
    assert len(rows) * 2 == len(list(folder.glob("*.txt"))) > 0
    for row in rows:
        step, _, *told = (cell.strip() for cell in row.strip("|").split("|"))
        before, after = re.findall(r"\((\S+-before\.txt)\)", step) + re.findall(
            r"\((\S+-after\.txt)\)", told[1]
        )
        told[1] = re.sub(r"\[(.*)\]\(.*\)", r"\1", told[1])
        found = []
        for name in (before, after):
            head = (folder / name).read_text(encoding="utf-8").partition("\n")[0]
            match = re.fullmatch(r"not watched: ([\d.]+) s, ([\d.]+) s of processor, \d+ MiB", head)
            assert match is not None, name
            found.append(match.groups())
        assert told == [found[0][0], found[1][0], found[0][1], found[1][1]], step

"""``zeekml score --engine spark``: the verdicts of ``zeekml score``, in the design's sense."""

from __future__ import annotations

import gzip
import importlib.util
import io
import os
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from tests.spark.archive import CONNECTIONS, SENSOR, Plain, compared, plain_run, read, records
from tests.spark.store import PROTOCOL, Store, stored
from zeekml.cli import main
from zeekml.config import Settings, parse_settings
from zeekml.errors import ConfigError, InputError, OutputError
from zeekml.pipeline.batch import score_logs
from zeekml.pipeline.progress import Silent
from zeekml.pipeline.reading import Reading
from zeekml.pipeline.summary import Summary
from zeekml.scoring import Bundle
from zeekml.spark import SparkOptions, batch, score_on_spark, session
from zeekml.spark.aside import Lying
from zeekml.spark.model import ShippedModel
from zeekml.spark.packing import Picked
from zeekml.spark.parcels import Parcel

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EVERY_ONE = parse_settings("score: {log_threshold: 0, format: json}", "test")
SMALL = SparkOptions(part_bytes=120_000, places=3)
"""Logs are cut in parts, and more places than processors."""


def on_spark(
    paths: Sequence[Path | str], out: Path, settings: Settings = EVERY_ONE, options: SparkOptions = SMALL
) -> tuple[Summary, str]:
    said = io.StringIO()
    summary = score_on_spark([str(path) for path in paths], str(out), settings, options, Silent(said))
    return summary, said.getvalue()


@pytest.fixture(scope="module")
def plain(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Plain:
    return plain_run(logs, tmp_path_factory.mktemp("plain"), EVERY_ONE)


def test_the_verdicts_are_those_of_zeekml_score(
    spark: SparkSession, logs: Path, plain: Plain, tmp_path: Path
) -> None:
    out, summary, said = plain.out, plain.summary, plain.said
    ours, our_words = on_spark([logs], tmp_path / "out")

    result = compared(read(tmp_path / "out"), read(out))
    assert result.problems == []
    assert result.either_way == 0
    assert len(records(tmp_path / "out", "zeekml")) == CONNECTIONS
    assert any("sensor=bad-checksums" in notice["sub"] for notice in records(out, "notice"))
    assert any("bad-checksums" in (line.get("sensor") or ()) for line in records(out, "zeekml"))
    assert records(tmp_path / "out", "rejects") == records(out, "rejects") != []

    assert our_words == said
    assert str(ours.hosts) == str(summary.hosts)
    for name in (
        "connections",
        "logged",
        "alerts",
        "notices",
        "files",
        "passed_over",
        "without_flows",
        "sensor",
    ):
        assert getattr(ours, name) == getattr(summary, name), name
    assert (ours.rejects, ours.problems, ours.caps_acted) == (summary.rejects, summary.problems, 0)


def tables_are_those_of(spark: SparkSession, target: str, logs: Path, out: Path) -> None:
    """Whether the tables below ``target`` hold what a plain run over ``logs`` wrote to ``out``, each row once."""

    def table(name: str) -> list[dict[str, Any]]:
        return [row.asDict() for row in spark.read.parquet(f"{target}/{name}").collect()]

    wanted = {each["uid"]: each for each in records(out, "zeekml")}
    found = table("zeekml")
    assert len(found) == len(wanted)
    for row in found:
        each = wanted[row["uid"]]
        assert (row["class"], row["model"], row["ts"], row["service"], row["reasons"], row["sensor"]) == (
            each["class"], each["model"], each["ts"], each.get("service"), each.get("reasons"), each.get("sensor")
        )  # fmt: skip
        assert row["score"] == pytest.approx(each["score"], abs=1e-4)
    assert {row["stream"] for row in found} == {
        str(logs / "sensor-a" / "conn.log"), str(logs / "json.log"), str(logs / "eve.json")
    }  # fmt: skip
    kept = ("uid", "note", "msg", "n", "suppress_for", "id.resp_h")
    notices = sorted([row[name] for name in kept] for row in table("notice"))
    assert notices == sorted([each[name] for name in kept] for each in records(out, "notice"))
    assert any("sensor=bad-checksums" in row["sub"] for row in table("notice"))
    assert any("bad-checksums" in (row["sensor"] or ()) for row in table("zeekml"))
    assert sorted(table("rejects"), key=lambda row: row["line"]) == records(out, "rejects")


def test_tables_hold_what_the_logs_hold(
    spark: SparkSession, logs: Path, plain: Plain, tmp_path: Path
) -> None:
    out, summary, said = plain.out, plain.summary, plain.said
    target = f"file://{tmp_path}/tables"
    options = SparkOptions(parquet=True, part_bytes=120_000, places=2)
    said_on_spark = io.StringIO()
    ours = score_on_spark([str(logs)], target, EVERY_ONE, options, Silent(said_on_spark))
    assert said_on_spark.getvalue() == said
    assert (ours.connections, ours.rejects, ours.notices) == (
        summary.connections,
        summary.rejects,
        summary.notices,
    )

    tables_are_those_of(spark, target, logs, out)
    with pytest.raises(OutputError, match="name a new folder"):
        score_on_spark([str(logs / "eve.json")], target, EVERY_ONE, options, Silent(io.StringIO()))


def die(marks: str, name: str, times: int) -> None:
    """Kill this process, unless that has been done so often under this name; each time leaves a mark."""
    for turn in range(times):
        try:
            os.close(os.open(f"{marks}/{name}-{turn}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Deadly(ShippedModel):
    """Kills the process that loads it, so often; the driver loads it as well, and lives."""

    driver: int
    marks: str
    times: int

    def load(self) -> Bundle:
        if os.getpid() != self.driver:
            die(self.marks, "load", self.times)
        return super().load()


def test_a_killed_worker_is_tried_again_without_loss_or_doubling(
    spark: SparkSession,
    logs: Path,
    plain: Plain,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "marks").mkdir()
    model = ShippedModel.of(EVERY_ONE.score.model)
    deadly = Deadly(model.name, model.files, model.key, os.getpid(), str(tmp_path / "marks"), 2)
    monkeypatch.setattr(ShippedModel, "of", lambda _name: deadly)
    summary, _ = on_spark([logs], tmp_path / "out")
    assert len(list((tmp_path / "marks").iterdir())) == 2  # so many processes were killed
    assert summary.connections == CONNECTIONS
    result = compared(read(tmp_path / "out"), read(plain.out))
    assert result.problems == []
    assert result.either_way == 0


@dataclass(frozen=True)
class KilledAfterwards:
    """A step that kills its process when it has handed on all that it makes, the first two times. ``aside``: only where
    some of that lies aside."""

    step: Callable[[Iterable[Any]], Iterator[Any]]
    marks: str
    name: str
    aside: bool

    def __call__(self, rows: Iterable[Any]) -> Iterator[Any]:
        lying = 0
        for row in self.step(rows):
            result = row if isinstance(row, Parcel) else row[1]  # the last step has no more keys
            lying += isinstance(result.data, Lying | Picked)
            yield row
        if lying or not self.aside:
            die(self.marks, self.name, 2)


@pytest.mark.parametrize("parquet", [False, True], ids=["logs", "tables"])
def test_a_worker_killed_when_its_results_lie_aside_loses_and_doubles_nothing(
    spark: SparkSession,
    logs: Path,
    plain: Plain,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    parquet: bool,
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    # Of tables the results go through Spark, and are not put in order.
    steps = {"reads": True, "scores": False} if parquet else {"reads": True, "scores": True, "orders": True}
    for name, aside in steps.items():
        step = getattr(batch, name)
        monkeypatch.setattr(batch, name, _killed_afterwards(step, str(marks), name, aside))
    options = SparkOptions(parquet=parquet, part_bytes=120_000, places=3)
    target = f"file://{tmp_path}/out" if parquet else str(tmp_path / "out")
    summary = score_on_spark([str(logs)], target, EVERY_ONE, options, Silent(io.StringIO()))
    assert {mark.name for mark in marks.iterdir()} == {f"{name}-{turn}" for name in steps for turn in (0, 1)}
    assert (summary.connections, summary.alerts) == (CONNECTIONS, plain.summary.alerts)
    assert (summary.notices, summary.rejects) == (plain.summary.notices, plain.summary.rejects)
    if parquet:
        tables_are_those_of(spark, target, logs, plain.out)
        return
    result = compared(read(tmp_path / "out"), read(plain.out))
    assert (result.problems, result.either_way) == ([], 0)
    assert records(tmp_path / "out", "rejects") == records(plain.out, "rejects")


def _killed_afterwards(
    step: Callable[..., Any], marks: str, name: str, aside: bool
) -> Callable[..., KilledAfterwards]:
    return lambda *given: KilledAfterwards(step(*given), marks, name, aside)


def test_logs_in_a_store_are_scored_like_logs_on_disk(
    spark: SparkSession, logs: Path, plain: Plain, tmp_path: Path
) -> None:
    """Its own protocol, which the workers know by what is installed for them; no file of it has a log's name."""
    fsspec.register_implementation(PROTOCOL, Store, clobber=True)
    url = stored(logs, tmp_path / "store")
    summary, _ = on_spark([url], tmp_path / "out")
    result = compared(read(tmp_path / "out"), read(plain.out))
    assert (result.problems, result.either_way) == ([], 0)
    assert (summary.connections, summary.problems) == (CONNECTIONS, [])
    assert (summary.files, summary.notices) == (plain.summary.files, plain.summary.notices)
    assert len(summary.passed_over) == len(plain.summary.passed_over) > 0
    rejects = [line | {"source": line["source"].replace(url, str(logs))} for line in
               records(tmp_path / "out", "rejects")]  # fmt: skip
    assert rejects == records(plain.out, "rejects")


def test_the_command_line_reads_a_store_by_its_url(
    spark: SparkSession, logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["score", f"file://{logs}/sensor-a", "--engine", "spark", "--master", "local[2]"]
    with pytest.raises(SystemExit) as stop:
        main([*command, "--out", str(tmp_path / "out"), "--log-threshold", "0", "--format", "json"])
    assert stop.value.code == 0
    assert f"{SENSOR:,}" in capsys.readouterr().out
    assert {row["uid"] for row in records(tmp_path / "out", "zeekml")} == {
        line.split("\t")[1] for line in _lines_of(logs / "sensor-a")
    }


def _lines_of(folder: Path) -> list[str]:
    (zipped,), (plain,) = folder.glob("*.gz"), folder.glob("*.log")
    text = gzip.decompress(zipped.read_bytes()).decode() + plain.read_text()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_a_log_that_is_cut_off_is_told_and_scored_to_there(
    spark: SparkSession, logs: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "conn.log.gz"
    cut.write_bytes((logs / "sensor-a" / "conn.2026-01-01-00-00-00.log.gz").read_bytes()[:-20_000])
    with Reading([str(cut)]) as reading:
        plain = score_logs(reading, tmp_path / "plain", EVERY_ONE, Silent(io.StringIO()))
    summary, said = on_spark([cut], tmp_path / "out")
    assert [str(problem) for problem in summary.problems] == [str(problem) for problem in plain.problems]
    assert said.startswith(f"zeekml: {cut}")
    assert 0 < summary.connections == plain.connections < 2500
    assert summary.files == 0


def test_nothing_that_could_be_read_is_an_error_and_writes_nothing(
    spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "conn.log").write_bytes(b"\x01\x02\n" * 10)
    with pytest.raises(InputError, match="nothing was written"):
        on_spark([tmp_path / "conn.log"], tmp_path / "out")
    with pytest.raises(InputError, match="nothing was written"):
        on_spark([f"file://{tmp_path}/absent.log", "-"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_parts_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(ConfigError, match="openjdk-17-jre-headless"):
        session.check_installed()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r"pip install 'zeekml\[spark\]'"):
        session.check_installed()


@pytest.mark.parametrize("option", [["--master", "local[2]"], ["--format", "parquet"]])
def test_what_only_spark_can_do_is_refused_without_it(
    option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["score", "conn.log", "--out", str(tmp_path), *option])
    assert stop.value.code == 6
    assert f"{option[0]} " in (told := capsys.readouterr().err)
    assert "--engine spark" in told

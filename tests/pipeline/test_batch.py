"""The driver of ``zeekml score``, with a scorer that stands in for the model."""

from __future__ import annotations

import gzip
import io
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import orjson
import pyarrow as pa
import pytest

from tests.records.logs import FLOW
from zeekml.config import Settings, parse_settings
from zeekml.errors import InputError, OutputError, TruncatedError
from zeekml.pipeline.batch import alert_policy, score_with
from zeekml.pipeline.progress import Silent
from zeekml.pipeline.reading import FileEnd, Reading, StreamEnd, read_streams
from zeekml.pipeline.summary import Summary
from zeekml.records import Batch, LogFile, Rejects, Stream
from zeekml.scoring import Scores
from zeekml.table import Frame, Table

BUNDLE = cast(
    Any,
    SimpleNamespace(
        name="stand-in",
        classes=("Benign", "PortScan"),
        drift=None,
        thresholds=SimpleNamespace(connection=0.9, host=5.0),
        evidence=SimpleNamespace(floor=0.5, half_life=3600.0),
    ),
)
EVERY_ONE = parse_settings("score: {log_threshold: 0}", "test")


class StandIn:
    """Scores a refused or unanswered try 0.95 and everything else 0.05; ``fail_after`` batches it raises."""

    caps_acted = 0

    def __init__(self, error: BaseException | None = None, fail_after: int = 0) -> None:
        self.error = error
        self.fail_after = fail_after
        self.batches = 0
        self.ended: list[str] = []

    def features(self, frame: Frame, stream: str) -> Any:
        return Table.of(frame)

    def judge(self, found: Any, stream: str) -> Scores:
        table = found
        self.batches += 1
        if self.error is not None and self.batches > self.fail_after:
            raise self.error
        states = table.label("conn_state")
        failed = states.test(lambda texts: np.isin(texts.tolist(), ["S0", "REJ"]))
        score = np.where(failed, 0.95, 0.05).astype(np.float32)
        return Scores(score, np.ones(len(table), dtype=np.int64), score)

    def reasons(self, scores: Scores, rows: np.ndarray) -> list[str]:
        return ["failed"] * len(rows)

    def end_stream(self, stream: str) -> None:
        self.ended.append(stream)


def run(paths: list[Path | str], out: Path, scorer: StandIn, settings: Settings = EVERY_ONE) -> Summary:
    with Reading([str(path) for path in paths]) as reading:
        return score_with(scorer, BUNDLE, reading, out, settings, Silent(io.StringIO()))


def lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


@pytest.fixture
def logs(made_log: Path, tmp_path: Path) -> Path:
    """A folder with two rotated logs of one stream and a log that is none of ours."""
    folder = tmp_path / "logs"
    folder.mkdir()
    shutil.copy(made_log, folder / "conn.2026-01-01-00-00-00.log")
    with gzip.open(folder / "conn.2026-01-01-01-00-00.log.gz", "wb") as file:
        file.write(made_log.read_bytes())
    (folder / "dns.log").write_text("#separator \\x09\n#fields\tts\tquery\n#types\ttime\tstring\n1.0\tx\n")
    return folder


def test_every_connection_is_scored_and_counted(logs: Path, tmp_path: Path) -> None:
    scorer = StandIn()
    summary = run([logs], tmp_path / "out", scorer)
    assert summary.connections == summary.logged == len(lines(tmp_path / "out" / "zeekml.log")) == 40_000
    assert summary.files == 2
    assert len(summary.passed_over) == 1
    assert len(scorer.ended) == 1
    assert summary.alerts["PortScan"] > 0
    assert summary.notices.total() == len(lines(tmp_path / "out" / "notice.log")) > 0
    assert 0 < len(summary.hosts) < 40_000
    assert not summary.problems
    assert not (tmp_path / "out" / "rejects.log").exists()


def test_the_outputs_keep_the_order_of_the_logs(made_log: Path, tmp_path: Path) -> None:
    run([made_log], tmp_path / "out", StandIn())
    read = [line.split("\t")[:2] for line in lines(made_log)]
    assert [line.split("\t")[:2] for line in lines(tmp_path / "out" / "zeekml.log")] == read


def test_only_what_reaches_the_threshold_is_logged(made_log: Path, tmp_path: Path) -> None:
    summary = run([made_log], tmp_path / "out", StandIn(), Settings())
    assert 0 < summary.logged < summary.connections


def test_reasons_below_the_connection_threshold_stand_in_the_notice_alone(
    made_log: Path, tmp_path: Path
) -> None:
    """0.95 is evidence against a host, and by the setting no connection alerts by it."""
    run([made_log], tmp_path, StandIn(), parse_settings("alerts: {connection_threshold: 0.99}", "test"))
    notices = [line.split("\t") for line in lines(tmp_path / "notice.log")]
    assert notices
    assert all(notice[10] == "ZeekML::Botnet_Host" and "why=failed" in notice[12] for notice in notices)
    logged = [line.split("\t") for line in lines(tmp_path / "zeekml.log")]
    assert {notice[1] for notice in notices} <= {line[1] for line in logged}
    assert {line[11] for line in logged} == {"-"}


def test_a_damaged_log_is_told_and_the_others_are_scored(logs: Path, tmp_path: Path) -> None:
    whole = (logs / "conn.2026-01-01-01-00-00.log.gz").read_bytes()
    (logs / "cut.log.gz").write_bytes(whole[: len(whole) // 2])
    scorer = StandIn()
    summary = run([logs], tmp_path / "out", scorer)
    assert [type(problem) for problem in summary.problems] == [TruncatedError]
    assert "cut.log.gz" in str(summary.problems[0])
    assert 40_000 < summary.connections < 60_000  # what came before the damage is scored too
    assert len(lines(tmp_path / "out" / "zeekml.log")) == summary.connections
    assert len(scorer.ended) == 2


def test_rejected_lines_are_written_and_counted(made_log: Path, tmp_path: Path) -> None:
    broken = tmp_path / "conn.log"
    broken.write_bytes(made_log.read_bytes() + b"half a\tline\n")
    summary = run([broken], tmp_path / "out", StandIn())
    assert (summary.rejects, summary.connections) == (1, 20_000)
    assert "half a" in (tmp_path / "out" / "rejects.log").read_text()


def test_nothing_readable_writes_nothing(tmp_path: Path) -> None:
    binary = tmp_path / "conn.log"
    binary.write_bytes(bytes(range(256)) * 64)
    with pytest.raises(InputError, match="nothing was written"):
        run([binary], tmp_path / "out", StandIn())
    assert leftovers(tmp_path / "out") == []


def test_a_folder_without_connection_logs_says_so(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match=r"no connection log among 1 files.*notes\.txt"):
        run([tmp_path / "logs"], tmp_path / "out", StandIn())


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "logs" / "below").mkdir(parents=True)
    (tmp_path / "logs" / ".hidden.log").touch()
    with pytest.raises(InputError) as refused:
        run([tmp_path / "logs"], tmp_path / "out", StandIn())
    assert str(refused.value) == (
        f"{tmp_path / 'logs'}: no file there (hidden ones are left alone): expected Zeek's conn.log (TSV or JSON) or "
        "Suricata's eve.json with flow events\nno log could be read, nothing was written"
    )


def test_a_suricata_log_without_flows_is_warned_of(tmp_path: Path) -> None:
    alone, mixed, broken = (tmp_path / f"{name}.json" for name in ("alone", "mixed", "broken"))
    other = b'{"event_type":"dns","dns":{}}\n'
    alone.write_bytes(other * 3)
    mixed.write_bytes(other + orjson.dumps(FLOW) + b"\n")
    broken.write_bytes(other + b'{"event_type":"flow"}\n')
    told = io.StringIO()
    paths = [str(path) for path in (alone, mixed, broken)]
    with Reading(paths) as reading:
        summary = score_with(StandIn(), BUNDLE, reading, tmp_path / "out", EVERY_ONE, Silent(told))
    assert (summary.connections, summary.rejects, summary.files) == (1, 1, 3)
    assert summary.without_flows == [str(alone)]
    assert not summary.problems
    assert told.getvalue() == (
        f"zeekml: warning: {alone}: a Suricata log without flow events, so there was nothing to score; "
        "add flow to outputs.eve-log.types in suricata.yaml\n"
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OutputError("disk full"), MemoryError()])
def test_a_run_that_ends_early_leaves_what_was_there(
    error: BaseException, logs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run([logs], out, StandIn())
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(type(error)):
        run([logs], out, StandIn(error, fail_after=1))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert not [thread for thread in threading.enumerate() if thread.name == "zeekml-reader"]


def leftovers(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


def test_reading_gives_the_ends_of_logs_and_streams() -> None:
    batch = Batch(pa.table({}), "a", "s", np.empty(0, dtype=np.int64))

    def read(log: LogFile, stream: str, *, rejects: Rejects) -> Iterator[Batch]:
        yield batch
        if log.name == "b":
            raise TruncatedError("b: cut")

    one, two, three = (LogFile(None, name) for name in "abc")
    events = list(read_streams([Stream("s", (one, two)), Stream("t", (three,))], Rejects(), read))
    assert [type(event) for event in events] == [
        Batch,
        FileEnd,
        Batch,
        FileEnd,
        StreamEnd,
        Batch,
        FileEnd,
        StreamEnd,
    ]
    assert [isinstance(event.error, TruncatedError) for event in events if isinstance(event, FileEnd)] == [
        False,
        True,
        False,
    ]


def test_thresholds_are_the_bundles_unless_set() -> None:
    own = alert_policy(Settings(), BUNDLE)
    assert (own.connection_threshold, own.host_threshold, own.local_nets) == (0.9, 5.0, None)
    site = alert_policy(
        parse_settings(
            "alerts: {connection_threshold: 0.5, host_threshold: 2, local_nets: [10.0.0.0/8],"
            " allowlist: [{reason: scanner, networks: [10.0.0.1], expires: 2030-01-01}]}",
            "f",
        ),
        BUNDLE,
    )
    assert (site.connection_threshold, site.host_threshold) == (0.5, 2)
    assert site.max_hosts == Settings().state.max_hosts
    assert site.local_nets is not None
    assert len(site.allowlist) == 1

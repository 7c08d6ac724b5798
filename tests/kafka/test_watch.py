"""``zeekml watch --kafka``: killed and started again, every message is scored once and every notice written once."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.kafka.cluster import MockCluster
from tests.spark.archive import compared, read, records
from zeekml.cli import main
from zeekml.config import parse_settings
from zeekml.pipeline.batch import score_logs
from zeekml.pipeline.progress import Silent
from zeekml.pipeline.reading import Reading
from zeekml.simulate import Scenario, write_traffic

SETTINGS = """
score: {log_threshold: 0, format: json}
watch: {batch_rows: 100}
metrics: {listen: ""}
"""


def test_a_killed_watch_goes_on_where_it_was(tmp_path: Path) -> None:
    log = tmp_path / "conn.json"
    write_traffic(log, Scenario(connections=2_000, seed=7, hosts=30), format="json")
    messages = log.read_bytes().splitlines()
    (tmp_path / "zeekml.yaml").write_text(SETTINGS)
    cluster = MockCluster()
    cluster.write("conn", messages[:1500])
    out = tmp_path / "out"
    command = [
        sys.executable, "-m", "zeekml", "watch", "--kafka", f"{cluster.brokers}/conn", "--out", str(out),
        "--state", str(tmp_path / "state"), "--from-start", "--config", str(tmp_path / "zeekml.yaml"),
    ]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    first = subprocess.Popen(command, env=environment)
    written = out / "zeekml.log"
    until = time.monotonic() + 240
    while not (written.exists() and written.read_bytes().count(b"\n") >= 300):
        assert first.poll() is None, "it ended by itself"
        assert time.monotonic() < until, "nothing was written"
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait()

    cluster.write("conn", messages[1500:])
    again = subprocess.run(
        [*command, "--once"], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert again.returncode == 0, again.stderr
    with Reading([str(log)]) as reading:
        score_logs(reading, tmp_path / "plain", parse_settings(SETTINGS, "test"), Silent(io.StringIO()))
    uids = [record["uid"] for record in records(tmp_path / "plain", "zeekml")]
    assert [record["uid"] for record in records(out, "zeekml")] == uids
    result = compared(read(out), read(tmp_path / "plain"))
    assert result.problems == []
    assert cluster.committed("conn", "zeekml", 4) == len(messages)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to follow"),
        (["--kafka", "conn"], "expected BROKERS/TOPIC"),
        (["--kafka", "192.0.2.1:9092/a topic"], "kafka.topics"),
        (["conn.log", "--kafka", "192.0.2.1:9092/conn"], "both logs (conn.log) and topics of Kafka (conn)"),
    ],
)
def test_what_is_followed_is_one_thing(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["watch", *arguments, "--out", str(tmp_path / "out"), "--state", str(tmp_path / "state")])
    assert stop.value.code == 6
    assert words in capsys.readouterr().err

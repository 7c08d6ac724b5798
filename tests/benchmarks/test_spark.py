"""The arithmetic of the benchmark of Spark; it measures nothing here."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from benchmarks import spark
from benchmarks.processor import ProcessorSeconds
from benchmarks.spark import Measured

MADE = Measured(1_000_000, 20.0, 4.0, {1: 50.0, 2: 30.0}, {1: 10.0, 2: 10.0}, {0: 20.0, 1: 40.0, 2: 36.0})


def test_costs_and_prices_follow_from_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(spark, "_measured", lambda *_: MADE)
    assert spark.main(["--json", "--archive", "9e9", "--core-hour", "0.1"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ratio"] == 1.5
    assert told["ratio_of_connections"] == 1.25
    # 20 s on two cores: 40 core seconds a million; 9e9 of them 100 core hours.
    assert told["archive"] == pytest.approx({"connections": 9e9, "core_hours": 100.0, "price": 10.0})
    assert spark.main(["--archive", "9e9", "--core-hour", "0.1"]) == 0
    shown = capsys.readouterr().out
    assert "100 core hours; at 0.1 a core hour (an assumption): 10" in shown
    assert "of processor time after the start: 1.80" in shown
    assert "two workers / one: 2.00 times as fast" in shown


def test_a_log_that_is_too_small_is_refused() -> None:
    with pytest.raises(SystemExit):
        spark.main(["--connections", "1000"])


def test_the_processor_time_of_what_a_process_starts_is_counted_with_it() -> None:
    busy = "import time\nwhile time.process_time() < 0.5: pass"
    both = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {busy!r}])\n{busy}"
    subprocess.run([sys.executable, "-c", busy], check=True)  # before it is looked at
    with ProcessorSeconds(os.getpid()) as watched:
        subprocess.run([sys.executable, "-c", both], check=True)
    assert 0.7 < watched.seconds < 5

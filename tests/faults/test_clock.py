"""Clocks that jump, the machine's and the sensor's: verdicts stay those of the batch run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.faults.compare import compare
from tests.faults.outputs import fields, lines
from tests.faults.watching import ROOT, settings_file, wait_for, watching
from tests.records import logs
from tests.sensor.zeek_writer import ZeekWriter

_YEAR = 365 * 86_400.0
# time.time, with what stands in a file added to it: an own clock for one process.
_STAND_IN = """\
import os, time
_real = time.time
def _set():
    with open(os.environ["CLOCK_SET_BY"]) as file:
        return _real() + float(file.read() or 0)
time.time = _set
"""


def test_the_clock_of_the_machine_jumps(tmp_path: Path, writer: ZeekWriter, model: Path) -> None:
    table = tmp_path / "out" / "alerts.tsv"
    config = settings_file(
        tmp_path, f"watch: {{poll: 0.2, rotate_every: 3600}}\nsinks: {{alerts_table: {{path: {table}}}}}\n"
    )
    options = ["--model", str(model), "--from-start", "--config", str(config)]
    stand_in, set_by = tmp_path / "stand-in", tmp_path / "set-by"
    stand_in.mkdir()
    (stand_in / "sitecustomize.py").write_text(_STAND_IN)
    set_by.write_text("0")
    path = os.pathsep.join([str(stand_in), os.environ.get("PYTHONPATH", "")])
    environment = {"PYTHONPATH": path, "CLOCK_SET_BY": str(set_by)}
    written = 50
    with watching(tmp_path, [writer.path], *options, environment=environment) as watch:
        wait_for(watch.out, written, alive=watch)
        for by in (10 * _YEAR, -10 * _YEAR, -3600.0):
            _set_clock(set_by, by)
            for _ in range(2):
                writer.write(*range(written, written + 60))
                written += 60
                wait_for(watch.out, written, alive=watch)
        watch.terminate()
        assert watch.process.returncode == 0
    said = watch.said.read_text()
    assert "the clock of this machine went ahead by 3153" in said
    assert "the clock of this machine went back by 6307" in said
    assert said.count("the clock of this machine") == 3
    assert "Traceback" not in said
    writer.write(*range(written, written + 60))
    with watching(tmp_path, [writer.path], *options, "--once") as again:  # the clock is right again
        assert again.finish() == 0
    _assert_as_in_batch(tmp_path, writer.path, model, written + 60)


def test_the_clock_of_the_sensor_jumps(
    tmp_path: Path, writer: ZeekWriter, options: list[str], model: Path
) -> None:
    written = 50
    with watching(tmp_path, [writer.path], *options) as watch:
        wait_for(watch.out, written, alive=watch)
        for by in (10 * _YEAR, -40 * _YEAR, 0.0, 30 * _YEAR):
            for number in range(written, written + 40):
                fields_ = logs.connection(number)
                fields_["ts"] = f"{float(fields_['ts']) + by:.6f}"
                writer.write_raw(logs.line(fields_).encode())
            written += 40
            wait_for(watch.out, written, alive=watch)
        watch.terminate()
        assert watch.process.returncode == 0
    assert "Traceback" not in watch.said.read_text()
    _assert_as_in_batch(tmp_path, writer.path, model, written)
    doctor = subprocess.run(
        [sys.executable, "-m", "zeekml", "doctor", str(writer.path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = " ".join(doctor.stdout.split())
    assert "s ahead of this machine's clock" in said
    assert "set the clocks of sensor and machine alike" in said


def _set_clock(set_by: Path, by: float) -> None:
    beside = set_by.with_name("set-by.new")
    beside.write_text(str(by))
    beside.replace(set_by)


def _assert_as_in_batch(folder: Path, log: Path, model: Path, written: int) -> None:
    batch = folder / "batch"
    subprocess.run(
        [sys.executable, "-m", "zeekml", "score", str(log), "--out", str(batch), "--quiet",
         "--log-threshold", "0", "--model", str(model)],
        cwd=ROOT, check=True,
    )  # fmt: skip
    runs = [
        {name: [fields(line, name) for line in lines(out, name)] for name in ("zeekml", "notice")}
        for out in (folder / "out", batch)
    ]
    manifest = yaml.safe_load((model / "bundle.yaml").read_text())
    thresholds = {**manifest["thresholds"], "floor": manifest["evidence"]["floor"]}
    compared = compare(runs[0], runs[1], thresholds, lambda _: "conn")
    assert compared.problems == []
    assert len(runs[0]["zeekml"]) == written
    assert runs[0]["notice"]

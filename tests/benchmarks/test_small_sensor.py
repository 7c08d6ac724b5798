"""The benchmark of small sensors runs and prints what its page says, in little time."""

from __future__ import annotations

import re

import pytest

from benchmarks import small_sensor

NUMBER = r"[\d,.]+"
ROWS = (
    rf"\| all that scoring needs \| {NUMBER} \|",
    rf"\| PyTorch on top \| {NUMBER} \|",
    rf"\| `zeekml score --help` \| {NUMBER} \| {NUMBER} \|",
    rf"\| ONNX Runtime \| 2,000 \| {NUMBER} \| {NUMBER} \| {NUMBER} \|",
    rf"\| kernels \| {NUMBER} % \| {NUMBER} % \| {NUMBER} \|",
    rf"\| PyTorch \| {NUMBER} % \| {NUMBER} % \| {NUMBER} \|",
)


def test_measures_and_prints(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--connections", "2000", "--seconds", "1", "--every", "0.5", "--repeat", "1"]
    assert small_sensor.main(options) == 0
    printed = capsys.readouterr().out
    for row in ROWS:
        assert re.search(f"^{row}$", printed, re.MULTILINE), printed

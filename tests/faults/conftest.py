"""A tiny model, a log of fifty connections, and the options of a watch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import tiny_bundle
from tests.faults.watching import settings_file
from tests.sensor.zeek_writer import ZeekWriter


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that loads fast."""
    return tiny_bundle(tmp_path_factory.mktemp("bundle") / "model")


@pytest.fixture
def options(tmp_path: Path, model: Path) -> list[str]:
    """Options of a watch that reads from the start."""
    config = settings_file(tmp_path, "watch: {poll: 0.2}\n")
    return ["--model", str(model), "--from-start", "--config", str(config)]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[ZeekWriter]:
    """Writes ``logs/conn.log``, where fifty connections stand."""
    (tmp_path / "logs").mkdir()
    writer = ZeekWriter(tmp_path / "logs" / "conn.log")
    writer.write(*range(50))
    yield writer
    writer.close()

"""The logs byte for byte. To accept a change that is meant: ZEEKML_WRITE_GOLDEN=1 pytest tests/sinks/test_golden.py"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sinks.samples import written
from zeekml.sinks import Format

GOLDEN = Path(__file__).parent.parent / "data" / "sinks"


@pytest.mark.parametrize("fmt", ["tsv", "json"])
@pytest.mark.parametrize("name", ["notice.log", "zeekml.log", "rejects.log"])
def test_logs_are_those_kept(tmp_path: Path, name: str, fmt: Format) -> None:
    found = (written(tmp_path, fmt) / name).read_bytes()
    kept = GOLDEN / fmt / name
    if os.environ.get("ZEEKML_WRITE_GOLDEN"):
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(found)
    assert found == kept.read_bytes()

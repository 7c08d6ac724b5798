"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real labelled logs; tests that need it are skipped, saying so, where it is absent."""
    folder = Path(os.environ.get("ZEEKML_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "zeek" / "groups.csv").is_file():
        pytest.skip(f"real logs are absent (no {folder / 'zeek' / 'groups.csv'}): set ZEEKML_SHARED_DATA to their folder")
    return folder

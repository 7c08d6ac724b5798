"""A bundle is written whole or not at all, and over nothing but an older bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import tiny_bundle
from zeekml.errors import OutputError
from zeekml.scoring import load_bundle
from zeekml.scoring.store import check_target


def test_an_older_bundle_gives_way(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    tiny_bundle(folder)
    (folder / "left-over.txt").write_text("old", encoding="utf-8")
    tiny_bundle(folder)
    assert not (folder / "left-over.txt").exists()
    load_bundle(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_other_content_stays(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="is there and is no bundle"):
        check_target(tmp_path / "own")
    (tmp_path / "link").symlink_to(tmp_path / "own")
    with pytest.raises(OutputError, match="is a link or a file"):
        check_target(tmp_path / "link")


def test_a_place_that_cannot_be_written_is_told_beforehand(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="the bundle cannot be written"):
        check_target(tmp_path / "file" / "models" / "x")

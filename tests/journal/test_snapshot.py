"""Snapshots: what is saved comes back, and what is damaged, foreign or half-written is refused."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.builders import tiny_bundle
from zeekml.arrays import Arrays
from zeekml.errors import OutputError, StateError
from zeekml.journal.snapshot import Abandoned, Maker, load_snapshot, save_snapshot, sweep_parts
from zeekml.scoring import load_bundle

MAKER = Maker("tiny", "1", "a" * 64, "b" * 64, ("Benign", "PortScan"))
ARRAYS: Arrays = {
    "streams/text": np.frombuffer("conn é".encode(), dtype=np.uint8),
    "0/hosts/keys": np.array([1, 2**64 - 1], dtype=np.uint64),
    "0/hosts/tails": np.arange(6, dtype=np.float32).reshape(2, 3),
    "lines": np.array(7, dtype=np.int64),
}
FACTS = {"generation": 3, "positions": {"conn": {"offset": 2**53, "header": "#fields\tts", "name": "é"}}}
IN_TMP = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def loaded(path: Path) -> Arrays:
    snapshot = load_snapshot(path, MAKER)
    assert snapshot is not None
    return snapshot.arrays


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "snapshot"
    save_snapshot(path, ARRAYS, FACTS, MAKER)
    return path


dtypes = st.sampled_from(
    [np.bool_, np.uint8, np.int32, np.uint32, np.int64, np.uint64, np.float32, np.float64]
)
arrays = dtypes.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


@IN_TMP
@given(content=st.dictionaries(st.text("ab/é\n", min_size=1), arrays, max_size=6))
def test_what_is_saved_comes_back(content: dict[str, np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    size = save_snapshot(path, content, FACTS, MAKER)
    assert path.stat().st_size == size
    found = load_snapshot(path, MAKER)
    assert found is not None
    assert found.facts == FACTS
    assert found.arrays.keys() == content.keys()
    for name, array in content.items():
        assert (found.arrays[name].dtype, found.arrays[name].shape) == (array.dtype, array.shape)
        assert found.arrays[name].tobytes() == array.tobytes()


def test_arrays_that_are_not_contiguous(tmp_path: Path) -> None:
    array = np.arange(24).reshape(4, 6)
    content = {"columns": array[:, ::2], "turned": array.T}
    save_snapshot(tmp_path / "snapshot", content, {}, MAKER)
    for name, found in loaded(tmp_path / "snapshot").items():
        np.testing.assert_array_equal(found, content[name])


def test_the_middle_is_a_safetensors_file(saved: Path) -> None:
    content = saved.read_bytes()
    assert content.startswith(b"zeekml snapshot 1\n")
    found = safetensors.numpy.load(content[18 + 8 : -32])
    np.testing.assert_array_equal(found["0/hosts/tails"], ARRAYS["0/hosts/tails"])


def test_only_the_owner_may_read_it(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_none_where_there_is_none(tmp_path: Path) -> None:
    assert load_snapshot(tmp_path / "snapshot", MAKER) is None


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_is_found(data: st.DataObject, saved: Path, tmp_path: Path) -> None:
    content = bytearray(saved.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    changed = tmp_path / "changed"
    changed.write_bytes(content)
    with pytest.raises(StateError, match=r"changed: the snapshot cannot be used: .*new state folder"):
        load_snapshot(changed, MAKER)


@IN_TMP
@given(data=st.data())
def test_a_file_cut_short_or_grown_is_refused(data: st.DataObject, saved: Path, tmp_path: Path) -> None:
    content = saved.read_bytes()
    changed = tmp_path / "changed"
    changed.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(StateError, match="cannot be used"):
        load_snapshot(changed, MAKER)
    changed.write_bytes(content + b"\0")
    with pytest.raises(StateError, match=f"has {len(content) + 1} bytes where {len(content)} were written"):
        load_snapshot(changed, MAKER)


def test_a_whole_file_of_other_content_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safetensors.numpy, "load", lambda _: {"lines": np.array(7)})
    with pytest.raises(StateError, match=r"is not what a snapshot holds \('.json'\)"):
        load_snapshot(saved, MAKER)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "other", "model_version": "2"}, "made with model tiny 1 .*this run has model other 2"),
        ({"weights": "c" * 64}, "weights aaaaaaaaaaaa.*weights cccccccccccc"),
        ({"layout": "c" * 64}, "features bbbbbbbbbbbb.*features cccccccccccc"),
        ({"classes": ("Benign", "C&C")}, "run with the model that it was made with, or begin with a new"),
    ],
)
def test_a_snapshot_of_another_model_is_refused(saved: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(StateError, match=said):
        load_snapshot(saved, replace(MAKER, **change))


def test_the_maker_of_a_bundle(tmp_path: Path) -> None:
    bundle = load_bundle(tiny_bundle(tmp_path / "tiny"))
    maker = Maker.of(bundle)
    assert (maker.model, maker.model_version, maker.classes) == (bundle.name, "1", bundle.classes)
    assert maker.weights == bundle.manifest.files["weights.safetensors"]
    save_snapshot(tmp_path / "snapshot", {}, {}, maker)
    assert load_snapshot(tmp_path / "snapshot", Maker.of(load_bundle(tmp_path / "tiny"))) is not None


def test_a_link_is_not_followed(saved: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(saved)
    with pytest.raises(StateError, match="link: the snapshot cannot be read"):
        load_snapshot(link, MAKER)
    before = saved.read_bytes()
    save_snapshot(link, {}, {}, MAKER)  # takes the link's place and leaves alone what it points to
    assert not link.is_symlink()
    assert saved.read_bytes() == before


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StateError, match="is no file"):
        load_snapshot(tmp_path / "fifo", MAKER)
    with pytest.raises(StateError, match="folder"):
        load_snapshot(tmp_path / "folder", MAKER)


def test_a_later_save_takes_the_place_of_an_earlier_one(saved: Path) -> None:
    save_snapshot(saved, {"lines": np.array(8)}, {}, MAKER)
    assert loaded(saved)["lines"] == 8
    assert names(saved.parent) == ["snapshot"]


def test_a_save_that_fails_leaves_the_former_one_and_nothing_else(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zeekml.journal.snapshot.os.fsync", full)
    with pytest.raises(OutputError, match=r"snapshot cannot be written: .*(No space|full)"):
        save_snapshot(saved, {}, {}, MAKER)
    monkeypatch.undo()
    assert names(saved.parent) == ["snapshot"]
    assert loaded(saved)["lines"] == 7


@pytest.mark.parametrize("asked", [0, 1, 3])
def test_a_save_that_is_no_longer_wanted_leaves_the_former_one(
    asked: int, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its first byte, in the middle, and when all but its name is there."""
    monkeypatch.setattr("zeekml.journal.snapshot._WRITE_BYTES", 4096)
    answers = iter([True] * asked + [False] * 10)
    with pytest.raises(Abandoned):
        save_snapshot(saved, {"lines": np.array(8)}, {}, MAKER, is_wanted=lambda: next(answers))
    assert names(saved.parent) == ["snapshot"]
    assert loaded(saved)["lines"] == 7


def test_a_large_save_reaches_the_disk_as_it_goes(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what is left to wait for is never much."""
    synced: list[int] = []
    monkeypatch.setattr("zeekml.journal.snapshot._SYNC_BYTES", 1 << 16)
    monkeypatch.setattr("zeekml.journal.snapshot._WRITE_BYTES", 1 << 14)
    monkeypatch.setattr("zeekml.journal.snapshot.os.fdatasync", synced.append)
    save_snapshot(saved, {"a": np.zeros(1 << 18, dtype=np.uint8)}, {}, MAKER)
    assert len(synced) == 4


def test_a_folder_that_is_absent_or_a_file(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        save_snapshot(tmp_path / "absent" / "snapshot", {}, {}, MAKER)
    with pytest.raises(OutputError, match="cannot be written"):
        save_snapshot(saved / "snapshot", {}, {}, MAKER)


def test_what_a_killed_save_left_is_swept(saved: Path) -> None:
    folder = saved.parent
    (folder / ".snapshot.0123456789abcdef.part").write_bytes(b"half")
    (folder / "journal").write_bytes(b"")
    (folder / ".hidden").write_bytes(b"")
    sweep_parts(folder)
    assert names(folder) == [".hidden", "journal", "snapshot"]

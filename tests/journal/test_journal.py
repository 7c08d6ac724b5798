"""The journal: whole records back, torn ends passed over, damage refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journal.crash import Crash, Killed, crashing
from zeekml.errors import OutputError, StateError
from zeekml.journal.journal import Journal, records

PAYLOADS = [b"one", b"", b"\xf5\x00\xfaREC and more", bytes(range(256)) * 40]


def written(path: Path, payloads: list[bytes]) -> Path:
    journal = Journal(path)
    for payload in payloads:
        journal.append(payload)
    journal.close()
    assert path.stat().st_size == journal.size
    return path


@given(st.lists(st.binary(max_size=200), max_size=5), st.data())
def test_what_is_left_of_a_cut_journal_is_whole(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes], data: st.DataObject
) -> None:
    path = written(tmp_path_factory.mktemp("journal") / "journal", payloads)
    whole = path.read_bytes()
    assert list(records(path)) == payloads
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    left = list(records(path))
    assert left == payloads[: len(left)]


@pytest.mark.parametrize("at", range(1, 14))
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_record_that_was_not_synced_may_be_torn_and_those_before_are_there(
    at: int, share: float, tmp_path: Path
) -> None:
    path = tmp_path / "journal"
    done = list[bytes]()

    def write_all() -> None:
        journal = Journal(path)
        for payload in PAYLOADS * 3:
            journal.append(payload)
            done.append(payload)

    with crashing(Crash(at, share)) as crash, pytest.raises(Killed):
        write_all()
    left = list(records(path)) if path.exists() else []
    assert left[: len(done)] == done
    assert len(left) <= len(done) + 1
    assert crash.name


def test_a_torn_end_of_zeros_is_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path / "journal", PAYLOADS)
    path.write_bytes(path.read_bytes() + bytes(5000))
    assert list(records(path)) == PAYLOADS


def test_damage_before_whole_records_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "journal", PAYLOADS)
    whole = bytearray(path.read_bytes())
    whole[40] ^= 1  # in the second record
    path.write_bytes(whole)
    with pytest.raises(StateError, match=r"damaged at byte 38, and whole records follow.*--state"):
        list(records(path))


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("hello, this is no journal")
    with pytest.raises(StateError, match="is no journal of this version"):
        list(records(tmp_path / "journal"))
    with pytest.raises(StateError, match="cannot be read"):
        list(records(tmp_path))


def test_a_journal_is_not_written_over(tmp_path: Path) -> None:
    path = written(tmp_path / "journal", PAYLOADS)
    with pytest.raises(OutputError, match="journal"):
        Journal(path)
    assert path.stat().st_mode & 0o777 == 0o600

"""The table of verdicts: appended to whole, by several at once, nothing twice, no link followed, read as rules."""

from __future__ import annotations

import csv
import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import ROW, frame_of, row
from zeekml.errors import InputError, OutputError, RecipeError
from zeekml.feedback import COLUMNS, Outcome, Verdict, add_verdict
from zeekml.training.corrections import load_corrections

WORDS = ["Benign", "PortScan", "C&C", "Unknown"]


def verdict(
    uid: str = "CmAdE0000000000001", corrected: str = "Benign", reason: str = "", **changes: Any
) -> Verdict:
    connection = {name: value for name, value in row(uid=uid, **changes).items() if value is not None}
    return Verdict(connection, corrected, reason, "2026-01-02T03:04:05+00:00", "m 1", 0.987654321, "C&C")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def applied(path: Path, frame: pd.DataFrame) -> list[str]:
    """The words that the table gives to connections without labels."""
    words: Any = pd.Categorical(["Unknown"] * len(frame), categories=pd.Index(WORDS))
    for rule in load_corrections(path):
        assert rule.is_for("any-log")
        rule.apply(frame, words, path)
    return list(words)


def test_the_table_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "feedback.csv"
    assert add_verdict(path, verdict(reason='our scanner, "nessus"')) == Outcome(True, None)
    assert add_verdict(path, verdict("C2", "C&C", conn_state=None, id_orig_h="fe80::1")) == Outcome(
        True, None
    )
    assert path.read_text(encoding="utf-8") == (
        "file,uid,id.orig_h,id.resp_h,id.resp_p,proto,conn_state,given,corrected,connections,reason,at,model,score,class\n"
        ",CmAdE0000000000001,192.168.1.10,198.51.100.7,443,tcp,SF,,Benign,,"
        '"our scanner, ""nessus""",2026-01-02T03:04:05+00:00,m 1,0.987654,C&C\n'
        ",C2,fe80::1,198.51.100.7,443,tcp,,,C&C,,,2026-01-02T03:04:05+00:00,m 1,0.987654,C&C\n"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_said_already_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "feedback.csv"
    add_verdict(path, verdict())
    add_verdict(path, verdict("C2"))
    before = path.read_bytes()
    assert add_verdict(path, verdict()) == Outcome(False, "Benign")
    assert path.read_bytes() == before
    assert add_verdict(path, verdict(reason="now with a reason")) == Outcome(True, "Benign")


def test_of_a_changed_mind_the_last_word_holds(tmp_path: Path) -> None:
    path = tmp_path / "feedback.csv"
    frame = frame_of([row(uid="C1"), row(uid="C2"), row(uid="C3")])
    for word, former in (
        ("Benign", None),
        ("C&C", "Benign"),
        ("Benign", "C&C"),
        ("Unknown", "Benign"),
        ("C&C", "Unknown"),
    ):
        assert add_verdict(path, verdict("C1", word)) == Outcome(True, former)
        assert applied(path, frame) == [word, "Unknown", "Unknown"]
    assert [line["corrected"] for line in rows(path)] == ["Benign", "C&C", "Benign", "Unknown", "C&C"]


def test_only_the_connection_itself_is_met(tmp_path: Path) -> None:
    """A uid that another connection has too, in another log, is not enough; one that is there twice is met twice."""
    path = tmp_path / "feedback.csv"
    add_verdict(path, verdict("C1", "PortScan"))
    given = [
        row(uid="C1"),
        row(uid="C2"),
        row(uid="C1", id_resp_p=80),
        row(uid="C1", conn_state="S0"),
        row(uid="C1"),
    ]
    assert applied(path, frame_of(given)) == ["PortScan", "Unknown", "Unknown", "Unknown", "PortScan"]
    assert applied(path, frame_of([row(uid="C9")])) == ["Unknown"]


TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)


@given(
    st.lists(
        st.tuples(st.sampled_from(["C1", "C2", "C,\n3", "\r"]), st.sampled_from(WORDS), TEXT),
        min_size=1,
        max_size=8,
    )
)
def test_any_reasons_and_words(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, str, str]]
) -> None:
    """What comes back is what was said, and the rules come to the last word on each connection."""
    path = tmp_path_factory.mktemp("said") / "feedback.csv"
    last: dict[str, tuple[str, str]] = {}
    expected = []
    for uid, word, reason in said:
        written = last.get(uid) != (word, reason)
        assert add_verdict(path, verdict(uid, word, reason)).written == written
        if written:
            expected.append((uid, word, reason))
        last[uid] = (word, reason)
    assert [(line["uid"], line["corrected"], line["reason"]) for line in rows(path)] == expected
    frame = frame_of([row(uid=uid) for uid in last])
    assert applied(path, frame) == [word for word, _ in last.values()]


def test_several_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "feedback.csv"
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda n: add_verdict(path, verdict(f"C{n % 20}")).written, range(80)))
    assert sum(written) == 20
    assert sorted(line["uid"] for line in rows(path)) == sorted(f"C{n}" for n in range(20))


def test_no_link_is_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("mine\n")
    (tmp_path / "feedback.csv").symlink_to(target)
    with pytest.raises(OutputError, match=r"feedback\.csv cannot be written"):
        add_verdict(tmp_path / "feedback.csv", verdict())
    assert target.read_text() == "mine\n"


def test_what_is_no_file_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="is no regular file: name another place"):
        add_verdict(tmp_path / "pipe", verdict())
    with pytest.raises(OutputError, match="cannot be written"):
        add_verdict(tmp_path, verdict())
    with pytest.raises(OutputError, match="cannot be written"):
        add_verdict(tmp_path / "absent" / "feedback.csv", verdict())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"ts,uid\n1,2\n", "found the columns 'ts, uid', expected file, uid, .*name another file"),
        (",".join(COLUMNS).encode() + b"\n,C1,10.0.0.1\n", "a line has not its 15 columns"),
        (",".join(COLUMNS).encode(), "the last has no end; mend it"),
        (b"\xff\xfe\n", "cannot be read as CSV"),
    ],
    ids=["another", "short", "unended", "binary"],
)
def test_another_or_a_damaged_file_is_left_as_it_is(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "feedback.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=expected):
        add_verdict(path, verdict())
    assert path.read_bytes() == content


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "feedback.csv"
    add_verdict(path, verdict())
    before, write = path.read_bytes(), os.write

    def half(file: int, data: bytes) -> int:
        if len(data) < 40:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OutputError, match="cannot be written"):
        add_verdict(path, verdict("C2"))
    assert path.read_bytes() == before


def test_a_rule_for_any_log_needs_a_uid(tmp_path: Path) -> None:
    path = tmp_path / "rules.csv"
    line = dict.fromkeys(COLUMNS, "") | {"id.orig_h": str(ROW["id.orig_h"]), "corrected": "Benign"}
    path.write_text(",".join(COLUMNS) + "\n" + ",".join(line.values()) + "\n")
    with pytest.raises(RecipeError, match="line 2: has neither a file nor a uid; say which log it is for"):
        load_corrections(path)

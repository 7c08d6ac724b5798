"""What is written is read back with every field equal: by our decoder, by a JSON parser, by zat.

zat splits lines and types columns but decodes no escapes, so what it returns is decoded here by the rules of
`docs/output.md`. Its frame reader is pandas' CSV reader: it also takes ``#`` within a line for a comment, ``"``
for a quote and words such as ``NA`` for unset. Zeek writes all of these as they are, and so do we: these tests
keep them out of what zat reads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zat.log_to_dataframe import LogToDataFrame
from zat.zeek_log_reader import ZeekLogReader

from tests.alerts.logs import CLASSES, frame_of
from tests.sinks.samples import MODEL, POLICY, sample, written
from tests.sinks.zeek_escapes import decode_set, decode_tsv, json_text, read_tsv
from zeekml.alerts import AlertEngine, Explained, Notice
from zeekml.health import Marks
from zeekml.scoring.scores import Scores
from zeekml.sinks import Format, notice_log, zeekml_log

LABELS = ("id.orig_h", "id.resp_h", "proto", "service")


def expected(
    frame: pd.DataFrame, scores: Scores, explained: Explained, notices: Sequence[Notice], marks: Marks
) -> list[dict[str, object]]:
    """The fields of zeekml.log as plain values, None where unset."""
    noticed = {notice.row: notice for notice in notices}
    records = []
    for i in range(len(frame)):
        record: dict[str, object] = {name: frame[name].iloc[i] for name in ("uid", "id.orig_p", "id.resp_p")}
        record |= {name: None if pd.isna(value := frame[name].iloc[i]) else value for name in LABELS}
        record |= {"ts": frame["ts"].iloc[i], "score": scores.score[i], "class_score": scores.class_score[i]}
        record |= {
            "class": CLASSES[scores.class_index[i]],
            "model": MODEL,
            "reasons": explained.of(i) or None,
            "evidence_peers": list(noticed[i].peers) if i in noticed else None,
            "evidence_ports": list(noticed[i].ports) if i in noticed else None,
            "sensor": list(marks.at(i)) or None,
        }
        records.append(record)
    return records


def decoded(record: dict[str, str], fields: Sequence[tuple[str, str]]) -> dict[str, str | list[str] | None]:
    """The values of a line in TSV."""
    return {
        name: decode_set(record[name]) if kind.startswith(("set", "vector")) else decode_tsv(record[name])
        for name, kind in fields
    }


def as_text(value: object) -> str | list[str] | None:
    """Numbers as the logs write them: times and scores with six decimals; lists as they are."""
    if isinstance(value, list):
        return value
    if isinstance(value, float | np.floating):
        return f"{value:.6f}"
    return None if value is None else str(value)


def zeekml_lines(
    frame: pd.DataFrame,
    scores: Scores,
    explained: Explained,
    notices: Sequence[Notice],
    marks: Marks,
    fmt: Format,
) -> str:
    chunks: list[bytes] = []
    log = zeekml_log.ZeekmlLog(lambda data: chunks.append(bytes(data)), fmt, model=MODEL, classes=CLASSES)
    log.write(frame, scores, np.arange(len(frame)), explained, notices, marks)
    assert log.lines == len(frame)
    return b"".join(chunks).decode()


texts = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"]), st.sampled_from('-\\\t\n\r\x1b\x85(empty),#"')
    ),
    max_size=8,
) | st.sampled_from(["-", "(empty)", "", "\\x09"])
connections = st.lists(
    st.fixed_dictionaries(
        {
            "ts": st.integers(-10_000_000, 4_000_000_000_000_000).map(lambda micros: micros / 1e6),
            "uid": texts,
            "id.orig_h": texts,
            "id.resp_h": texts,
            "id.orig_p": st.integers(0, 65535),
            "id.resp_p": st.integers(0, 65535),
            "proto": texts,
            "service": st.none() | texts,
        }
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(connections, st.data())
def test_zeekml_log_survives_whatever_the_texts_are(
    log: list[dict[str, object]], data: st.DataObject
) -> None:
    frame = frame_of(log)
    n = len(log)
    score = np.array(data.draw(st.lists(st.floats(0, 1, width=32), min_size=n, max_size=n)), np.float32)
    scores = Scores(score, np.arange(n) % 3 + 1, score * np.float32(0.5))
    rows = np.array(data.draw(st.lists(st.integers(0, n - 1), unique=True).map(sorted)), dtype=np.int64)
    explained = Explained(rows, data.draw(st.lists(texts, min_size=len(rows), max_size=len(rows))))
    lists = st.lists(texts.filter(bool), max_size=5).map(tuple)
    notices = [
        Notice(
            row, "ZeekML::Botnet_Host", "PortScan", 0.9, 1, 5.0, 60.0, (), data.draw(lists), data.draw(lists)
        )
        for row in data.draw(st.lists(st.integers(0, n - 1), unique=True).map(sorted))
    ]
    codes = data.draw(
        st.lists(st.sampled_from([(), ("gap",), ("bad-checksums", "clock")]), min_size=n, max_size=n)
    )
    marks = Marks(tuple(range(n)), tuple(codes))
    wanted = expected(frame, scores, explained, notices, marks)

    lines = zeekml_lines(frame, scores, explained, notices, marks, "tsv")
    fields = [
        dict(zip(dict(zeekml_log.FIELDS), line.split("\t"), strict=True)) for line in lines.split("\n")[:-1]
    ]
    found = [decoded(record, zeekml_log.FIELDS) for record in fields]
    assert found == [{name: as_text(record[name]) for name, _ in zeekml_log.FIELDS} for record in wanted]

    for line, record in zip(
        zeekml_lines(frame, scores, explained, notices, marks, "json").split("\n"), wanted, strict=False
    ):
        parsed = json.loads(line, parse_float=str)  # every decimal as it stands
        kept = {name: record[name] for name, _ in zeekml_log.FIELDS if record[name] is not None}
        assert list(parsed) == list(kept)
        for name, value in kept.items():
            wanted_text = as_text(value)
            if isinstance(value, list):
                assert parsed[name] == [json_text(text) for text in value]
            else:
                assert str(parsed[name]) == (json_text(value) if isinstance(value, str) else wanted_text)


def test_a_part_of_the_rows_keeps_order_and_reasons() -> None:
    frame, scores = sample()
    chunks: list[bytes] = []
    log = zeekml_log.ZeekmlLog(lambda data: chunks.append(bytes(data)), "json", model=MODEL, classes=CLASSES)
    log.write(frame, scores, np.array([1, 3, 9]), Explained(np.array([0, 3]), ["not this", "this"]))
    log.write(frame, scores, np.array([], dtype=np.int64), Explained(np.array([], dtype=np.int64), []))
    parsed = [json.loads(line) for line in b"".join(chunks).splitlines()]
    assert [(record["uid"], record.get("reasons")) for record in parsed] == [
        ("C2", None),
        ("C4", "this"),
        ("(empty)", None),
    ]


@pytest.mark.parametrize("fmt", ["tsv", "json"])
def test_lines_that_were_rendered_are_marked_afterwards(fmt: Format) -> None:
    frame, scores = sample()
    nothing = Explained(np.array([], dtype=np.int64), [])
    plain, codes = zeekml_lines(frame, scores, nothing, (), Marks((0,), ((),)), fmt), ("gap", "clock")
    chunks: list[bytes] = []
    log = zeekml_log.ZeekmlLog(lambda data: chunks.append(bytes(data)), fmt, model=MODEL, classes=CLASSES)
    log.write_rendered(plain.encode())
    log.write_rendered(plain.encode(), codes)
    marked = zeekml_lines(frame, scores, nothing, (), Marks((0,), (codes,)), fmt)
    assert b"".join(chunks).decode() == plain + marked
    assert log.lines == 2 * len(frame)


def notices_expected() -> list[dict[str, object]]:
    """The fields of notice.log for the sample, but for the two in words."""
    frame, scores = sample()
    notices: list[Notice] = AlertEngine(POLICY, CLASSES).process(frame, scores, "conn").notices
    found = []
    for notice in notices:
        connection = frame.iloc[notice.row]
        record: dict[str, object] = {name: None for name, _ in notice_log.FIELDS}
        record |= {name: connection[name] for name in ("ts", "uid", "proto") if name in record}
        for end in ("orig", "resp"):
            record |= {f"id.{end}_h": connection[f"id.{end}_h"], f"id.{end}_p": connection[f"id.{end}_p"]}
        record |= {
            "src": connection["id.orig_h"],
            "dst": connection["id.resp_h"],
            "p": connection["id.resp_p"],
        }
        record |= {"note": notice.note, "n": notice.n, "peer_descr": "zeekml", "suppress_for": 3600.0}
        record |= {"actions": ["Notice::ACTION_LOG"], "email_dest": []}
        record |= {"evidence_peers": list(notice.peers), "evidence_ports": list(notice.ports)}
        found.append(record)
    return found


def test_notice_log_in_tsv(tmp_path: Path) -> None:
    head, records = read_tsv((written(tmp_path, "tsv") / "notice.log").read_text())
    assert head["fields"].split("\t") == [name for name, _ in notice_log.FIELDS]
    assert head["types"].split("\t") == [kind for _, kind in notice_log.FIELDS]
    wanted = notices_expected()
    assert len(records) == len(wanted) == 6
    for record, want in zip(records, wanted, strict=True):
        for name, kind in notice_log.FIELDS:
            if name in ("msg", "sub"):
                assert str(want["src"]) in record[name] or record[name].startswith("score=")
            elif kind.startswith(("set", "vector")):
                assert decode_set(record[name]) == want[name]
            else:
                assert decode_tsv(record[name]) == as_text(want[name])


def test_notice_log_in_json(tmp_path: Path) -> None:
    lines = (written(tmp_path, "json") / "notice.log").read_text().splitlines()
    for line, want in zip(lines, notices_expected(), strict=True):
        parsed = json.loads(line)
        assert isinstance(parsed["ts"], float)
        words = {"msg": parsed.pop("msg"), "sub": parsed.pop("sub")}
        assert words["sub"].startswith("score=")
        set_ = {name: value for name, value in want.items() if value is not None}
        assert parsed == {name: json_text(v) if isinstance(v, str) else v for name, v in set_.items()}


def zat_frame(path: Path) -> pd.DataFrame:
    frame: pd.DataFrame = LogToDataFrame().create_dataframe(
        str(path), ts_index=False
    )  # pandas 3 warns of ts_index
    return frame


@pytest.mark.parametrize("name", ["zeekml.log", "notice.log"])
def test_zat_reads_the_same_fields(tmp_path: Path, name: str) -> None:
    """Both readers of zat, field by field, against the file's own fields; those are held to the values above."""
    path = written(tmp_path, "tsv") / name
    head, records = read_tsv(path.read_text())
    kinds = dict(zip(head["fields"].split("\t"), head["types"].split("\t"), strict=True))
    frame = zat_frame(path)
    rows = list(ZeekLogReader(str(path)).readrows())
    assert list(frame.columns) == list(kinds)
    assert len(frame) == len(rows) == len(records)
    for i, record in enumerate(records):
        for field, kind in kinds.items():
            mine, in_frame, in_row = record[field], frame[field].iloc[i], rows[i][field]
            if mine == "-":
                assert pd.isna(in_frame), field
            elif kind == "time":
                micros = round(float(mine) * 1e6)
                assert round(in_frame.timestamp() * 1e6) == round(in_row.timestamp() * 1e6) == micros
            elif kind == "interval":
                assert in_frame.total_seconds() == in_row.total_seconds() == float(mine)
            elif kind in ("count", "port", "double"):
                assert in_frame == in_row == float(mine)
            else:
                assert decode_tsv(in_frame) == decode_tsv(in_row) == decode_tsv(mine), field


def test_zat_returns_hostile_texts_whole(tmp_path: Path) -> None:
    frame = zat_frame(written(tmp_path, "tsv") / "zeekml.log")
    original, _ = sample()
    assert [decode_tsv(uid) for uid in frame["uid"]] == original["uid"].tolist()
    services = [None if pd.isna(service) else decode_tsv(service) for service in frame["service"]]
    assert services == [None if pd.isna(service) else service for service in original["service"]]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", (tmp_path / "zeekml.log").read_text())

"""Zeek JSON logs: dotted and nested keys, three forms of time, mixed streams."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records.logs import Result, joined, json_object, ndjson, read_text, tsv
from zeekml.errors import FormatError, MissingColumnError
from zeekml.records import NAMES, Reject, Rejects
from zeekml.records.lines import Block
from zeekml.records.to_pandas import to_frame
from zeekml.records.values import UidMaker
from zeekml.records.zeek_json import ZeekJsonReader


def test_the_same_connections_as_tsv_and_as_json_give_the_same_frame(tmp_path: Path) -> None:
    from_json = read_text(tmp_path, ndjson(json_object(number) for number in range(300))).frame
    pd.testing.assert_frame_equal(from_json, read_text(tmp_path, tsv(300)).frame, check_exact=True)


@pytest.mark.parametrize(
    "ts",
    [
        1700000000.333456,
        "2023-11-14T22:13:20.333456Z",
        "2023-11-15T00:13:20.333456+02:00",
        "2023-11-14T22:13:20.333456",
    ],
)
def test_times_keep_their_microseconds(tmp_path: Path, ts: object) -> None:
    frame = read_text(tmp_path, ndjson([{**json_object(), "ts": ts}] * 3)).frame
    assert frame["ts"].tolist() == [1700000000.333456] * 3


def test_times_in_milliseconds_are_told_by_their_size(tmp_path: Path) -> None:
    frame = read_text(tmp_path, ndjson([{**json_object(), "ts": 1700000000333}] * 3)).frame
    assert frame["ts"].tolist() == [1700000000.333] * 3


def test_nested_ids(tmp_path: Path) -> None:
    flat = json_object()
    nested = {key: value for key, value in flat.items() if not key.startswith("id.")}
    nested["id"] = {key[3:]: value for key, value in flat.items() if key.startswith("id.")}
    frame = read_text(tmp_path, ndjson([nested, flat])).frame
    assert frame["id.resp_h"].tolist() == [flat["id.resp_h"]] * 2


def test_other_logs_in_a_mixed_stream_are_passed_over(tmp_path: Path) -> None:
    dns = {"_path": "dns", "ts": 1.0, "uid": "C", "id.orig_h": "10.0.0.1", "query": "example"}
    content = ndjson([dns, {**json_object(), "_path": "conn"}, {**dns, "_path": "ssl"}])
    result = read_text(tmp_path, content)
    assert (len(result.frame), result.passed_over, result.rejects) == (1, 2, [])


def test_lines_that_are_no_connections_are_rejected(tmp_path: Path) -> None:
    good = orjson.dumps(json_object())
    odd: list[tuple[bytes, str]] = [
        (b'{"ts": 1', "not JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b"7", "not a JSON object"),
        (b"null", "not a JSON object"),
        (good.replace(b'"ssl"', b"7"), "service is not text"),
        (good.replace(b'"tcp"', b'["tcp"]'), "proto is not text"),
        (good.replace(b":443", b":-1"), "id.resp_p is not a port from 0 to 65535"),
        (good.replace(b":443", b":true"), "id.resp_p is not a port from 0 to 65535"),
        (
            good.replace(b'"missed_bytes":0', b'"missed_bytes":true'),
            "missed_bytes is not a number of zero or more",
        ),
        (good.replace(b'"id.resp_h"', b'"x"'), "id.resp_h is unset"),
        (good.replace(b"1600000001.000001", b'"yesterday"'), "ts is not a time from 1970 to 2200"),
    ]
    assert all(line != good for line, _ in odd)
    content = b"".join(good + b"\n" + line + b"\n" for line, _ in odd)
    result = read_text(tmp_path, content)
    assert sorted(result.reasons) == sorted(reason for _, reason in odd)
    assert len(result.frame) == len(odd)


def test_further_keys_are_read_as_labels_when_asked_for(tmp_path: Path) -> None:
    objects = [{**json_object(), "label": "Benign", "vlan": 7, "set": ["a", "b"], "yes": True}, json_object()]
    frame = read_text(tmp_path, ndjson(objects), extra=True).frame
    assert list(frame.columns) == [*NAMES, "label", "vlan", "set", "yes"]
    assert frame[["label", "vlan", "set", "yes"]].astype("str").to_numpy()[0].tolist() == [
        "Benign",
        "7",
        "a,b",
        "T",
    ]
    assert frame[["label", "vlan", "set", "yes"]].isna().to_numpy()[1].all()


def test_a_log_without_a_required_key_is_an_error_that_names_it(tmp_path: Path) -> None:
    result = read_text(tmp_path, ndjson([{"ts": 1.0, "uid": "C", "_path": "weird"}]))
    assert isinstance(result.error, MissingColumnError)
    assert "lacks id.orig_h, id.orig_p" in str(result.error)
    assert "'weird'" in str(result.error)


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"[{}]", b'{\n "ts": 1\n}\n', b"\x7fELF\x02\x01\x00", b"1.0\tC1\t10.0.0.1\n"]
)
def test_what_is_no_log_is_an_error(tmp_path: Path, content: bytes) -> None:
    result = read_text(tmp_path, content)
    assert isinstance(result.error, FormatError)
    assert "conn.log" in str(result.error)


MANY = 20  # objects enough for the fast path

_VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 70_000),
    st.sampled_from(
        [2**53 + 1, 2**63, -1, 80.0, 80.5, 1e308, 1600000000.5, 1600000000123, 7.3e9, 0, 1, -0.0]
    ),
    st.sampled_from(
        [
            "",
            "-",
            "(empty)",
            "TCP",
            "2023-11-14T22:13:20Z",
            "2023-11-14",
            "2023-11-14T22:13:20.5",
            "true",
            "é",
            "a\\b",
        ]
    ),
    st.sampled_from([[], ["a"], {}, {"a": 1}]),
)


def _read_block(data: bytes, *, fast: bool) -> Result:
    rejected: list[Reject] = []
    reader = ZeekJsonReader("x", Rejects(rejected.append), UidMaker("s", data), ("label",), fast=fast)
    (rows,) = reader.read(Block(data, 1, 0))
    rejected.sort(key=lambda reject: reject.line)
    return Result(joined([to_frame(rows.table)]), rows.lines.tolist(), rejected)


@given(
    changes=st.lists(
        st.tuples(st.integers(0, MANY - 1), st.sampled_from((*NAMES, "label")), _VALUE), max_size=3
    )
)
@settings(max_examples=200, deadline=None)
def test_at_once_and_one_by_one_agree(changes: list[tuple[int, str, Any]]) -> None:
    objects = [json_object(number) for number in range(MANY)]
    for number, name, value in changes:
        objects[number][name] = value
    data = ndjson(objects)
    fast, exact = _read_block(data, fast=True), _read_block(data, fast=False)
    assert fast.lines == exact.lines
    assert fast.rejects == exact.rejects
    pd.testing.assert_frame_equal(fast.frame, exact.frame, check_exact=True)


_ISO = st.builds(
    "{}T{}{}{}".format,
    st.sampled_from(
        ["2024-02-29", "2023-02-29", "1970-01-01", "2199-12-31", "2000-12-31", "2023-00-10", "2023-04-31"]
    ),
    st.sampled_from(["00:00:00", "23:59:59", "24:00:00", "12:60:00", "1:02:03", "12-00-00"]),
    st.one_of(st.just(""), st.text("0123456789", max_size=8).map(lambda digits: "." + digits)),
    st.sampled_from(["", "Z", "z", "+0000", "-0130", "+05:30", "-23:59", "+24:00", "+01", " ", "+01:0"]),
)


@given(
    times=st.lists(st.one_of(_ISO, st.floats(0, 2e13), st.integers(0, 10**20)), min_size=1, max_size=MANY),
    numbers=st.lists(
        st.one_of(
            st.floats(0, allow_infinity=False), st.integers(0, 2**70), st.floats(0, 1).map(lambda x: x / 1e4)
        ),
        min_size=1,
        max_size=MANY,
    ),
)
@settings(max_examples=200, deadline=None)
def test_times_and_numbers_come_out_to_the_last_bit(times: list[Any], numbers: list[Any]) -> None:
    objects = [json_object(number) for number in range(2 * MANY)]
    for place, time in enumerate(times):
        objects[place]["ts"] = time
    for place, number in enumerate(numbers):
        objects[MANY + place]["duration"] = number
    data = b"".join(json.dumps(one).encode() + b"\n" for one in objects)
    fast, exact = _read_block(data, fast=True), _read_block(data, fast=False)
    assert (fast.lines, fast.rejects) == (exact.lines, exact.rejects)
    pd.testing.assert_frame_equal(fast.frame, exact.frame, check_exact=True)

r"""Zeek TSV logs with every quirk that real ones have."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.records.logs import FIELDS, Result, connection, header, joined, line, read_text, tsv
from zeekml.errors import FormatError, MissingColumnError
from zeekml.records import COLUMNS, NAMES, Reject, Rejects
from zeekml.records.kernels.ends import WINDOW
from zeekml.records.lines import Block
from zeekml.records.to_pandas import to_frame
from zeekml.records.values import UidMaker
from zeekml.records.zeek_tsv import ZeekTsvReader

MANY = 400  # lines enough for the fast path


def test_the_frame_has_the_columns_and_dtypes_that_are_promised(tmp_path: Path) -> None:
    frame = read_text(tmp_path, tsv(MANY)).frame
    assert tuple(frame.columns) == NAMES
    assert frame["ts"].dtype == np.float64
    assert frame["ts"].iloc[7] == 1_600_000_007.000007
    assert frame["id.orig_p"].dtype == np.int32
    assert frame["duration"].dtype == np.float64
    assert frame["local_orig"].dtype == pd.BooleanDtype()
    assert frame["uid"].dtype == pd.StringDtype("pyarrow", na_value=np.nan)


def test_labels_are_categories_used_in_the_batch_only(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    path.write_text(tsv(MANY))
    from zeekml.records import LogFile, read_batches

    batches = list(read_batches(LogFile(path, "x"), "s", rejects=Rejects(), batch_rows=2))
    assert len(batches) == MANY // 2
    for batch in batches:
        for column in COLUMNS:
            if column.kind == "label":
                labels = batch.frame[column.name]
                assert set(labels.cat.categories) == set(labels.dropna())
                assert labels.cat.categories.dtype == "str"


def test_unset_is_missing_and_never_zero(tmp_path: Path) -> None:
    names = [column.name for column in COLUMNS if not column.required or column.name == "conn_state"]
    frame = read_text(tmp_path, header() + line(dict.fromkeys(names, "-")) * MANY).frame
    for name in names:
        if name == "uid":
            assert frame[name].str.startswith("Z").all()
            assert frame[name].is_unique
        else:
            assert frame[name].isna().all(), name


@pytest.mark.parametrize("count", [1, MANY])
def test_carriage_returns_at_line_ends_are_no_part_of_the_last_column(tmp_path: Path, count: int) -> None:
    names = (*FIELDS[:-1], "label")
    content = (header(names) + line({"label": "Benign"}, names) * count).replace("\n", "\r\n")
    result = read_text(tmp_path, content, extra=True)
    assert result.frame["label"].tolist() == ["Benign"] * count
    assert not result.rejects


@pytest.mark.parametrize("count", [1, MANY])
@pytest.mark.parametrize("extra", [False, True])
def test_last_columns_joined_by_three_spaces(tmp_path: Path, count: int, extra: bool) -> None:
    names = (*NAMES, "tunnel_parents   label   detailed-label")
    good = line({names[-1]: "(empty)   Malicious   C&C-FileDownload"}, names)
    short = line({names[-1]: "-   Benign"}, names)
    apart = good.replace("   ", "\t")
    result = read_text(tmp_path, header(names) + good * count + short + apart, extra=extra)
    assert len(result.frame) == count + 1
    assert [reject.line for reject in result.rejects] == [9 + count]
    assert result.reasons == ["too few columns"]
    if extra:
        assert set(result.frame["label"]) == {"Malicious"}
        assert set(result.frame["detailed-label"]) == {"C&C-FileDownload"}
        assert set(result.frame["tunnel_parents"]) == {""}


def test_further_and_missing_columns_are_found_by_name(tmp_path: Path) -> None:
    names = (
        "_node_name",
        *(name for name in NAMES if name != "local_resp"),
        "ip_proto",
        "id.ctx.vlan",
        "label",
    )
    text = header(names) + line({"_node_name": "worker-1", "ip_proto": "6", "label": "Benign"}, names) * MANY
    result = read_text(tmp_path, text, extra=True)
    assert result.frame["ts"].iloc[0] == 1_600_000_001.000001
    assert result.frame["local_resp"].isna().all()
    assert list(result.frame.columns)[len(NAMES) :] == ["_node_name", "ip_proto", "id.ctx.vlan", "label"]
    assert not result.rejects


def test_custom_separator_and_marks(tmp_path: Path) -> None:
    for separator in ("|", ",", "\x01", "||"):
        values = {**connection(1), "service": "NULL", "history": "EMPTY", "duration": "NULL"}
        text = header(separator=separator, empty="EMPTY", unset="NULL")
        text += (
            line(
                {key: "NULL" if value == "-" else value for key, value in values.items()}, separator=separator
            )
            * MANY
        )
        result = read_text(tmp_path, text)
        assert len(result.frame) == MANY
        assert result.frame["service"].isna().all()
        assert result.frame["duration"].isna().all()
        assert (result.frame["history"] == "").all()


def test_a_header_in_mid_file_changes_columns_and_separator(tmp_path: Path) -> None:
    turned = tuple(reversed(FIELDS))
    text = tsv(MANY) + header(turned, separator="|") + line(names=turned, separator="|") * MANY + tsv(3)
    result = read_text(tmp_path, text)
    assert len(result.frame) == 2 * MANY + 3
    assert not result.rejects
    assert result.frame["ts"].iloc[MANY] == 1_600_000_001.000001
    assert result.lines[MANY] == 8 + MANY + 1 + 8 + 1


def test_lines_under_the_header_of_another_log_are_rejected(tmp_path: Path) -> None:
    result = read_text(tmp_path, tsv(2) + header(("ts", "uid", "query")) + "1.0\tC1\texample\n" + tsv(2))
    assert len(result.frame) == 4
    assert result.reasons == ["the header above lacks id.orig_h"]


def test_a_last_line_without_newline_is_read_if_whole(tmp_path: Path) -> None:
    whole = read_text(tmp_path, (header() + line() * 2).removesuffix("\n"))
    assert len(whole.frame) == 2
    half = read_text(tmp_path, (header() + line() * 2)[:-40])
    assert len(half.frame) == 1
    assert half.reasons == ["too few columns"]


def test_nul_bytes_left_by_a_truncation(tmp_path: Path) -> None:
    headerless = read_text(tmp_path, b"\0" * 5000 + line().encode() * 3)
    assert isinstance(headerless.error, FormatError)
    later = read_text(tmp_path, b"\0" * 5_000_000 + line().encode() * 3 + tsv(2).encode())
    assert len(later.frame) == 2
    assert later.reasons == ["no #fields header above"] * 3
    within = read_text(
        tmp_path, header().encode() + b"\0" * 10 + line().encode() + line().encode().replace(b"dns", b"\0")
    )
    assert len(within.frame) == 2
    inside = read_text(tmp_path, header().encode() + line({"service": "a\0b"}).encode())
    assert inside.reasons == ["NUL byte in the line"]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("ts", "-", "ts is unset"),
        ("ts", "nan", "ts is not a time from 1970 to 2200"),
        ("ts", "1600000000123", "ts is not a time from 1970 to 2200"),
        ("ts", "-1", "ts is not a time from 1970 to 2200"),
        ("id.orig_h", "-", "id.orig_h is unset"),
        ("id.resp_h", "(empty)", "id.resp_h is unset"),
        ("id.orig_h", "", "id.orig_h is unset"),
        ("id.orig_p", "65536", "id.orig_p is not a port from 0 to 65535"),
        ("id.orig_p", "0x50", "id.orig_p is not a port from 0 to 65535"),
        ("id.resp_p", "80.5", "id.resp_p is not a port from 0 to 65535"),
        ("id.resp_p", "-1", "id.resp_p is not a port from 0 to 65535"),
        ("proto", "-", "proto is unset"),
        ("orig_bytes", "-5", "orig_bytes is not a number of zero or more"),
        ("orig_bytes", "inf", "orig_bytes is not a number of zero or more"),
        ("resp_bytes", "1e999", "resp_bytes is not a number of zero or more"),
        ("duration", "abc", "duration is not a number of zero or more"),
        ("local_orig", "true", "local_orig is not a truth value"),
    ],
)
def test_values_that_cannot_be_are_rejected_with_the_field(
    tmp_path: Path, field: str, value: str, reason: str
) -> None:
    good = [line(connection(number)) for number in range(MANY)]
    broken = line({field: value})
    for text in (header() + broken, header() + "".join(good[:200]) + broken + "".join(good[200:])):
        result = read_text(tmp_path, text)
        assert result.reasons == [reason]
        assert len(result.frame) == text.count("\n") - 9
        assert value in result.rejects[0].text or value == ""
        assert result.rejects[0].line not in result.lines


def test_an_unset_conn_state_is_missing(tmp_path: Path) -> None:
    result = read_text(tmp_path, header() + line({"conn_state": "-"}) * MANY)
    assert result.frame["conn_state"].isna().all()
    assert len(result.frame) == MANY


def test_protocols_are_in_lower_case(tmp_path: Path) -> None:
    for count in (1, MANY):
        assert set(read_text(tmp_path, header() + line({"proto": "TCP"}) * count).frame["proto"]) == {"tcp"}


def test_a_missing_required_column_is_named(tmp_path: Path) -> None:
    result = read_text(tmp_path, header([name for name in FIELDS if name != "conn_state"]))
    assert isinstance(result.error, MissingColumnError)
    assert "lacks conn_state" in str(result.error)
    assert "line 7" in str(result.error)


def test_a_log_of_header_alone_has_no_connections(tmp_path: Path) -> None:
    result = read_text(tmp_path, header())
    assert (len(result.frame), result.batches, result.error) == (0, 0, None)


def test_the_path_does_not_decide(tmp_path: Path) -> None:
    assert len(read_text(tmp_path, tsv(3).replace("#path\tconn", "#path\tweird")).frame) == 3


def test_made_up_uids_depend_on_stream_file_and_offset_alone() -> None:
    names = tuple(name for name in FIELDS if name != "uid")
    content = "".join(line(connection(number), names) for number in range(MANY)).encode()
    start = header(names).encode()

    def uids(stream: str, *, fast: bool = True, cut: int | None = None) -> list[str]:
        cut = len(content) if cut is None else content.index(b"\n", cut) + 1
        blocks = [Block(start + content[:cut], 1, 0)]
        if content[cut:]:
            blocks.append(Block(content[cut:], 9 + content[:cut].count(b"\n"), len(start) + cut))
        reader = ZeekTsvReader("x", Rejects(), UidMaker(stream, start), extra=False, fast=fast)
        frames = [to_frame(rows.table) for block in blocks for rows in reader.read(block)]
        return list(joined(frames)["uid"])

    assert len(set(uids("a"))) == MANY
    assert uids("a") == uids("a", fast=False) == uids("a", cut=9000)
    assert not set(uids("a")) & set(uids("b"))
    assert all(len(uid) == 18 and uid.isalnum() for uid in uids("a"))


# What the fast path and the exact path might see differently: numbers in odd spellings, marks, escapes, blanks.
_ODD_NUMBERS = (
    "nan inf -0 +1 007 0x10 1_0 1e3 .5 5. 1e999 -1 1.5 65535 65536 1600000000.123456 7258118400 7258118401"
)
_ODD_WORDS = r'- (empty) T F t TRUE NA null ICMP #x \x09 \x2d \\ \x5cx41 \xff é "a"'
_ODD_BLANKS = ("", " 7", "7 ", "a b", "   ", "a   b", "\ufeff", "\r", "\u2028", "\x0b")
_ODD = st.sampled_from((*_ODD_NUMBERS.split(), *_ODD_WORDS.split(), *_ODD_BLANKS))
_DIGITS = st.text("0123456789", max_size=20)
_NUMBER = st.builds(
    lambda whole, point, part: whole + point + part, _DIGITS, st.sampled_from(("", ".")), _DIGITS
)
_FIELD = st.one_of(
    _NUMBER, _ODD, st.text(st.characters(exclude_characters="\n\t", exclude_categories=["Cs"]), max_size=6)
)
_CHANGE = st.tuples(st.integers(0, MANY - 1), st.sampled_from(FIELDS), _FIELD)


def _read_block(data: bytes, *, fast: bool) -> Result:
    rejected: list[Reject] = []
    rejects = Rejects(rejected.append)
    reader = ZeekTsvReader("x", rejects, UidMaker("s", data), extra=True, fast=fast)
    frames: list[pd.DataFrame] = []
    lines: list[int] = []
    for rows in reader.read(Block(data, 1, 0)):
        if len(rows.lines):
            frames.append(to_frame(rows.table))
            lines += rows.lines.tolist()
    rejected.sort(key=lambda reject: reject.line)
    return Result(joined(frames), lines, rejected, rejects.passed_over)


@given(
    changes=st.lists(_CHANGE, max_size=6),
    odd_lines=st.lists(
        st.tuples(
            st.integers(0, MANY),
            st.sampled_from(
                ["\n", "a\tb\n", "\r\n", "#close\n", "\0\n", "\0#open\tx\n", "#\n", "#unset_field\tF\n"]
            ),
        ),
        max_size=2,
    ),
    joined_labels=st.booleans(),
    ending=st.sampled_from(["\n", "\r\n", ""]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_fast_path_and_the_exact_path_agree(
    changes: list[tuple[int, str, str]],
    odd_lines: list[tuple[int, str]],
    joined_labels: bool,
    ending: str,
) -> None:
    names = (*FIELDS[:-1], "tunnel_parents   label") if joined_labels else FIELDS
    rows = [{**connection(number), "tunnel_parents   label": "-   Benign"} for number in range(MANY)]
    for number, name, value in changes:
        rows[number][names[-1] if joined_labels and name == "tunnel_parents" else name] = value
    lines = [line(row, names) for row in rows]
    for place, text in odd_lines:
        lines.insert(place, text)
    data = (header(names) + "".join(lines)).encode().replace(b"\n", (ending or "\n").encode())
    data = data if ending else data.rstrip(b"\n")
    fast, exact = _read_block(data, fast=True), _read_block(data, fast=False)
    assert fast.lines == exact.lines
    assert fast.rejects == exact.rejects
    assert fast.passed_over == exact.passed_over
    pd.testing.assert_frame_equal(fast.frame, exact.frame, check_exact=True)


@pytest.mark.parametrize("seed", range(6))
def test_lines_of_any_length_are_read_as_the_exact_path_reads_them(seed: int) -> None:
    """Across what is looked through at once: short and long lines, and every byte in every kind of column."""
    generator = random.Random(seed)  # noqa: S311  (a seed, not a secret)
    odd = [b"#x\n", b"\n", b"\0\n", b"a\tb\n", b"\r\n", b"\0" * 9 + b"#close\n", b"-\t" * 20 + b"-\n"]
    lines = []
    for number in range(1500):
        row = connection(number)
        if generator.random() < 0.1:
            row["tunnel_parents"] = "é\\x41"[number % 3 :] * generator.choice([1, 30, WINDOW // 4, WINDOW])
        raw = line(row).encode()
        if generator.random() < 0.2:
            place = generator.randrange(len(raw) - 1)
            raw = raw[:place] + bytes([generator.randrange(256)]) + raw[place + generator.randrange(2) :]
        lines.append(raw)
        if generator.random() < 0.01:
            lines.append(generator.choice(odd))
    data = header().encode() + b"".join(lines)
    data = data if seed % 2 else data.rstrip(b"\n")
    fast, exact = _read_block(data, fast=True), _read_block(data, fast=False)
    assert fast.lines == exact.lines
    assert fast.rejects == exact.rejects
    assert fast.passed_over == exact.passed_over
    assert len(fast.lines) > 500
    pd.testing.assert_frame_equal(fast.frame, exact.frame, check_exact=True)


def test_numbers_come_out_to_the_last_bit() -> None:
    generator = random.Random(5)  # noqa: S311  (a seed, not a secret)

    def digits(most: int) -> str:
        return "".join(generator.choices("0123456789", k=generator.randint(0, most)))

    rows = []
    for number in range(20_000):
        duration = f"{digits(12)}.{digits(12)}" if number % 2 else digits(20) + generator.choice(["", "."])
        ts = f"{generator.randint(0, 7_258_118_400)}.{digits(9)}"
        rows.append({**connection(number), "duration": duration, "ts": ts, "orig_bytes": digits(17)})
    data = (header() + "".join(line(row) for row in rows)).encode()
    fast, exact = _read_block(data, fast=True), _read_block(data, fast=False)
    assert fast.rejects == exact.rejects
    assert len(exact.lines) > 15_000
    pd.testing.assert_frame_equal(fast.frame, exact.frame, check_exact=True)


def test_many_different_labels_keep_apart() -> None:
    """Of all lengths, about each word's end, alike but for one byte, and the same ones again."""
    texts = ["x" * length + last for length in range(1, 70) for last in "abcABC"]
    rows = [
        {"history": text, "id.orig_h": text, "service": texts[-place % len(texts)]}
        for place, text in enumerate(texts * 3)
    ]
    data = (header() + "".join(map(line, rows))).encode()
    fast, exact = _read_block(data, fast=True), _read_block(data, fast=False)
    pd.testing.assert_frame_equal(fast.frame, exact.frame)
    assert fast.frame["history"].tolist() == texts * 3


@pytest.mark.parametrize("unset", ["-", "0", "1.", ".5", "T", "", "(nothing at all)", "NULL", "\x01"])
@pytest.mark.parametrize("empty", ["(empty)", "-", "T", "443", "(nothing to be seen)"])
def test_any_marks_are_read_as_the_exact_path_reads_them(unset: str, empty: str) -> None:
    odd = [
        "",
        "-",
        "0",
        "1.",
        ".5",
        "T",
        "F",
        "NULL",
        "(empty)",
        "443",
        "(nothing at all)",
        "(nothing to be seen)",
    ]
    rows = [
        {name: text}
        for name in ("duration", "local_orig", "service", "uid", "proto", "id.resp_p")
        for text in odd
    ]
    data = (header(empty=empty, unset=unset) + "".join(map(line, rows))).encode()
    fast, exact = _read_block(data, fast=True), _read_block(data, fast=False)
    assert (fast.lines, fast.rejects) == (exact.lines, exact.rejects)
    if exact.lines:
        pd.testing.assert_frame_equal(fast.frame, exact.frame)

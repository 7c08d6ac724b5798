"""Escapes: Zeek's own table, and no text is lost or changes its line."""

from __future__ import annotations

import json
import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.sinks.zeek_escapes import decode_set, decode_tsv, json_text
from zeekml.sinks.escapes import JSON_SPECIAL, TSV_SPECIAL, escape_tsv, quote_json
from zeekml.sinks.zeek_log import record

AS_ZEEK_DOES = [
    ("a\tb\nc\rd", r"a\x09b\x0ac\x0dd", r'"a\tb\nc\rd"'),
    ("\\", r"\\", r'"\\"'),
    ("a,b", "a,b", '"a,b"'),
    ("naïve 漢", "naïve 漢", '"naïve 漢"'),
    ("é\udcff", r"\xc3\xa9\xff", r'"\\xc3\\xa9\\xff"'),
    ("\x00\x1b\x7f\x85", r"\x00\x1b\x7f\xc2\x85", r'"\\x00\\x1b\\x7f\\xc2\\x85"'),
    ("-", r"\x2d", '"-"'),
    ("(empty)", r"\x28empty)", '"(empty)"'),
    ("", "(empty)", '""'),
    ("--", "--", '"--"'),
    ("#x", "#x", '"#x"'),
]

# Text, and text in which some bytes are no UTF-8, with what is special well represented.
texts = st.one_of(
    st.text(),
    st.text(alphabet="-\\x09(empty),#\t\n\r\x1b\x00é\x85\x7f\"'"),
    st.sampled_from(["-", "(empty)", "", r"\x2d", "\\"]),
    st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")),
)


@pytest.mark.parametrize(("value", "tsv", "quoted"), AS_ZEEK_DOES)
def test_values_are_written_as_zeek_writes_them(value: str, tsv: str, quoted: str) -> None:
    assert escape_tsv(value) == tsv
    assert quote_json(value) == quoted


def test_commas_are_escaped_in_sets_and_hashes_at_the_start_of_a_line() -> None:
    assert escape_tsv("a,b", in_set=True) == r"a\x2cb"
    assert escape_tsv("#a#", starts_line=True) == r"\x23a#"
    fields = (("first", "string"), ("second", "set[string]"), ("third", "set[string]"), ("fourth", "string"))
    values = ("#1", ("a,b", "c"), (), None)
    assert record(fields, values, "tsv") == "\\x231\ta\\x2cb,c\t(empty)\t-\n"
    assert record(fields, values, "json") == '{"first":"#1","second":["a,b","c"],"third":[]}\n'


@given(texts)
@example("\ud800")
def test_tsv_loses_nothing_and_stays_on_its_line(value: str) -> None:
    field = escape_tsv(value, starts_line=True)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", field)
    assert not field.startswith("#")
    if not re.search(r"[\ud800-\udbff]", value):  # a half that stands for no byte becomes its three bytes
        assert decode_tsv(field) == value


@given(st.lists(texts.filter(bool), max_size=4).map(tuple))
def test_sets_lose_nothing(values: tuple[str, ...]) -> None:
    field = record((("x", "string"), ("s", "set[string]")), ("x", values), "tsv").rstrip("\n").split("\t")[1]
    decoded = decode_set(field)
    if not any(re.search(r"[\ud800-\udbff]", value) for value in values):
        assert decoded == list(values)


@given(texts.filter(lambda value: not re.search(r"[\ud800-\udbff]", value)))
def test_json_is_read_by_any_parser(value: str) -> None:
    quoted = quote_json(value)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", quoted)
    assert json.loads(quoted) == json_text(value)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
@example("-")
@example("(empty)")
@example("")
@example("\x85")
def test_what_the_fast_way_leaves_alone_needs_no_escape(value: str) -> None:
    """The patterns that pick values for the slow way miss none."""
    array = pa.array([value])
    assert pc.match_substring_regex(array, TSV_SPECIAL)[0].as_py() == (escape_tsv(value) != value)
    assert pc.match_substring_regex(array, JSON_SPECIAL)[0].as_py() == (quote_json(value) != f'"{value}"')

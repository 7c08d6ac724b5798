"""What is said of content that is no log, and of formats in one file."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.records.logs import FLOW, json_object, ndjson, read_text, tsv
from zeekml.errors import FormatError
from zeekml.records.sniff import sniff


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_binary_however_short_their_first_line(seed: int) -> None:
    content = b"ab\n" + random.Random(seed).randbytes(4096)  # noqa: S311  (a seed, not a secret)
    with pytest.raises(FormatError, match=r"^x: binary content; expected Zeek TSV"):
        sniff(content, "x")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("naïve 漢\r\n\x0bwords\n", "no header and no JSON object"),
        ("a\tb\n", "tab-separated lines"),
        ("[1,\n2]\n", "a JSON array"),
    ],
)
def test_text_is_not_binary(content: str, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        sniff(content.encode(), "x")


def test_lines_of_another_format_are_rejected_one_by_one(tmp_path: Path) -> None:
    objects = ndjson([json_object(1), json_object(2)])
    for content in (tsv(3).encode() + objects, objects + tsv(3).encode()):
        result = read_text(tmp_path, content)
        assert (len(result.frame), len(result.rejects)) == (3, 2)
    result = read_text(tmp_path, objects + ndjson([FLOW]))
    assert (len(result.frame), len(result.rejects)) == (2, 1)

"""Hashes and kinds of texts by the kernels, against pandas and the standard library's regular expressions."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from zeekml.arrow import of_texts
from zeekml.table import Texts
from zeekml.text_kernels import GROUP, PRIVATE

#: As text tells them: the same ranges, written as patterns.
_PRIVATE = re.compile(
    r"^(?:::[fF]{4}:)?(?:(?:10|127)(?:\.[0-9]{1,3}){3}"
    r"|(?:192\.168|169\.254|172\.(?:1[6-9]|2[0-9]|3[01]))(?:\.[0-9]{1,3}){2})\Z"
    r"|^[fF](?:[cCdD][0-9a-fA-F]{2}|[eE][89abAB][0-9a-fA-F]):"
    r"|^::1\Z"
)
_GROUP = re.compile(r"^(?:22[4-9]|23[0-9])\.|^[fF]{2}[0-9a-fA-F]{2}:|\.255\Z")

_BEGINNINGS = (
    "", "10.", "127.", "192.168.", "169.254.", "172.16.", "172.31.", "172.3", "224.", "239.", "ff0", "FF", "fc00",
    "fd1", "fe8", "feb", "::ffff:10.", "::FFFF:192.168.", "::1", "::",
)  # fmt: skip
_texts = st.lists(
    st.builds(
        lambda begin, rest, end: begin + rest + end,
        st.sampled_from(_BEGINNINGS),
        st.text("0123456789abcdefF:.-% \n\0é", max_size=12),
        st.sampled_from(("", ".255", ":255", ".1.1")),
    ),
    max_size=30,
)


@given(_texts)
def test_hashes_are_those_of_pandas(texts: list[str]) -> None:
    expected = pd.util.hash_array(np.array(texts, dtype=object), categorize=False)
    np.testing.assert_array_equal(Texts.of(texts).hashes, expected)


def test_hashes_are_the_same_in_every_process() -> None:
    strings = Texts.of(["192.168.1.10", "2001:db8::1", "é"])
    assert [hex(h) for h in strings.hashes] == [
        "0x8ec9e3326cb88b1f",
        "0xe5686152ee4c859b",
        "0xeaa82851ccf8e8e7",
    ]


@given(_texts)
def test_kinds_are_what_the_patterns_say(texts: list[str]) -> None:
    given_texts = [text for text in texts if len(text) > 5]  # of shorter ones but ::1 none is an address
    kinds = Texts.of(given_texts).kinds
    assert [bool(kind & PRIVATE) for kind in kinds] == [bool(_PRIVATE.search(text)) for text in given_texts]
    assert [bool(kind & GROUP) for kind in kinds] == [bool(_GROUP.search(text)) for text in given_texts]


def test_short_and_missing_ones() -> None:
    texts = Texts(of_texts(["::1", "", "ff", ".255", "10", None, "224"]))
    assert (texts.kinds & PRIVATE).tolist() == [1, 0, 0, 0, 0, 0, 0]
    assert Texts.of([]).kinds.tolist() == []


def test_a_part_of_a_larger_array() -> None:
    texts = of_texts(["x", "10.0.0.1", "8.8.8.8", "ff02::1"])
    assert Texts(texts[1:]).kinds.tolist() == [PRIVATE, 0, GROUP]
    np.testing.assert_array_equal(Texts(texts[2:]).hashes, Texts(texts).hashes[2:])

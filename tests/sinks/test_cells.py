"""Cells come out as one value after the other would, whatever the values hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeekml.sinks.cells import Cells
from zeekml.sinks.escapes import Format, escape_tsv, quote_json
from zeekml.table import Labels, Texts

FORMATS: tuple[Format, ...] = ("tsv", "json")
TEXTS = st.lists(
    st.sampled_from(["", "-", "(empty)", "plain", "-x", '"', "\\", "\t", "\x7f", "é", "\x85", "\udcff"])
    | st.text(max_size=6),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("fmt", FORMATS)
@given(texts=TEXTS)
def test_texts_are_written_as_one_by_one(fmt: Format, texts: list[str]) -> None:
    cells = Cells(fmt)
    numbers = cells.whole("n", np.arange(len(texts)))
    lines = bytes(cells.lines([numbers, cells.text("t", texts)])).decode("utf-8", "surrogatepass")
    expected = [
        f'{{"n":{i},"t":{quote_json(text)}}}' if fmt == "json" else f"{i}\t{escape_tsv(text)}"
        for i, text in enumerate(texts)
    ]
    assert lines == "".join(line + "\n" for line in expected)


@pytest.mark.parametrize("fmt", FORMATS)
@given(
    values=st.lists(st.floats(-9e12, 9e12) | st.sampled_from([0.0, -0.0, 1e-6, -1e-6, 4e-7]), max_size=8),
    whole=st.integers(-(2**63) + 1, 2**63 - 1),
)
def test_numbers_are_written_as_one_by_one(fmt: Format, values: list[float], whole: int) -> None:
    cells = Cells(fmt)
    written = bytes(
        cells.lines(
            [
                cells.decimal("d", np.array(values, dtype=np.float64)),
                cells.whole("w", np.full(len(values), whole)),
                cells.constant("c", "same"),
            ]
        )
    ).decode()
    micro = [int(np.rint(value * 1e6)) for value in values]
    texts = [f"{'-' * (each < 0)}{abs(each) // 10**6}.{abs(each) % 10**6:06d}" for each in micro]
    line = '{{"d":{},"w":{},"c":"same"}}\n' if fmt == "json" else "{}\t{}\tsame\n"
    assert written == "".join(line.format(text, whole) for text in texts)


@given(codes=st.lists(st.integers(-1, 99), min_size=1, max_size=30), count=st.sampled_from([3, 100]))
def test_labels_of_some_rows_are_theirs(codes: list[int], count: int) -> None:
    names = [f"10.0.0.{i}" for i in range(count)]
    held = np.array([code if code < count else -1 for code in codes])
    labels = Labels(held.astype(np.int32), Texts.of(names))
    rows = np.arange(0, len(codes), 2)
    cells = Cells("tsv")
    lines = bytes(cells.lines([cells.whole("n", rows), cells.labels("a", labels[rows])])).decode()
    told = [names[held[row]] if held[row] >= 0 else "-" for row in rows.tolist()]
    assert lines == "".join(f"{row}\t{name}\n" for row, name in zip(rows.tolist(), told, strict=True))

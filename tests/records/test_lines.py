"""Blocks of whole lines, whatever way the pieces were cut."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records.logs import header, line, read_text
from zeekml.records.lines import MAX_LINE, line_blocks


@given(
    lines=st.lists(st.binary(max_size=8).map(lambda raw: raw.replace(b"\n", b"")), max_size=12),
    wanted=st.none() | st.integers(1, 5),
    data=st.data(),
)
def test_lines_numbers_and_offsets_do_not_depend_on_the_pieces(
    lines: list[bytes], wanted: int | None, data: st.DataObject
) -> None:
    content = b"\n".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=4)))
    pieces = [content[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    counts: list[int] = []
    found: list[tuple[int, int, bytes]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zeekml.records.lines._TELLING", 1)
        for block in line_blocks(iter(pieces), _never, None if wanted is None else lambda: wanted):
            counts.append(bytes(block.data).count(b"\n"))
            found += block.lines()
    if wanted is not None:
        assert set(counts[1:-2]) <= {wanted}, "all but the first, with header lines, and the last"
    skipped = len(content) - len(content.lstrip(b"\0"))
    rest = content[skipped:].removeprefix(b"\xef\xbb\xbf")
    expected = rest.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert [text for _, _, text in found] == expected
    assert [number for number, _, _ in found] == list(range(1, len(expected) + 1))
    assert all(content[offset : offset + len(text)] == text for _, offset, text in found)


def test_header_lines_are_not_counted_in_the_first_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeekml.records.lines._TELLING", 1)
    content = b"#a\n#b\n" + b"c\n" * 5 + b"#d\n" * 3
    blocks = [bytes(block.data) for block in line_blocks(iter([content[:4], content[4:]]), _never, lambda: 3)]
    assert blocks == [b"#a\n#b\n" + b"c\n" * 3, b"c\n" * 2 + b"#d\n", b"#d\n" * 2]


def test_a_block_is_good_until_the_next_is_asked_for() -> None:
    blocks = line_blocks(iter([b"one\n", b"two\n"]), _never)
    first = next(blocks)
    assert bytes(first.data) == b"one\n"
    next(blocks)
    with pytest.raises(ValueError, match="released"):
        bytes(first.data)


def test_lines_beyond_the_bound_are_rejected(tmp_path: Path) -> None:
    long = b"x" * (MAX_LINE + 1) + b"\n"
    good = line().encode()
    result = read_text(
        tmp_path, header().encode() + good + long + good + long * 6 + good + b"y" * (9 * MAX_LINE)
    )
    assert result.lines == [9, 11, 18]
    assert [reject.line for reject in result.rejects] == [10, 12, 13, 14, 15, 16, 17, 19]
    assert set(result.reasons) == {f"longer than {MAX_LINE} bytes"}
    assert all(len(reject.text) < 1000 for reject in result.rejects)


def test_an_endless_line_does_not_fill_the_memory() -> None:
    piece = b"x" * (1 << 20)
    long: list[int] = []
    tracemalloc.start()
    try:
        blocks = list(line_blocks((piece for _ in range(200)), lambda number, _start: long.append(number)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (blocks, long) == ([], [1])
    assert peak < 16 << 20


def _never(number: int, start: bytes) -> None:
    raise AssertionError("no line is too long")


def test_a_file_of_nothing_but_header_lines_takes_little_memory() -> None:
    content = b"#\n" * 500_000
    pieces = [content[at : at + 65_536] for at in range(0, len(content), 65_536)]
    tracemalloc.start()
    try:
        lines = sum(bytes(block.data).count(b"\n") for block in line_blocks(iter(pieces), _never, lambda: 5))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert lines == 500_000
    assert peak < 8 << 20


def test_the_first_block_is_enough_to_tell_the_format_by() -> None:
    content = header().encode() + line().encode() * 150
    first, second, *_ = (bytes(block.data) for block in line_blocks(iter([content]), _never, lambda: 1))
    assert first.count(line().encode()) == 100
    assert second == line().encode()

"""Compressed logs: told by content, several members, cut short, damaged."""

from __future__ import annotations

import gzip
import io
import random
import tracemalloc
import zlib
from pathlib import Path

import pytest
import zstandard
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.records.logs import gzipped, header, line, read_text, tsv
from zeekml.errors import FormatError, TruncatedError
from zeekml.records.compression import content


def zstd(text: str | bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(text.encode() if isinstance(text, str) else text)


@pytest.mark.parametrize(
    "raw",
    [
        tsv(50).encode(),
        gzipped(tsv(50)),
        gzipped(tsv(50)[:1500]) + gzipped(tsv(50)[1500:]),
        gzipped(tsv(50)) + b"\0" * 512,
        gzipped("") + gzipped(tsv(50)),
        zstd(tsv(50)),
        zstd(tsv(50)[:1500]) + zstd(tsv(50)[1500:]),
        b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + zstd(tsv(50)),
    ],
    ids=[
        "plain",
        "gzip",
        "two members",
        "zero padding",
        "empty member",
        "zstd",
        "two frames",
        "skippable frame",
    ],
)
def test_content_decides_and_not_the_name(tmp_path: Path, raw: bytes) -> None:
    result = read_text(tmp_path, raw)
    assert result.error is None
    assert len(result.frame) == 50


@pytest.mark.parametrize("compress", [gzipped, zstd])
def test_a_stream_cut_short_gives_its_whole_lines_and_an_error(tmp_path: Path, compress: object) -> None:
    assert callable(compress)
    generator = random.Random(1)  # noqa: S311  (test data)
    lines = [line({"uid": f"C{generator.getrandbits(90):017x}"}) for _ in range(20_000)]
    raw: bytes = compress(header() + "".join(lines))
    result = read_text(tmp_path, raw[: len(raw) // 2])
    assert isinstance(result.error, TruncatedError)
    assert "ends before its end mark" in str(result.error)
    assert 5_000 < len(result.frame) < 15_000
    assert not result.rejects
    only_the_end_mark = read_text(tmp_path, raw[:-2])
    assert isinstance(only_the_end_mark.error, TruncatedError)


@pytest.mark.parametrize("batch_rows", [1_000, 65_536])
def test_a_stream_cut_short_gives_what_waited_for_a_batch_to_be_full(tmp_path: Path, batch_rows: int) -> None:
    raw = gzipped(header() + "".join(line({"uid": f"C{number:017}"}) for number in range(90_000)))
    raw = raw[: len(raw) * 9 // 10]
    whole = zlib.decompressobj(wbits=31).decompress(raw).count(b"\n") - header().count("\n")
    result = read_text(tmp_path, raw, batch_rows=batch_rows)
    assert isinstance(result.error, TruncatedError)
    assert len(result.frame) == whole > 70_000


def test_a_damaged_gzip_gives_what_came_before(tmp_path: Path) -> None:
    generator = random.Random(2)  # noqa: S311  (test data)
    text = header() + "".join(line({"uid": f"C{generator.getrandbits(90):017x}"}) for _ in range(20_000))
    raw = bytearray(gzipped(text))
    raw[len(raw) // 2 :] = generator.randbytes(len(raw) - len(raw) // 2)
    result = read_text(tmp_path, bytes(raw))
    assert isinstance(result.error, TruncatedError)
    assert "damaged" in str(result.error)
    assert len(result.frame) > 5_000


def read_bytewise(raw: bytes) -> bytes:
    """What Python's own zlib tells of members, zeros between them and the damage, from single bytes of them."""
    found: list[bytes] = []
    member = zlib.decompressobj(wbits=31)
    for number in range(len(raw)):
        byte = raw[number : number + 1]
        if member.eof:
            if byte == b"\0":
                continue
            member = zlib.decompressobj(wbits=31)
        try:
            found.append(member.decompress(byte))
        except zlib.error:
            break
    return b"".join(found)


_TEXTS = st.lists(
    st.binary(max_size=300) | st.integers(1, 3_000).map(lambda size: b"ab c" * size), max_size=8
)
_MEMBERS = st.lists(
    st.tuples(_TEXTS.map(b"".join), st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=4
)


@given(_MEMBERS, st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), max_size=3), st.floats(0, 1.5))
def test_a_gzip_gives_all_that_zlib_finds_before_its_damage(
    members: list[tuple[bytes, int, int]], damage: list[tuple[float, int]], length: float
) -> None:
    raw = bytearray(
        b"".join(gzip.compress(text, level, mtime=0) + bytes(zeros) for text, level, zeros in members)
    )
    for place, bits in damage:
        raw[int(place * (len(raw) - 1))] ^= bits
    cut = bytes(raw[: max(2, int(length * len(raw)))])
    assume(cut.startswith(b"\x1f\x8b"))
    expected = read_bytewise(cut)
    found: list[bytes] = []
    is_told = False
    try:
        found.extend(content(io.BytesIO(cut), "conn.log.gz"))
    except TruncatedError:
        is_told = True
    assert b"".join(found) == expected
    if length >= 1 and not damage:
        assert not is_told
        assert expected == b"".join(text for text, _, _ in members)


def test_a_wrong_checksum_is_damage(tmp_path: Path) -> None:
    raw = bytearray(gzipped(tsv(50)))
    raw[-5] ^= 1
    result = read_text(tmp_path, bytes(raw))
    assert isinstance(result.error, TruncatedError)
    assert len(result.frame) == 50


def test_damage_before_anything_was_read_is_told_and_no_piece_is_empty() -> None:
    raw = bytearray(gzipped(tsv(50)))
    raw[10] = 0xFF  # the first block's kind
    pieces = content(io.BytesIO(raw), "conn.log.gz")
    with pytest.raises(TruncatedError, match="damaged"):
        next(pieces)


def test_text_after_the_last_member_is_damage(tmp_path: Path) -> None:
    assert isinstance(read_text(tmp_path, gzipped(tsv(5)) + b"more").error, TruncatedError)
    assert isinstance(read_text(tmp_path, zstd(tsv(5)) + b"more").error, TruncatedError)


@pytest.mark.parametrize(
    ("magic", "kind"), [(b"BZh91AY", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"PK\x03\x04", "zip")]
)
def test_other_compressions_are_named(tmp_path: Path, magic: bytes, kind: str) -> None:
    result = read_text(tmp_path, magic + bytes(100))
    assert isinstance(result.error, FormatError)
    assert kind in str(result.error)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_small_file_that_grows_large_stays_in_bounded_memory(kind: str) -> None:
    size = 300 << 20
    raw = io.BytesIO(zstd(bytes(size)) if kind == "zstd" else gzip.compress(bytes(size), 1))
    tracemalloc.start()
    try:
        total = sum(len(piece) for piece in content(raw, "bomb"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == size
    assert peak < 160 << 20

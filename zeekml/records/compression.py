"""The content of a log, decompressed piece by piece: gzip (several members too), zstd or plain.

Which it is tells the content, not the name. Sources: RFC 1952 (gzip), RFC 8878 (zstd).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

import zstandard

from zeekml.errors import FormatError, InputError, TruncatedError

if TYPE_CHECKING:
    from io import BufferedReader

_PIECE = 1 << 20  # bytes of content handed on at a time
READ = 1 << 20  # bytes read from the file at a time
#: Bytes of plain content: what is read stays near the processor until its lines are counted.
_STRAIGHT = 1 << 20
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
# One zstd block of 4 bytes can stand for 128 KiB, so that 2 KiB of input become 64 MiB at most.
_ZSTD_STEP = 2 << 10
_UNREADABLE = {b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"PK\x03\x04": "zip", b"\x04\x22\x4d\x18": "lz4"}


class Straight:
    """A piece of the plain content of the log ``name`` that is still in its file, to be read to where it is wanted."""

    def __init__(self, raw: BinaryIO, name: str, size: int) -> None:
        self._raw = cast("BufferedReader", raw)
        self._name = name
        self._size = size
        self.count = 0
        """How many bytes were read last."""
        self.is_end = False

    def __len__(self) -> int:
        """How many bytes it has at most."""
        return self._size

    def into(self, room: memoryview) -> int:
        """Read it to the start of ``room``; how many bytes it has, none at the end of the file. Raises InputError."""
        try:
            count = self._raw.readinto(room[: self._size]) or 0
        except OSError as error:
            raise unreadable(self._name, error) from error
        self.count, self.is_end = count, not count
        return count


def unreadable(name: str, error: OSError) -> InputError:
    """What is said of a log that cannot be read on."""
    return InputError(f"{name}: cannot be read: {error.strerror or error}.")


def content(raw: BinaryIO, name: str, first_read: int = READ) -> Iterator[bytes]:
    """Yield the decompressed content of ``raw`` in pieces of about 1 MiB, the first of plain content smaller.

    Raises FormatError for another compression, and TruncatedError, after all that could be read, when a
    compressed stream ends early or is damaged. ``first_read`` is smaller for a mere look at a file.
    """
    for piece in pieces(raw, name, first_read):
        if isinstance(piece, bytes):
            yield piece
        elif read := raw.read(_PIECE):
            yield read
        else:
            return


def pieces(raw: BinaryIO, name: str, first_read: int = READ) -> Iterator[bytes | Straight]:
    """As `content`, but of a plain file all but the first is left in it: whoever takes a piece must read it."""
    head = raw.read(first_read)
    if head.startswith(_GZIP):
        from zeekml.records.gunzip import gunzip  # noqa: PLC0415 - other logs do without

        return _gathered(gunzip(head, raw, name, _PIECE))
    if head.startswith(_ZSTD) or _is_skippable_frame(head):
        return _gathered(_unzstd(head, raw, name))
    for magic, kind in _UNREADABLE.items():
        if head.startswith(magic):
            raise FormatError(
                f"{name}: compressed with {kind}; expected gzip, zstd or plain text. Decompress it first."
            )
    return _plain(head, raw, name)


def _gathered(parts: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    failure: TruncatedError | None = None
    try:
        for part in parts:
            held.append(part)
            size += len(part)
            if size >= _PIECE:
                yield b"".join(held)
                held, size = [], 0
    except TruncatedError as error:
        failure = error
    if held:
        yield b"".join(held)
    if failure is not None:
        raise failure


def _plain(head: bytes, raw: BinaryIO, name: str) -> Iterator[bytes | Straight]:
    if head:
        yield head
        yield from straight(raw, name)


def straight(raw: BinaryIO, name: str, size: int | None = None) -> Iterator[Straight]:
    """The next ``size`` bytes of plain content, None: all; whoever takes a piece must read it."""
    left = size
    piece = Straight(raw, name, _STRAIGHT)
    while not piece.is_end and left != 0:
        if left is not None:
            piece = Straight(raw, name, min(_STRAIGHT, left))
        yield piece
        if left is not None:
            left -= piece.count


def _unzstd(data: bytes, raw: BinaryIO, name: str) -> Iterator[bytes]:
    frame = zstandard.ZstdDecompressor().decompressobj()
    inside = False
    while data:
        for start in range(0, len(data), _ZSTD_STEP):
            step = data[start : start + _ZSTD_STEP]
            while step:
                inside = True
                try:
                    out = frame.decompress(step)
                except zstandard.ZstdError as error:
                    raise damaged(name, "zstd", str(error)) from error
                if out:
                    yield out
                if not frame.eof:
                    break
                step = frame.unused_data
                frame = zstandard.ZstdDecompressor().decompressobj()
                inside = False
        data = raw.read(READ)
    if inside:
        raise cut_short(name, "zstd")


def _is_skippable_frame(head: bytes) -> bool:
    return len(head) >= 4 and head[0] & 0xF0 == 0x50 and head[1:4] == b"\x2a\x4d\x18"


def cut_short(name: str, kind: str) -> TruncatedError:
    """What is said of a log whose compressed stream has no end."""
    return TruncatedError(
        f"{name}: the {kind} stream ends before its end mark; the whole lines before that were read. "
        "Copy the file again, or wait until it is written."
    )


def damaged(name: str, kind: str, detail: str) -> TruncatedError:
    """What is said of a log whose compressed stream cannot be read on; ``detail`` is the library's."""
    return TruncatedError(
        f"{name}: the {kind} stream is damaged ({detail}); the whole lines before that were read. "
        "Copy the file again."
    )

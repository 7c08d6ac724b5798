"""The content of a log that is packed with gzip, in one member or several.

zlib-ng is asked and not Python's own zlib, because it takes a little over half the time. It says which members it
cannot read as zlib does. Source: RFC 1952.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol, cast

from zlib_ng import zlib_ng

from zeekml.records.compression import READ, cut_short, damaged

_GZIP_HEADER = 31  # window bits that ask for a member with the header and checksum of gzip
_ERROR = cast("type[Exception]", zlib_ng.error)  # its stub calls the class an instance


class _Member(Protocol):
    """What zlib_ng.decompressobj returns; its stub lacks copy."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def unconsumed_tail(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...

    def copy(self) -> _Member: ...


def _member() -> _Member:
    return cast("_Member", zlib_ng.decompressobj(wbits=_GZIP_HEADER))


def gunzip(data: bytes, raw: BinaryIO, name: str, most: int) -> Iterator[bytes]:
    """Yield the content of ``data`` and of what follows in ``raw``, at most ``most`` bytes at a time.

    Raises TruncatedError, after all that could be read, when a member ends early or is damaged.
    """
    member = _member()
    while True:
        before = member.copy()
        try:
            out = member.decompress(data, most)
        except _ERROR as error:
            yield from _until_damage(before, data)
            raise damaged(name, "gzip", str(error)) from error
        if out:
            yield out
        data = member.unconsumed_tail
        if member.eof:
            # Tape and disk tools pad with zeros after the last member; gzip(1) passes over them as well.
            data = member.unused_data.lstrip(b"\0")
            while not data:
                data = raw.read(READ)
                if not data:
                    return
                data = data.lstrip(b"\0")
            member = _member()
        elif not data:
            data = raw.read(READ)
            if not data and not out:
                raise cut_short(name, "gzip")


def _until_damage(member: _Member, data: bytes, steps: tuple[int, ...] = (4096, 64, 1)) -> Iterator[bytes]:
    """Decompress ever smaller steps of ``data``: what a call gave before it met the damage is lost with its error.

    A byte stands for about 1 KiB of content at most.
    """
    step, *smaller = steps
    for start in range(0, len(data), step):
        before = member.copy()
        try:
            out = member.decompress(data[start : start + step], 0)
        except _ERROR:
            if smaller:
                yield from _until_damage(before, data[start : start + step], tuple(smaller))
            return
        if out:
            yield out

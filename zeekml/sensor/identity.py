"""Tells whether a file holds what was read before, wherever it went and however it is packed now."""

from __future__ import annotations

import hashlib

from zeekml.sensor.content import Content
from zeekml.sensor.position import Position

START = 2048  # bytes: past a header, into the first connections
MARK = 256  # bytes before the offset


def digest(data: bytes) -> bytes:
    """A short hash that is not met by chance."""
    return hashlib.blake2b(data, digest_size=16).digest()


def starts_alike(content: Content, position: Position) -> bool:
    """Whether the content begins as that which ``position`` was in. Nothing taken yet is like nothing."""
    size = min(START, position.offset - position.begin)
    if size <= 0:
        return False
    start = content.read(position.begin, size)
    return len(start) == size and digest(start) == position.fingerprint


def holds(content: Content, position: Position) -> bool:
    """Whether the content is that which ``position`` was in, at least up to there."""
    if not starts_alike(content, position):
        return False
    size = min(MARK, position.offset - position.begin)
    return digest(content.read(position.offset - size, size)) == position.mark


def known_by(start: bytes) -> bytes:
    """What a whole file is known by, from its first ``START`` bytes."""
    return len(start).to_bytes(2) + digest(start)


def is_known_by(start: bytes, known: bytes) -> bool:
    """Whether ``known`` is that of the file that begins so; nothing is known of an empty one."""
    size = int.from_bytes(known[:2])
    return size > 0 and len(start) >= size and digest(start[:size]) == known[2:]

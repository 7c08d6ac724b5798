"""What is told of many short texts at once, from the bytes that Arrow keeps of them, without an object for each.

``starts`` (N + 1,) and ``text`` are an Arrow array's offsets and data: the i-th text lies from ``starts[i]`` to
``starts[i + 1]``, in UTF-8.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import READ_I8, READ_U1, compiled, inlined

Bytes: TypeAlias = NDArray[np.uint8]
Starts: TypeAlias = NDArray[np.int64]

#: The key of pandas' ``hash_array``, so that both give the same.
_KEY0, _KEY1 = (np.uint64(word) for word in np.frombuffer(b"0123456789123456", dtype="<u8"))
_V0, _V1, _V2, _V3 = (
    np.uint64(word)
    for word in (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
)
_LAST: Final = np.uint64(0xFF)
_DOT, _COLON, _ZERO, _NINE = (ord(sign) for sign in ".:09")
_LOWER: Final = 0x20  # makes an ASCII letter small
_C, _D, _E, _F = (ord(sign) for sign in "cdef")
_LINK_LOCAL: Final = tuple(ord(sign) for sign in "89ab")  # third digits of fe80::/10

#: Bits of what an address is.
PRIVATE: Final = 1  # private, unique-local, link-local or loopback
GROUP: Final = 2  # multicast, or almost certainly a broadcast address


@inlined
def _rotated(word: np.uint64, by: int) -> np.uint64:
    return (word << np.uint64(by)) | (word >> np.uint64(64 - by))


@inlined
def _round(
    v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    v0 += v1
    v1 = _rotated(v1, 13) ^ v0
    v0 = _rotated(v0, 32)
    v2 += v3
    v3 = _rotated(v3, 16) ^ v2
    v0 += v3
    v3 = _rotated(v3, 21) ^ v0
    v2 += v1
    v1 = _rotated(v1, 17) ^ v2
    v2 = _rotated(v2, 32)
    return v0, v1, v2, v3


@inlined
def _mixed(word: np.uint64) -> np.uint64:
    """What pandas does to every hash at the end (the finaliser of SplitMix64)."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@compiled(f"void({READ_I8}, {READ_U1}, u8[::1])")
def siphash(starts: Starts, text: Bytes, out: NDArray[np.uint64]) -> None:
    """SipHash-2-4 (Aumasson, Bernstein 2012) of each text, ``out`` (N,): what ``pandas.util.hash_array`` gives."""
    for i in range(len(out)):
        begin, size = starts[i], starts[i + 1] - starts[i]
        v0, v1, v2, v3 = _KEY0 ^ _V0, _KEY1 ^ _V1, _KEY0 ^ _V2, _KEY1 ^ _V3
        whole = size // 8
        for word_at in range(whole + 1):
            word = np.uint64(0)
            first = begin + word_at * 8
            for j in range(min(8, begin + size - first)):
                word |= np.uint64(text[first + j]) << np.uint64(8 * j)
            if word_at == whole:
                word |= np.uint64(size & 0xFF) << np.uint64(56)
            v3 ^= word
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
            v0 ^= word
        v2 ^= _LAST
        for _ in range(4):
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        out[i] = _mixed(v0 ^ v1 ^ v2 ^ v3)


@inlined
def _digit(sign: int) -> bool:
    return _ZERO <= sign <= _NINE


@inlined
def _hex(sign: int) -> bool:
    return _digit(sign) or ord("a") <= (sign | _LOWER) <= _F


@compiled(f"i8({READ_U1}, i8, i8)")
def _octet(text: Bytes, at: int, end: int) -> int:
    """The number of up to three digits at ``at``, -1 where none stands there."""
    number, digits = 0, 0
    while at < end and digits < 3 and _digit(text[at]):
        number = number * 10 + text[at] - _ZERO
        at += 1
        digits += 1
    return number if digits else -1


@compiled(f"b1({READ_U1}, i8, i8, i8)")
def _rest_is_octets(text: Bytes, at: int, end: int, most: int) -> bool:
    """Whether ``most`` times a dot and one to three digits follow from ``at``, and nothing else."""
    for _ in range(most):
        if at >= end or text[at] != _DOT:
            return False
        at += 1
        digits = 0
        while at < end and digits < 3 and _digit(text[at]):
            at += 1
            digits += 1
        if not digits:
            return False
    return at == end


@compiled(f"i8({READ_U1}, i8, i8)")
def _digits(text: Bytes, at: int, end: int) -> int:
    count = 0
    while at + count < end and count < 4 and _digit(text[at + count]):
        count += 1
    return count


@compiled(f"b1({READ_U1}, i8, i8)")
def _private4(text: Bytes, at: int, end: int) -> bool:
    """10/8, 127/8, 192.168/16, 169.254/16 and 172.16/12 in dotted form, without leading zeros in what tells them."""
    first, size = _octet(text, at, end), _digits(text, at, end)
    after = at + size
    if (size == 2 and first == 10) or (size == 3 and first == 127):
        return _rest_is_octets(text, after, end, 3)
    if size != 3 or after >= end or text[after] != _DOT:
        return False
    second, size = _octet(text, after + 1, end), _digits(text, after + 1, end)
    told = size == 3 and ((first == 192 and second == 168) or (first == 169 and second == 254))
    told = told or (size == 2 and first == 172 and 16 <= second <= 31)
    return told and _rest_is_octets(text, after + 1 + size, end, 2)


@compiled(f"void({READ_I8}, {READ_U1}, u1[::1])")
def address_kinds(starts: Starts, text: Bytes, out: Bytes) -> None:
    """``out`` (N,): the bits that hold for each address; none for what is no address.

    Private are 10/8, 172.16/12, 192.168/16 (RFC 1918), 127/8, 169.254/16 (RFC 3927), fc00::/7 (RFC 4193), fe80::/10
    (RFC 4291), ::1, and the first ones as ::ffff:a.b.c.d. The first group of fc00::/7 and fe80::/10 always has four
    digits, so text tells them without parsing. Groups are 224/4, ff00::/8, and IPv4 addresses that end in 255.
    """
    for i in range(len(out)):
        at, end = starts[i], starts[i + 1]
        size = end - at
        kinds = 0
        if size >= 4 and _digit(text[at]):
            if _private4(text, at, end):
                kinds |= PRIVATE
            first = _octet(text, at, end)
            if _digits(text, at, end) == 3 and 224 <= first <= 239 and text[at + 3] == _DOT:
                kinds |= GROUP
        elif size >= 5 and text[at + 4] == _COLON and (text[at] | _LOWER) == _F and _hex(text[at + 3]):
            second, third = text[at + 1] | _LOWER, text[at + 2] | _LOWER
            if second == _F and _hex(third):
                kinds |= GROUP
            elif (second in (_C, _D) and _hex(third)) or (second == _E and third in _LINK_LOCAL):
                kinds |= PRIVATE
        elif size >= 3 and text[at] == _COLON and text[at + 1] == _COLON:
            mapped = size > 7 and text[at + 6] == _COLON
            for j in range(2, 6):
                mapped = mapped and (text[at + j] | _LOWER) == _F
            if (size == 3 and text[at + 2] == _ZERO + 1) or (mapped and _private4(text, at + 7, end)):
                kinds |= PRIVATE
        if size >= 4 and text[end - 4] == _DOT and _octet(text, end - 3, end) == 255:
            kinds |= GROUP
        out[i] = kinds


@compiled(f"void({READ_I8}, {READ_U1}, {READ_I8}, {READ_U1}, {READ_U1}, i8[::1], u1[::1])")
def write_picked(
    starts: Starts,
    text: Bytes,
    places: NDArray[np.int64],
    before: Bytes,
    after: Bytes,
    ends: Starts,
    out: Bytes,
) -> None:
    """The texts at ``places`` (M,), each with ``before`` and ``after`` around it, into ``out``, where they lie from
    ``ends[i]`` to ``ends[i + 1]``."""
    at = np.uint64(0)  # numbers without a sign need no look whether they count from the end
    ends[0] = 0
    for i in range(len(places)):
        for sign in before:
            out[at] = sign
            at += np.uint64(1)
        source = np.uint64(starts[places[i]])
        size = np.uint64(starts[places[i] + 1]) - source
        for j in range(size):
            out[at + j] = text[source + j]
        at += size
        for sign in after:
            out[at] = sign
            at += np.uint64(1)
        ends[i + 1] = at


def kinds(starts: Starts, text: Bytes) -> Bytes:
    """What N addresses are, (N,): bits ``PRIVATE`` and ``GROUP`` as `address_kinds` gives them."""
    found = np.empty(len(starts) - 1, dtype=np.uint8)
    address_kinds(starts, text, found)
    return found


def hashes(starts: Starts, text: Bytes) -> NDArray[np.uint64]:
    """64 bits for each of N texts, (N,), the same in every process: SipHash with pandas' fixed key."""
    found = np.empty(len(starts) - 1, dtype=np.uint64)
    siphash(starts, text, found)
    return found

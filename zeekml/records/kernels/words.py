"""Eight bytes at a time: loads and stores at any place, and what they tell about the bytes.

The first of the bytes is the lowest of the word.
"""

# ruff: noqa: ARG001 - what an intrinsic is called with is given

from __future__ import annotations

import sys
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from zeekml.compiled import emitted, inlined, later

ir, types = later("llvmlite.ir"), later("numba.types")

Bytes = npt.NDArray[np.uint8]
# Numbers of compiled code: int64, uint64 and float64, for which Python has types of several names.
Int: TypeAlias = Any
Word: TypeAlias = Any
Float: TypeAlias = Any

#: Bytes that are compared at once.
CHUNK: Final = 64
_BIG_ENDIAN: Final = sys.byteorder == "big"
ONES: Final = np.uint64(0x0101010101010101)
_SPACES: Final = np.uint64(0x2020202020202020)
HIGH: Final = np.uint64(0x8080808080808080)
_ONE: Final = np.uint64(1)
_SEVEN: Final = np.uint64(7)
_EIGHT: Final = np.uint64(8)
_NOTHING: Final = np.uint64(0)
#: By a length of 0 to 8: those bytes of a word.
KEPT: Final = np.array([(1 << 8 * length) - 1 for length in range(9)], dtype=np.uint64)


def word_of(text: bytes) -> np.uint64:
    """Up to eight bytes as a word."""
    return np.uint64(int.from_bytes(text, "little"))


def eightfold(byte: int) -> np.uint64:
    """A word of eight times this byte."""
    return np.uint64(byte * int(ONES))


def _pointer(builder: Any, address: Any, bits: int) -> Any:
    return builder.inttoptr(address, ir.IntType(bits).as_pointer())


@emitted
def address_of(typing: Any, array: Any) -> Any:
    """Where the first element of an array lies in memory.

    What follows works with addresses: handing arrays from function to function costs more than what is done with them.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(data, ir.IntType(64))

    return types.int64(array), generate


@emitted
def byte_of(typing: Any, address: Any) -> Any:
    """The byte at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.zext(builder.load(_pointer(builder, arguments[0], 8)), ir.IntType(64))

    return types.int64(types.int64), generate


@emitted
def load(typing: Any, address: Any) -> Any:
    """The eight bytes at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        loaded = builder.load(_pointer(builder, arguments[0], 64), align=1)
        return builder.bswap(loaded) if _BIG_ENDIAN else loaded

    return types.uint64(types.int64), generate


@emitted
def store(typing: Any, address: Any, word: Any) -> Any:
    """Put eight bytes at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = builder.bswap(arguments[1]) if _BIG_ENDIAN else arguments[1]
        builder.store(value, _pointer(builder, arguments[0], 64), align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.uint64), generate


@emitted
def load_half(typing: Any, address: Any) -> Any:
    """The 32 bits at an address, as a number with a sign."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.sext(builder.load(_pointer(builder, arguments[0], 32), align=4), ir.IntType(64))

    return types.int64(types.int64), generate


@emitted
def store_half(typing: Any, address: Any, number: Any) -> Any:
    """Put the lower 32 bits of a number at an address, as `load_half` reads them."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        half = builder.trunc(arguments[1], ir.IntType(32))
        builder.store(half, _pointer(builder, arguments[0], 32), align=4)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


def _bytes_that_are(comparison: str) -> Any:
    """``found(address, byte)``: a bit for each of the `CHUNK` bytes there that compares so with a byte, the lowest for
    the first; both are taken as numbers from 0 to 255."""

    @emitted
    def found(typing: Any, address: Any, byte: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = ir.VectorType(ir.IntType(8), CHUNK)
            there = builder.load(builder.inttoptr(arguments[0], kind.as_pointer()), align=1)
            undefined = ir.Constant(kind, ir.Undefined)
            byte = builder.trunc(arguments[1], ir.IntType(8))
            first = builder.insert_element(undefined, byte, ir.Constant(ir.IntType(32), 0))
            everywhere = ir.Constant(ir.VectorType(ir.IntType(32), CHUNK), [0] * CHUNK)
            other = builder.shuffle_vector(first, undefined, everywhere)
            bits = builder.bitcast(builder.icmp_unsigned(comparison, there, other), ir.IntType(CHUNK))
            return builder.bitreverse(bits) if _BIG_ENDIAN else bits

        return types.uint64(types.int64, types.int64), generate

    return found


bytes_below: Final = _bytes_that_are("<")
bytes_from: Final = _bytes_that_are(">=")
bytes_like: Final = _bytes_that_are("==")


@emitted
def ones(typing: Any, word: Any) -> Any:
    """How many bits of a word are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@emitted
def lowest_bit(typing: Any, word: Any) -> Any:
    """As `zeros_below`, and 64 for the word 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@emitted
def zeros_below(typing: Any, word: Any) -> Any:
    """How many bits lie below the lowest that is set; the word must not be 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@emitted
def leading_zeros(typing: Any, word: Any) -> Any:
    """How many bits lie above the highest that is set; the word must not be 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@emitted
def moved_up(typing: Any, low: Any, high: Any, bits: Any) -> Any:
    """The upper of two words that are moved up together by 0 to 127 bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        double = ir.IntType(128)
        low, high, bits = (builder.zext(argument, double) for argument in arguments)
        both = builder.or_(low, builder.shl(high, double(64)))
        return builder.trunc(builder.lshr(builder.shl(both, bits), double(64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64, types.uint64), generate


@inlined
def word_at(at: Int, stop: Int) -> Word:
    """The eight bytes at an address; those from ``stop`` on are 0."""
    if at + 8 <= stop:
        return load(at)
    word = _NOTHING
    while at < stop:
        stop -= 1
        word = (word << _EIGHT) | np.uint64(byte_of(stop))
    return word


@inlined
def zero_bytes(word: Word) -> Word:
    """The highest bit of each byte that is 0; of those above the lowest such byte it may be set as well."""
    return (word - ONES) & ~word & HIGH


@inlined
def control_bytes(word: Word) -> Word:
    """The highest bit of each byte below 32; of those above the lowest such byte it may be set as well."""
    return (word - _SPACES) & ~word & HIGH


@inlined
def below(bits: Word) -> Word:
    """A word of ones in all bytes below the lowest byte whose highest bit is among ``bits``; all ones for none."""
    return ((bits & (_NOTHING - bits)) >> _SEVEN) - _ONE

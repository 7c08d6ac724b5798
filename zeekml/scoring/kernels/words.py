"""Words of 16 bits, 64 at once, that a kernel holds in registers: the leaves left of as many trees.

As ``vectors``, for what trees need: nothing checks that a place lies inside the array.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.extending import register_model

from zeekml.scoring.kernels.registers import ABREAST
from zeekml.scoring.kernels.vectors import emitted

_BITS: Final = 16

_declared: Final[Any] = cgutils.get_or_insert_function


class _Words(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"Words({ABREAST})")


_WORDS: Final = _Words()
_KIND: Final = ir.VectorType(ir.IntType(_BITS), ABREAST)


@register_model(_Words)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: _Words) -> None:
        super().__init__(manager, kind, _KIND)  # type: ignore[no-untyped-call]


def _constant(value: int) -> Any:
    return ir.Constant(_KIND, [value] * ABREAST)


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.bitcast(builder.gep(data, [arguments[1]]), _KIND.as_pointer())


def _holds_words(array: Any) -> bool:
    return isinstance(array, types.Array) and array.layout == "C" and array.dtype == types.uint16


@emitted
def full_words(_context: Any) -> Any:
    """``full_words()``: words of which every bit is set."""

    def generate(_: Any, _builder: Any, _signature: Any, _arguments: Any) -> Any:
        return _constant(0xFFFF)

    return _WORDS(), generate


@emitted
def load_words(_context: Any, array: Any, at: Any) -> Any:  # noqa: ARG001
    """``load_words(array, at)``: the words from a flat place on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        loaded = builder.load(_pointer(context, builder, signature, arguments))
        loaded.align = 2
        return loaded

    return (_WORDS(array, types.intp), generate) if _holds_words(array) else None


@emitted
def store_words(_context: Any, array: Any, at: Any, words: Any) -> Any:  # noqa: ARG001
    """``store_words(array, at, words)``: put words to a flat place."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _pointer(context, builder, signature, arguments)).align = 2
        return context.get_dummy_value()

    return (types.none(array, types.intp, _WORDS), generate) if _holds_words(array) else None


@emitted
def other_lowest(_context: Any, first: Any, second: Any) -> Any:  # noqa: ARG001
    """Bits of an integer, the lowest for the first word: where the lowest bits of words stand at other places."""

    def generate(_: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        first, second = (builder.and_(words, builder.neg(words)) for words in arguments)
        return builder.bitcast(builder.icmp_unsigned("!=", first, second), ir.IntType(ABREAST))

    return types.int64(_WORDS, _WORDS), generate


@emitted
def struck(_context: Any, words: Any, array: Any, at: Any) -> Any:  # noqa: ARG001 - numba asks for its name
    """``struck(words, array, at)``: of the words' bits those that are set in the words from a flat place on, too."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = types.none(*signature.args[1:])
        loaded = builder.load(_pointer(context, builder, kinds, arguments[1:]))
        loaded.align = 2
        return builder.and_(arguments[0], loaded)

    return (_WORDS(_WORDS, array, types.intp), generate) if _holds_words(array) else None


@emitted
def store_lowest(_context: Any, array: Any, at: Any, words: Any) -> Any:  # noqa: ARG001
    """``store_lowest(array, at, words)``: put the place of each word's lowest bit, 0 where none is set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_KIND, [_KIND, ir.IntType(1)])
        known = _declared(builder.module, kind, f"llvm.cttz.v{ABREAST}i{_BITS}")
        places = builder.call(known, [arguments[2], ir.Constant(ir.IntType(1), 0)])
        places = builder.and_(places, _constant(_BITS - 1))
        builder.store(places, _pointer(context, builder, signature, arguments)).align = 2
        return context.get_dummy_value()

    return (types.none(array, types.intp, _WORDS), generate) if _holds_words(array) else None

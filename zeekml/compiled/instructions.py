"""What a processor can do and Python has no word for, as functions for kernels."""

# ruff: noqa: ARG001 - what an intrinsic is called with is given

from __future__ import annotations

from typing import Any, Final

from zeekml.compiled.source import emitted, later

ir, types, cgutils = later("llvmlite.ir"), later("numba.types"), later("numba.core.cgutils")

_TO_READ: Final = 0
_TO_STAY: Final = 3
_DATA: Final = 1


@emitted
def bits_of(typing: Any, number: Any) -> Any:
    """The bits of a float64 as an integer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@emitted
def of_bits(typing: Any, bits: Any) -> Any:
    """The float64 that the bits of an integer of 64 bits are, with or without a sign."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(bits), generate


@emitted
def prefetch(typing: Any, array: Any, at: Any) -> Any:
    """``prefetch(array, at)``: have what lies at a flat place brought near; it need not exist."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integer = ir.IntType(32)
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [place.type, integer, integer, integer])
        known = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(known, [place, *(ir.Constant(integer, value) for value in (_TO_READ, _TO_STAY, _DATA))])
        return context.get_dummy_value()

    return types.none(array, types.int64), generate

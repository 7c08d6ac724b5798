"""Vectors of float32 that a kernel holds in registers: what numba's own loops over arrays would keep in memory.

A vector is loaded from and stored to flat places of a C-contiguous array, and added, multiplied and so on number by
number; a plain number beside one counts as a vector of it. Its width is the algorithm's (a row of 32, say), not the
processor's: LLVM cuts it into the registers that there are. Every sum keeps its order whatever they are, and
``multiply_add`` is one step where the processor knows that. Nothing checks that a place lies inside the array.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.extending import intrinsic, lower_builtin, register_model, type_callable

Function = Callable[..., Any]

_FUSED: Final = ("contract",)
#: Numbers of one vector may be added up in any order, but it is the same one each time.
_ANY_ORDER: Final = ("contract", "reassoc")

#: Rows and numbers that are turned together.
_TURNED: Final = 16

_declared: Final[Any] = cgutils.get_or_insert_function
_lowered: Final[Any] = lower_builtin


def emitted(typed: Function) -> Function:
    """A function for kernels whose instructions are written by ``typed``: it gives the types and what writes them."""
    return cast("Function", intrinsic(typed))


class Vector(types.Type):
    """So many float32."""

    def __init__(self, lanes: int) -> None:
        super().__init__(name=f"Vector({lanes})")
        self.lanes = lanes


@register_model(Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, _of(kind.lanes))  # type: ignore[no-untyped-call]


def loader(lanes: int) -> Function:
    """``load(array, at)``: the vector of so many numbers from a flat place on."""

    @emitted
    def load(_context: Any, array: Any, at: Any) -> Any:  # noqa: ARG001 - numba asks for its name
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            loaded = builder.load(_pointer(context, builder, signature, arguments, _of(lanes)))
            loaded.align = 4
            return loaded

        return (Vector(lanes)(array, types.intp), generate) if _is_flat(array) else None

    return load


@emitted
def number(_context: Any, array: Any, at: Any) -> Any:  # noqa: ARG001
    """``number(array, at)``: the one number at a flat place."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_pointer(context, builder, signature, arguments, ir.FloatType()))

    return (types.float32(array, types.intp), generate) if _is_flat(array) else None


@emitted
def store(_context: Any, array: Any, at: Any, vector: Any) -> Any:  # noqa: ARG001
    """``store(array, at, vector)``: put a vector to a flat place."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _pointer(context, builder, signature, arguments, _of(vector.lanes))
        builder.store(arguments[2], place).align = 4
        return context.get_dummy_value()

    return (types.none(array, types.intp, vector), generate) if _is_flat(array) else None


@emitted
def store_whole(_context: Any, array: Any, at: Any, vector: Any) -> Any:  # noqa: ARG001
    """``store_whole(array, at, vector)``: put whole numbers to a flat place of an array of them."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.VectorType(ir.IntType(32), vector.lanes)
        place = _pointer(context, builder, signature, arguments, kind)
        builder.store(builder.fptosi(arguments[2], kind), place).align = 4
        return context.get_dummy_value()

    is_whole = isinstance(array, types.Array) and array.layout == "C" and array.dtype == types.int32
    return (types.none(array, types.intp, vector), generate) if is_whole else None


@emitted
def turned(
    _context: Any,
    matrix: Any,
    rows: Any,
    first: Any,  # noqa: ARG001
    column: Any,  # noqa: ARG001
    out: Any,
    at: Any,  # noqa: ARG001
    stride: Any,  # noqa: ARG001
) -> Any:
    """``turned(matrix, rows, first, column, out, at, stride)``: sixteen numbers of as many rows, number by number.

    The rows lie at the flat places ``rows[first:]`` of the matrix, their numbers ``column`` behind. The n-th one of all
    is put to the flat place ``at + n * stride``.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        matrix, rows, first, column, out, at, stride = arguments
        (of_matrix, of_rows, *_, of_out, _, _), kind = signature.args, _of(_TURNED)
        places = context.make_array(of_rows)(context, builder, rows).data
        found = []
        for row in range(_TURNED):
            place = builder.load(builder.gep(places, [builder.add(first, ir.Constant(first.type, row))]))
            given = [matrix, builder.add(place, column)]
            found.append(builder.load(_pointer(context, builder, types.none(of_matrix), given, kind)))
            found[-1].align = 4
        # Row r and row r + 8 are put together like a zip; after four times every number has come to its place.
        half = _TURNED // 2
        zips = [
            ir.Constant(
                ir.VectorType(ir.IntType(32), _TURNED),
                [begin + lane // 2 + lane % 2 * _TURNED for lane in range(_TURNED)],
            )
            for begin in (0, half)
        ]
        for _ in range(_TURNED.bit_length() - 1):
            pairs = [(found[r], found[r + half]) for r in range(half)]
            found = [builder.shuffle_vector(*pair, chosen) for pair in pairs for chosen in zips]
        for numbers in found:
            to = _pointer(context, builder, types.none(of_out), [out, at], kind)
            builder.store(numbers, to).align = 4
            at = builder.add(at, stride)
        return context.get_dummy_value()

    fits = _is_flat(matrix) and _is_flat(out) and isinstance(rows, types.Array) and rows.dtype == types.int64
    kinds = (matrix, rows, types.intp, types.intp, out, types.intp, types.intp)
    return (types.none(*kinds), generate) if fits else None


def filler(lanes: int) -> Function:
    """``full(value)``: so many times the same number."""

    @emitted
    def full(_context: Any, value: Any) -> Any:  # noqa: ARG001
        def generate(_: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return _splat(builder, arguments[0], lanes)

        return Vector(lanes)(types.float32), generate

    return full


@emitted
def multiply_add(_context: Any, first: Any, second: Any, third: Any) -> Any:
    """``first * second + third``."""
    signature = _signature(first, second, third)

    def generate(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = _of(signature.return_type.lanes)
        known = _llvm(builder, "fmuladd", signature.return_type.lanes, kind, [kind] * 3)
        return builder.call(known, _vectors(builder, signature, arguments, signature.return_type.lanes))

    return signature, generate


@emitted
def total(_context: Any, vector: Any) -> Any:
    """The sum of a vector's numbers."""

    def generate(_: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        number = ir.FloatType()
        known = _llvm(builder, "vector.reduce.fadd", vector.lanes, number, [number, _of(vector.lanes)])
        return builder.call(known, [ir.Constant(number, -0.0), arguments[0]], fastmath=_ANY_ORDER)

    return types.float32(vector), generate


@emitted
def unlike(_context: Any, first: Any, second: Any) -> Any:
    """Bits of an integer, the lowest for the first number: where two vectors (of at most 64) are unlike or NaN."""
    kind = _signature(first, second)

    def generate(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = kind.return_type.lanes
        found = builder.fcmp_unordered("!=", *_vectors(builder, signature, arguments, lanes))
        return builder.zext(builder.bitcast(found, ir.IntType(lanes)), ir.IntType(64))

    return types.int64(*kind.args), generate


@emitted
def lowest_bit(_context: Any, bits: Any) -> Any:  # noqa: ARG001
    """The place of the lowest bit that is set in an integer other than 0."""

    def generate(_: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate


@emitted
def where_reached(_context: Any, value: Any, edge: Any, yes: Any, no: Any) -> Any:
    """The numbers of ``yes`` where ``value`` is not below ``edge``, else (or where one is NaN) those of ``no``."""

    def generate(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, edge, yes, no = _vectors(builder, signature, arguments, signature.return_type.lanes)
        return builder.select(builder.fcmp_ordered(">=", value, edge), yes, no)

    return _signature(value, edge, yes, no), generate


@emitted
def where_known(_context: Any, value: Any, yes: Any, no: Any) -> Any:
    """The numbers of ``yes``, but those of ``no`` where ``value`` is NaN."""

    def generate(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, yes, no = _vectors(builder, signature, arguments, signature.return_type.lanes)
        return builder.select(builder.fcmp_ordered("ord", value, value), yes, no)

    return _signature(value, yes, no), generate


def _chosen(comparison: str) -> Function:
    @emitted
    def choose(_context: Any, first: Any, second: Any) -> Any:
        def generate(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            both = _vectors(builder, signature, arguments, signature.return_type.lanes)
            return builder.select(builder.fcmp_ordered(comparison, *both), *both)

        return _signature(first, second), generate

    return choose


#: The larger and the smaller of two vectors, number by number; the second's where one is NaN.
larger: Final = _chosen(">")
smaller: Final = _chosen("<")


def _arithmetic(operation: Function, name: str) -> None:
    @type_callable(operation)
    def typed(_context: Any) -> Any:
        def typer(first: Any, second: Any) -> Any:
            holds = isinstance(first, Vector) or isinstance(second, Vector)
            return _signature(first, second) if holds else None

        return typer

    def generate(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        both = _vectors(builder, signature, arguments, signature.return_type.lanes)
        return getattr(builder, name)(*both, flags=_FUSED)

    for kinds in ((Vector, Vector), (Vector, types.Float), (types.Float, Vector)):
        _lowered(operation, *kinds)(generate)


# Not by numba's ``overload``, which takes seconds to compile where there are so many.
for _operation, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _arithmetic(_operation, _name)


def _of(lanes: int) -> Any:
    return ir.VectorType(ir.FloatType(), lanes)


def _signature(*given: Any) -> Any:
    vector = next(kind for kind in given if isinstance(kind, Vector))
    return vector(*(kind if isinstance(kind, Vector) else types.float32 for kind in given))


def _vectors(builder: Any, signature: Any, arguments: Any, lanes: int) -> list[Any]:
    return [
        value if isinstance(kind, Vector) else _splat(builder, value, lanes)
        for kind, value in zip(signature.args, arguments, strict=True)
    ]


def _splat(builder: Any, value: Any, lanes: int) -> Any:
    undefined = ir.Constant(_of(lanes), ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    everywhere = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(first, undefined, everywhere)


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any, kind: Any) -> Any:
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.bitcast(builder.gep(data, [arguments[1]]), kind.as_pointer())


def _llvm(builder: Any, name: str, lanes: int, result: Any, given: list[Any]) -> Any:
    kind = ir.FunctionType(result, given)
    return _declared(builder.module, kind, f"llvm.{name}.v{lanes}f32")


def _is_flat(array: Any) -> bool:
    return isinstance(array, types.Array) and array.layout == "C" and array.dtype == types.float32

"""Many rows at once in a tree: a byte for each that says which leaf it may be in, and what their leaves add up to.

As ``vectors``, for what trees need: nothing checks that a place lies inside the array.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.extending import register_model

from zeekml.scoring.kernels.registers import MISSING, TOGETHER
from zeekml.scoring.kernels.vectors import Function, Vector, emitted
from zeekml.scoring.trees import MOST_LEAVES

_BYTE: Final = ir.IntType(8)
_INTEGER: Final = ir.IntType(32)
_LONG: Final = ir.IntType(64)
#: Bytes of a node's field, all alike.
_FOUR: Final = 4
#: Rows whose leaves are looked up together: a tree's leaves fill a register of sixteen numbers.
_PARTS: Final = TOGETHER // MOST_LEAVES

#: Levels of a search whose numbers fill a register.
_HELD: Final = 4

_declared: Final[Any] = cgutils.get_or_insert_function


class _Bytes(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"Bytes({TOGETHER})")


class _Sums(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"Sums({TOGETHER})")


_BYTES: Final = _Bytes()
_SUMS: Final = _Sums()
_BYTES_KIND: Final = ir.VectorType(_BYTE, TOGETHER)
_NUMBERS: Final = ir.VectorType(ir.FloatType(), MOST_LEAVES)
_DOUBLES: Final = ir.VectorType(ir.DoubleType(), MOST_LEAVES)
_PLACES: Final = ir.VectorType(_INTEGER, MOST_LEAVES)
_SUMS_KIND: Final = ir.ArrayType(_DOUBLES, _PARTS)


@register_model(_Bytes)
class _BytesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: _Bytes) -> None:
        super().__init__(manager, kind, _BYTES_KIND)  # type: ignore[no-untyped-call]


@register_model(_Sums)
class _SumsModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: _Sums) -> None:
        super().__init__(manager, kind, _SUMS_KIND)  # type: ignore[no-untyped-call]


@emitted
def no_bytes(_context: Any) -> Any:
    """``no_bytes()``: 0 for each row."""

    def generate(_: Any, _builder: Any, _signature: Any, _arguments: Any) -> Any:
        return ir.Constant(_BYTES_KIND, None)

    return _BYTES(), generate


@emitted
def counted(_context: Any, count: Any, values: Any, edge: Any) -> Any:  # noqa: ARG001
    """``counted(count, values, edge)``: one more where the value is above the edge."""

    def generate(_: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        count, values, edge = arguments
        above = builder.fcmp_ordered(">", values, _filled(builder, edge, TOGETHER))
        return builder.add(count, builder.zext(above, _BYTES_KIND))

    return _BYTES(_BYTES, Vector(TOGETHER), types.float32), generate


def searcher(levels: int) -> Function:
    """``found(values, at, table, place)``: how many of a table's numbers lie below the value of each row.

    For processors of 16 numbers at once, which look up in two registers at most: the table, from a flat place on, has
    4 to 6 ``levels``, the n-th number of a level at its two to the level and n, the first one at 1.
    """

    @emitted
    def found(_context: Any, values: Any, at: Any, table: Any, place: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            values, at, table, place = arguments
            held = []
            for register in range(1 << levels - _HELD):
                first = builder.add(place, ir.Constant(place.type, register * MOST_LEAVES))
                held.append(_load(context, builder, signature.args[2], table, first, _NUMBERS))
            parts = []
            for part in range(_PARTS):
                here = builder.add(at, ir.Constant(at.type, part * MOST_LEAVES))
                value = _load(context, builder, signature.args[0], values, here, _NUMBERS)
                reached = ir.Constant(_PLACES, [1] * MOST_LEAVES)
                for level in range(levels):
                    known = _looked_up(builder, held[max(0, (1 << level) // MOST_LEAVES) :], level, reached)
                    above = builder.zext(builder.fcmp_ordered(">", value, known), _PLACES)
                    reached = builder.add(builder.add(reached, reached), above)
                counts = builder.sub(reached, ir.Constant(_PLACES, [1 << levels] * MOST_LEAVES))
                parts.append(builder.trunc(counts, ir.VectorType(_BYTE, MOST_LEAVES)))
            while len(parts) > 1:
                both = ir.Constant(
                    ir.VectorType(_INTEGER, 2 * parts[0].type.count), list(range(2 * parts[0].type.count))
                )
                parts = [builder.shuffle_vector(*parts[n : n + 2], both) for n in range(0, len(parts), 2)]
            return parts[0]

        fits = _holds(values, types.float32) and _holds(table, types.float32)
        return (_BYTES(values, types.intp, table, types.intp), generate) if fits else None

    return found


def _looked_up(builder: Any, held: list[Any], level: int, places: Any) -> Any:
    """The numbers of a level at these places, of which only the lowest bits count."""
    if level <= _HELD:
        return _permuted(builder, held[0], places)
    kind = ir.FunctionType(_NUMBERS, [_NUMBERS, _PLACES, _NUMBERS])
    from_two = _declared(builder.module, kind, "llvm.x86.avx512.vpermi2var.ps.512")
    return builder.call(from_two, [held[0], places, held[1]])


def _permuted(builder: Any, table: Any, places: Any) -> Any:
    kind = ir.FunctionType(_NUMBERS, [_NUMBERS, _PLACES])
    return builder.call(_declared(builder.module, kind, "llvm.x86.avx512.permvar.sf.512"), [table, places])


@emitted
def where_missing(_context: Any, values: Any, count: Any) -> Any:  # noqa: ARG001
    """``where_missing(values, count)``: the counts, but more than any of them where the value is NaN."""

    def generate(_: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        values, count = arguments
        missing = ir.Constant(_BYTES_KIND, [MISSING] * TOGETHER)
        return builder.select(builder.fcmp_unordered("uno", values, values), missing, count)

    return _BYTES(Vector(TOGETHER), _BYTES), generate


@emitted
def store_bytes(_context: Any, array: Any, at: Any, given: Any) -> Any:  # noqa: ARG001
    """``store_bytes(array, at, given)``: put the byte of each row, from a flat place on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _store(context, builder, signature.args[0], *arguments)
        return context.get_dummy_value()

    return (types.none(array, types.intp, _BYTES), generate) if _holds(array, types.int8) else None


@emitted
def load_bytes(_context: Any, array: Any, at: Any) -> Any:  # noqa: ARG001
    """``load_bytes(array, at)``: the byte of each row, from a flat place on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, at = arguments
        return _load(context, builder, signature.args[0], array, at, _BYTES_KIND)

    return (_BYTES(array, types.intp), generate) if _holds(array, types.int8) else None


@emitted
def passed(_context: Any, leaf: Any, counts: Any, nodes: Any, at: Any) -> Any:  # noqa: ARG001
    """``passed(leaf, counts, nodes, at)``: the first leaf that each row may still be in, behind one node more.

    The node, at a flat place, is where its feature's counts lie, and then, each four times in an integer: how many are
    at most counted of a row that goes left, the first leaf on the left and the first on the right.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        leaf, counts, nodes, at = arguments
        node = _pointer(context, builder, signature.args[2], nodes, at, _INTEGER)
        fields = [builder.load(builder.gep(node, [_INTEGER(field)])) for field in range(4)]
        most, left, right = (
            builder.bitcast(_filled(builder, field, TOGETHER // _FOUR), _BYTES_KIND) for field in fields[1:]
        )
        place = builder.zext(fields[0], _LONG)
        mine = _load(context, builder, signature.args[1], counts, place, _BYTES_KIND)
        # Only the last comparison waits for the node before: from one to a mask takes a processor long.
        nowhere = ir.Constant(_BYTES_KIND, [-1] * TOGETHER)
        turning = builder.select(builder.icmp_signed(">", mine, most), left, nowhere)
        return builder.select(builder.icmp_signed("==", leaf, turning), right, leaf)

    fits = _holds(counts, types.int8) and _holds(nodes, types.int32)
    return (_BYTES(_BYTES, counts, nodes, types.intp), generate) if fits else None


@emitted
def no_sums(_context: Any) -> Any:
    """``no_sums()``: 0 for each row, as float64."""

    def generate(_: Any, _builder: Any, _signature: Any, _arguments: Any) -> Any:
        return ir.Constant(_SUMS_KIND, None)

    return _SUMS(), generate


def adder(wide: bool) -> Function:
    """``added(sums, leaf, leaves, at)``: the sums and of each row its leaf, of the sixteen from a flat place on.

    ``wide``: a processor of 16 numbers at once picks them out of a register.
    """

    @emitted
    def added(_context: Any, sums: Any, leaf: Any, leaves: Any, at: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            sums, leaf, leaves, at = arguments
            pick = _from_register if wide else _one_by_one
            table = _pointer(context, builder, signature.args[2], leaves, at, _NUMBERS)
            for part in range(_PARTS):
                lanes = list(range(part * MOST_LEAVES, (part + 1) * MOST_LEAVES))
                mine = builder.shuffle_vector(leaf, leaf, ir.Constant(_PLACES, lanes))
                found = builder.fpext(pick(builder, table, builder.zext(mine, _PLACES)), _DOUBLES)
                total = builder.fadd(builder.extract_value(sums, part), found)
                sums = builder.insert_value(sums, total, part)
            return sums

        fits = _holds(leaves, types.float32)
        return (_SUMS(_SUMS, _BYTES, leaves, types.intp), generate) if fits else None

    return added


def _from_register(builder: Any, table: Any, places: Any) -> Any:
    loaded = builder.load(table)
    loaded.align = 4
    return _permuted(builder, loaded, places)


def _one_by_one(builder: Any, table: Any, places: Any) -> Any:
    found = ir.Constant(_NUMBERS, ir.Undefined)
    first = builder.bitcast(table, ir.FloatType().as_pointer())
    for lane in range(MOST_LEAVES):
        place = builder.zext(builder.extract_element(places, _INTEGER(lane)), _LONG)
        found = builder.insert_element(found, builder.load(builder.gep(first, [place])), _INTEGER(lane))
    return found


@emitted
def store_sums(_context: Any, array: Any, at: Any, sums: Any) -> Any:  # noqa: ARG001
    """``store_sums(array, at, sums)``: put the sum of each row, from a flat place on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, at, sums = arguments
        for part in range(_PARTS):
            place = builder.add(at, ir.Constant(at.type, part * MOST_LEAVES))
            _store(context, builder, signature.args[0], array, place, builder.extract_value(sums, part))
        return context.get_dummy_value()

    return (types.none(array, types.intp, _SUMS), generate) if _holds(array, types.float64) else None


def _filled(builder: Any, value: Any, lanes: int) -> Any:
    undefined = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    first = builder.insert_element(undefined, value, _INTEGER(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_INTEGER, lanes), None))


def _load(context: Any, builder: Any, array: Any, data: Any, at: Any, kind: Any) -> Any:
    loaded = builder.load(_pointer(context, builder, array, data, at, kind))
    loaded.align = array.dtype.bitwidth // 8
    return loaded


def _store(context: Any, builder: Any, array: Any, data: Any, at: Any, value: Any) -> None:
    builder.store(value, _pointer(context, builder, array, data, at, value.type)).align = (
        array.dtype.bitwidth // 8
    )


def _pointer(context: Any, builder: Any, array: Any, data: Any, at: Any, kind: Any) -> Any:
    first = context.make_array(array)(context, builder, data).data
    return builder.bitcast(builder.gep(first, [at]), kind.as_pointer())


def _holds(array: Any, dtype: Any) -> bool:
    return isinstance(array, types.Array) and array.layout == "C" and array.dtype == dtype

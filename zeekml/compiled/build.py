"""From a function to object code, by numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba import cfunc, njit, types
from numba.core import cgutils, sigutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic, typeof_impl
from numba.np import arrayobj

from zeekml.compiled.source import EXACT, Source

_WORD: Final = ir.IntType(64)


@typeof_impl.register(Source)
def _typeof(source: Source, _context: Any) -> Any:
    """A function of ours in a kernel is what numba knows in its place."""
    stands_for, typing = source.numbas, cpu_target.typing_context
    typing.refresh()  # what was just made is not known to it yet
    return typing.resolve_value_type(stands_for)


def inline(function: Callable[..., Any]) -> Any:
    """A function that numba puts into those that call it."""
    return njit(forceinline=True, fastmath=set(EXACT), error_model="numpy", nogil=True)(function)


def call(function: Callable[..., Any]) -> Any:
    """A function that those call that use it."""
    return njit(fastmath=set(EXACT), error_model="numpy", nogil=True)(function)


def emit(function: Callable[..., Any]) -> Any:
    """A function that writes instructions itself."""
    return intrinsic(function)


def kernel(function: Callable[..., Any], signature: str, fastmath: frozenset[str]) -> Any:
    """A function for one signature, that other kernels may call as well."""
    return njit(signature, fastmath=set(fastmath), error_model="numpy", nogil=True)(function)


def object_code(inner: Any, signature: str) -> tuple[str, bytes]:
    """The entry point and object code of a kernel: a C function of the address of its arguments.

    They lie there as 64-bit words (`words`), in order: of an array its address and shape, of a number itself. It gives
    what the kernel returns as a 64-bit integer.
    """
    given, returned = sigutils.normalize_signature(signature)
    unpack = _unpacker(given)
    if returned in (None, types.void):

        def entry(arguments: Any) -> int:
            inner(*unpack(arguments))
            return 0
    else:

        def entry(arguments: Any) -> int:
            return inner(*unpack(arguments))  # type: ignore[no-any-return]

    made: Any = cfunc(types.int64(types.CPointer(types.int64)))(entry)
    return made._wrapper_name, made._library._get_compiled_object()


def _unpacker(given: tuple[Any, ...]) -> Any:
    """An intrinsic from the address of the words to the arguments as a tuple."""
    several = types.Tuple(given)

    def unpack(_typing: Any, _pointer: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            at = 0

            def word() -> Any:
                nonlocal at
                at += 1
                return builder.load(builder.gep(arguments[0], [_WORD(at - 1)]))

            values = [_argument(context, builder, each, word) for each in given]
            return context.make_tuple(builder, several, values)

        return several(types.CPointer(types.int64)), generate

    return intrinsic(unpack)


def _argument(context: Any, builder: Any, kind: Any, word: Callable[[], Any]) -> Any:
    if isinstance(kind, types.Array):
        element = context.get_data_type(kind.dtype)
        data = builder.inttoptr(word(), element.as_pointer())
        shape = [word() for _ in range(kind.ndim)]
        size = _WORD(context.get_abi_sizeof(element))
        strides = [size]
        for length in reversed(shape[1:]):
            strides.insert(0, builder.mul(strides[0], length))
        array = arrayobj.make_array(kind)(context, builder)
        arrayobj.populate_array(array, data, shape, strides, size, None)
        return array._getvalue()
    if kind == types.float64:
        return builder.bitcast(word(), ir.DoubleType())
    if kind == types.boolean:
        return cgutils.is_not_null(builder, word())
    return context.cast(builder, word(), types.int64, kind)

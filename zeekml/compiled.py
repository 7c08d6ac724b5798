"""Compilation: once on a machine, and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])

#: Multiply and add in one step. It is the only liberty taken by default: sums keep the order in which they are written,
#: so a row comes out the same to the last bit wherever in a batch it stands.
_EXACT: Final = frozenset({"contract"})
#: Sums in any order, for those over the fixed width of one row.
_REORDERED: Final = frozenset({"contract", "reassoc"})


def compiled(signature: str, *, reordered: bool = False) -> Callable[[Function], Function]:
    """Compile a function for these types (numba's notation) when its module is read; it runs without Python's lock.

    The machine code is taken from the cache that numba keeps in ``__pycache__`` or, where that cannot be written, in
    the user's cache folder; where neither can be, it is compiled anew in every process.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": set(_REORDERED if reordered else _EXACT),
    }

    def compile_it(function: Function) -> Function:
        try:
            return cast("Function", njit(signature, cache=True, **options)(function))
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            return cast("Function", njit(signature, **options)(function))

    return compile_it


def part(function: Function) -> Function:
    """Make a function one that compiled functions can call; it is compiled as a part of them, wherever it is called.

    numba takes a compiled function from its cache as long as the file of that function is the same: whoever changes a
    part in another file must touch those that use it.
    """
    return cast(
        "Function", njit(nogil=True, error_model="numpy", fastmath=set(_EXACT), forceinline=True)(function)
    )


def routine(function: Function) -> Function:
    """As `part`, for what is large or seldom called: it is compiled once for all calls."""
    return cast("Function", njit(nogil=True, error_model="numpy", fastmath=set(_EXACT))(function))

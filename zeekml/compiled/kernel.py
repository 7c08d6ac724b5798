"""A kernel as Python calls it: loaded when it is first called, its arguments checked and handed over by address."""

from __future__ import annotations

import ctypes
import logging
import re
import struct
import threading
from array import array
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa

from zeekml.compiled import store
from zeekml.compiled.key import key_of
from zeekml.compiled.source import EXACT, REORDERED, Function, Source

_log = logging.getLogger(__name__)

_Entry = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
_lock: Final = threading.Lock()

#: Types in numba's notation. Arrays are in C order: ``f4[:, ::1]`` or ``Array(f4, 1, 'C', readonly=True)``.
_DTYPES: Final = {
    "f4": np.float32, "f8": np.float64, "i1": np.int8, "i2": np.int16, "i4": np.int32, "i8": np.int64,
    "u1": np.uint8, "u2": np.uint16, "u4": np.uint32, "u8": np.uint64, "b1": np.bool_,
}  # fmt: skip
_ARGUMENT: Final = re.compile(
    r"\s*(?:Array\((\w\d), (\d), 'C', readonly=True\)|(\w\d)(?:\[((?::, )*::1)\])?)\s*(?:,|$)"
)


def compiled(signature: str, *, reordered: bool = False) -> Callable[[Function], Function]:
    """A function for arguments of these types (numba's notation), run as machine code and without Python's lock.

    Arrays must have the dtype and be in C order; what is returned, if anything, is a whole number. ``reordered``:
    sums in any order.
    """

    def make(function: Function) -> Function:
        return cast("Function", Kernel(function, signature, REORDERED if reordered else EXACT))

    return make


class Kernel(Source):
    """A function for one signature."""

    def __init__(self, function: Callable[..., Any], signature: str, fastmath: frozenset[str]) -> None:
        super().__init__(function)
        self.signature = signature
        self._fastmath = fastmath
        self._entry: Callable[[int], int] | None = None

    @property
    def settings(self) -> str:
        """What besides the function's text decides on its machine code."""
        return f"{self.signature} {sorted(self._fastmath)}"

    @cached_property
    def numbas(self) -> Any:
        """What numba calls in its place."""
        from zeekml.compiled import build  # noqa: PLC0415 - brings numba

        return build.kernel(self.function, self.signature, self._fastmath)

    def __call__(self, *arguments: Any) -> int:
        """Run it. Raises TypeError for arguments that it is not for."""
        words = self._words(arguments)
        entry = self._entry or self._loaded()
        return entry(words.buffer_info()[0])

    @cached_property
    def _parameters(self) -> list[tuple[Any, int, bool]]:
        """Of each argument its dtype, its dimensions (0: a number) and whether it is written to."""
        inner = self.signature[self.signature.index("(") + 1 : self.signature.rindex(")")]
        found, at = [], 0
        while at < len(inner):
            match = _ARGUMENT.match(inner, at)
            if match is None:
                raise TypeError(f"{self.__name__}: {inner[at:]!r} is no type that kernels take")
            read, read_dimensions, other, dimensions = match.groups()
            dtype = np.dtype(_DTYPES[read or other])
            count = int(read_dimensions) if read else 0 if dimensions is None else dimensions.count(":") - 1
            found.append((dtype, count, not read))
            at = match.end()
        return found

    def _words(self, arguments: tuple[Any, ...]) -> array[int]:
        """The arguments as they lie in memory for the entry point; the arrays must outlive it."""
        parameters = self._parameters
        if len(arguments) != len(parameters):
            raise TypeError(f"{self.__name__}: {len(arguments)} arguments, expected {len(parameters)}")
        words: list[int] = []
        address = pa.py_buffer
        for place, (value, (dtype, dimensions, written)) in enumerate(
            zip(arguments, parameters, strict=True)
        ):
            if not dimensions:
                words.append(_number(value, dtype))
                continue
            if (
                type(value) is not np.ndarray
                or value.dtype != dtype
                or value.ndim != dimensions
                or not value.flags.c_contiguous
                or (written and not value.flags.writeable)
            ):
                wanted = _wanted(dtype, dimensions, written)
                raise TypeError(f"{self.__name__}: argument {place} is {_told(value)}, expected {wanted}")
            words.append(address(value).address)  # `value.ctypes.data` takes seven times as long
            words.extend(value.shape)
        return array("q", words)

    def _loaded(self) -> Callable[[int], int]:
        from zeekml.compiled.load import load  # noqa: PLC0415 - brings LLVM

        with _lock:
            if self._entry is None:
                key = key_of(self)
                found = store.read(self.__name__, key)
                if found is None:
                    found = self._built()
                    store.write(self.__name__, key, *found)
                self._entry = _Entry(load(*found))
        return self._entry

    def _built(self) -> tuple[str, bytes]:
        from zeekml.compiled.build import object_code  # noqa: PLC0415 - brings numba

        _log.info("compiling %s for this processor, once", self.__name__)
        return object_code(self.numbas, self.signature)


def _number(value: Any, dtype: np.dtype[Any]) -> int:
    if dtype.kind == "f":
        return int(struct.unpack("<q", struct.pack("<d", float(value)))[0])
    whole = int(value)
    return whole - (1 << 64) if whole >= 1 << 63 else whole  # the same bits with a sign


def _told(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return type(value).__name__
    order = "" if value.flags.c_contiguous else ", not in C order"
    return f"{value.dtype} of {value.ndim} dimensions{order}{'' if value.flags.writeable else ', read-only'}"


def _wanted(dtype: np.dtype[Any], dimensions: int, written: bool) -> str:
    return f"{dtype} of {dimensions} dimensions in C order{', to be written to' if written else ''}"

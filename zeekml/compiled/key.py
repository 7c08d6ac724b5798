"""What a kernel's machine code depends on, as one hash."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from zeekml.compiled.source import Foreign, Later, Source

#: Of our own making of machine code: another number makes every kernel anew.
_FORMAT = 1


def key_of(source: Source) -> str:
    """SHA-256 over a kernel, all that it refers to, the compiler and the processor."""
    digest = hashlib.sha256(machine().encode())
    for part in _parts(source, set()):
        digest.update(part)
        digest.update(b"\0")
    return digest.hexdigest()


@cache
def machine() -> str:
    """The compiler and the processor that machine code is made for."""
    import llvmlite  # noqa: PLC0415 - a large library
    import llvmlite.binding as llvm  # noqa: PLC0415 - a large library

    made_by = f"numba {_numba()}, llvmlite {llvmlite.__version__}, numpy {np.__version__}"
    processor = f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
    return f"{_FORMAT}, Python {sys.version_info[:2]}, {made_by}, {llvm.get_process_triple()}, {processor}"


def _numba() -> str:
    """Which numba is installed, by the file that says it: numba itself takes a second to load, and what Python knows of
    its packages brings what reads e-mails."""
    spec = find_spec("numba")
    told = None if spec is None or spec.origin is None else Path(spec.origin).with_name("_version.py")
    if told is None or not told.is_file():
        from importlib.metadata import version  # noqa: PLC0415 - see above

        return version("numba")
    return hashlib.sha256(told.read_bytes()).hexdigest()


def _parts(source: Source, seen: set[int]) -> Iterator[bytes]:
    if id(source) in seen:
        return
    seen.add(id(source))
    yield f"{source.__name__} {source.settings}".encode()
    if isinstance(source, Foreign):
        yield _text(source.module)
        return
    function = source.function
    assert isinstance(function, FunctionType)  # noqa: S101 - decorators are used on functions
    yield from _code(function.__code__)
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            yield name.encode()
            yield from _value(function.__globals__[name], seen)
    for cell in function.__closure__ or ():
        yield from _value(cell.cell_contents, seen)


@cache
def _text(module: str) -> bytes:
    """The text of a module, which is found without reading it as Python."""
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None  # noqa: S101, PT018 - a module of ours
    return Path(spec.origin).read_bytes()


def _code(code: CodeType) -> Iterator[bytes]:
    yield code.co_code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant)
        elif isinstance(constant, frozenset):
            yield repr(sorted(constant, key=repr)).encode()
        else:
            yield repr(constant).encode()
    yield repr((code.co_names, code.co_varnames, code.co_freevars)).encode()


def _names(code: CodeType) -> set[str]:
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def _value(value: Any, seen: set[int]) -> Iterator[bytes]:
    match value:
        case Source():
            yield from _parts(value, seen)
        case np.ndarray():
            yield f"{value.dtype} {value.shape}".encode()
            yield np.ascontiguousarray(value).tobytes()
        case ModuleType():
            yield value.__name__.encode()
        case BuiltinFunctionType():
            yield f"{value.__module__}.{value.__qualname__}".encode()
        case FunctionType():  # of an `emitted` function's own helpers
            yield from _code(value.__code__)
        case type():
            yield value.__qualname__.encode()
        case bool() | int() | float() | str() | None | np.generic() | Later():
            yield f"{type(value).__name__} {value!r}".encode()
        case tuple():
            for each in value:
                yield from _value(each, seen)
        case _:  # whose text may be another one in every process
            raise TypeError(
                f"a kernel refers to a {type(value).__name__}, of which no key can be made: {value!r}"
            )

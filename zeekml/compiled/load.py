"""Object code into this process, by LLVM's loader; what numba's code calls outside of itself is there as well."""

from __future__ import annotations

import importlib.util
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite.binding as llvm

_engines: list[Any] = []  # what they loaded lives as long as they do


def load(entry: str, code: bytes) -> int:
    """The address of a kernel's entry point."""
    nothing = llvm.parse_assembly("")
    engine = llvm.create_mcjit_compiler(nothing, _target())
    # An engine begins with a module, and would compile even this one: ten times the work of loading what is compiled.
    engine.remove_module(nothing)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    return int(engine.get_function_address(entry))


@cache
def _target() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    _provide_runtime()
    triple = llvm.Target.from_default_triple()
    return triple.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten()
    )


def _provide_runtime() -> None:
    """Numba's small C runtime, for scratch arrays, from its two extension modules and without the rest of numba."""
    numba = importlib.util.find_spec("numba")
    if numba is None or numba.origin is None:
        raise ImportError("numba is not installed, whose runtime the scoring kernels need")
    root = Path(numba.origin).parent
    runtime = _extension(root / "core" / "runtime", "_nrt_python").c_helpers
    helpers = _extension(root, "_helperlib").c_helpers
    for name, address in runtime.items():
        llvm.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)
    for name, address in helpers.items():
        llvm.add_symbol(f"numba_{name}", address)


def _extension(folder: Path, name: str) -> Any:
    for suffix in EXTENSION_SUFFIXES:
        if (path := folder / f"{name}{suffix}").exists():
            spec = importlib.util.spec_from_file_location(f"numba.{name}", path)
            assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - a file gives both
            module: ModuleType = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise ImportError(f"numba's {name} is not in {folder}; reinstall numba")

"""What the processor of this machine can do, as far as kernels are laid out by it."""

from __future__ import annotations


def has_wide_registers() -> bool:
    """Whether it works on 16 numbers (float32) at once and has 32 registers for them (AVX-512), instead of 8 and 16."""
    import llvmlite.binding as llvm  # noqa: PLC0415 - a large library, which kernels are loaded by

    return bool(llvm.get_host_cpu_features().get("avx512f", False))

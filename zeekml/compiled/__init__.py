"""Machine code of our own: functions over arrays that numba compiles once on a machine, and that run without it.

Numba takes a second to load and brings a hundred MiB; what it makes needs neither. So a kernel's object code is kept in
a folder (`store`), and a process that finds it there hands it to LLVM's loader (`load`) and calls it with the addresses
of its arrays (`kernel`). Only where it is missing, or was made of another source or for another processor (`key`), is
numba imported and the kernel compiled (`build`).

A module of kernels is written as numba takes it, but for the decorators: `compiled` makes a function that Python calls,
`inlined` or `routine` one that kernels call, `emitted` one that writes LLVM's instructions itself.
"""

from __future__ import annotations

from zeekml.compiled.kernel import compiled
from zeekml.compiled.source import emitted, foreign, inlined, later, routine

#: Columns that a kernel only reads, in signatures: those of a frame cannot be written to.
READ_F8 = "Array(f8, 1, 'C', readonly=True)"
READ_I8 = "Array(i8, 1, 'C', readonly=True)"
READ_I4 = "Array(i4, 1, 'C', readonly=True)"
READ_U1 = "Array(u1, 1, 'C', readonly=True)"

__all__ = [
    "READ_F8",
    "READ_I4",
    "READ_I8",
    "READ_U1",
    "compiled",
    "emitted",
    "foreign",
    "inlined",
    "later",
    "routine",
]

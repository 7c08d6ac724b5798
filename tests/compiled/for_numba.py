"""A module that needs numba when it is read, as kernels may name it."""

from __future__ import annotations

from typing import Any

from numba.extending import intrinsic


def adder(amount: float) -> Any:
    """``add(value)``: so much more."""

    @intrinsic
    def add(_context: Any, value: Any) -> Any:
        def generate(_: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.fadd(arguments[0], arguments[0].type(amount))

        return value(value), generate

    return add

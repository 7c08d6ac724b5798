"""Functions that are to be compiled, held as Python has them until numba asks for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from typing import Any, Final, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])

#: Multiply and add in one step. It is the only liberty taken by default: sums keep the order in which they are written,
#: so a row comes out the same to the last bit wherever in a batch it stands.
EXACT: Final = frozenset({"contract"})
#: Sums in any order, for those over the fixed width of one row.
REORDERED: Final = frozenset({"contract", "reassoc"})


class Source(ABC):
    """A function that kernels may call by its name. Python itself calls it as it is written, slowly."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    @property
    def settings(self) -> str:
        """What besides the function's text decides on its machine code."""
        return type(self).__name__

    @property
    @abstractmethod
    def numbas(self) -> Any:
        """What numba calls in its place."""


class Inlined(Source):
    """Becomes a part of every kernel that calls it."""

    @cached_property
    def numbas(self) -> Any:
        from zeekml.compiled.build import inline  # noqa: PLC0415 - brings numba

        return inline(self.function)


class Routine(Source):
    """Is compiled once for all that call it in a kernel: for what is large."""

    @cached_property
    def numbas(self) -> Any:
        from zeekml.compiled.build import call  # noqa: PLC0415 - brings numba

        return call(self.function)


class Emitted(Source):
    """Gives a signature and a function that writes LLVM's instructions, as numba's ``intrinsic`` wants them."""

    def __call__(self, *_arguments: Any) -> Any:
        raise TypeError(f"{self.__name__} can be called by kernels only")

    @cached_property
    def numbas(self) -> Any:
        from zeekml.compiled.build import emit  # noqa: PLC0415 - brings numba

        return emit(self.function)


class Foreign(Source):
    """Something of a module that itself needs numba, and is read only when numba is needed: an attribute, or what it
    gives when called."""

    def __init__(self, module: str, attribute: str, arguments: tuple[Any, ...] | None) -> None:
        self.module = module
        self.attribute = attribute
        self.arguments = arguments
        self.__name__ = attribute

    def __call__(self, *_arguments: Any) -> Any:
        raise TypeError(f"{self.__name__} can be called by kernels only")

    @property
    def settings(self) -> str:
        """What besides the module's text decides on its machine code."""
        return f"{self.module} {self.attribute} {self.arguments!r}"

    @cached_property
    def numbas(self) -> Any:
        """What numba calls in its place."""
        found = getattr(import_module(self.module), self.attribute)
        return found if self.arguments is None else found(*self.arguments)


class Later:
    """A module that is read when something of it is asked for."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __repr__(self) -> str:
        return f"the module {self._module}"

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._module), name)


def later(module: str) -> Any:
    """A module that `emitted` functions need, such as ``llvmlite.ir``, and nobody who only runs kernels."""
    return Later(module)


def foreign(module: str, attribute: str, *arguments: Any) -> Any:
    """An attribute of a module that is written for numba alone, or with ``arguments`` what it gives for them."""
    return Foreign(module, attribute, arguments or None)


def inlined(function: Function) -> Function:
    """A function that is compiled into the kernels that call it."""
    return cast("Function", Inlined(function))


def routine(function: Function) -> Function:
    """As `inlined`, for what is large or seldom called: it is compiled once for all calls."""
    return cast("Function", Routine(function))


def emitted(function: Callable[..., Any]) -> Any:
    """A function of numba's typing context and argument types that gives a signature and a code generator."""
    return Emitted(function)

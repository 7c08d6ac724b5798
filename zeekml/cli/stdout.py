"""Standard output that may go away: a reader that has seen enough, as ``head`` has, and a device that is full."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO, TypeVar, cast

from zeekml.errors import OutputError

_T = TypeVar("_T")


class _Guarded:
    """A stream whose failures end it: what follows goes nowhere, so that the interpreter can close it in peace.

    ``failures`` gathers them, as who writes may pass over an exception.
    """

    def __init__(self, stream: Any, failures: list[OutputError]) -> None:
        self._stream = stream
        self._failures = failures

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def buffer(self) -> _Guarded:
        """The bytes beneath a text stream."""
        return _Guarded(self._stream.buffer, self._failures)

    def write(self, data: Any) -> int:
        """Write all of ``data``; OutputError when the device refuses."""
        return self._held(lambda: self._stream.write(data), len(data))

    def flush(self) -> None:
        """Hand on what was written; OutputError when the device refuses."""
        self._held(self._stream.flush, None)

    def _held(self, act: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return act()
        except BrokenPipeError:
            self._end()
            return otherwise
        except OSError as error:
            self._end()
            failure = OutputError(
                f"standard output cannot be written: {error.strerror or error}; send it elsewhere"
            )
            self._failures.append(failure)
            raise failure from error

    def _end(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        with suppress(OSError):  # a stream without a descriptor, as in tests
            os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


@contextmanager
def guarded_stdout(stream: TextIO) -> Iterator[None]:
    """Put ``stream`` in the place of standard output, so that a reader that goes away does no harm.

    A command then ends as it would have. Raises OutputError, at the latest at the end, when what was written cannot
    be held, as on a full device.
    """
    failures: list[OutputError] = []
    guarded = _Guarded(stream, failures)
    with redirect_stdout(cast(TextIO, guarded)):
        try:
            yield
        finally:
            guarded.flush()
            if failures:
                raise failures[0]

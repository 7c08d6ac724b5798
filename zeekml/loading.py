"""Loading what a command takes, without Python's collector of cycles, which would look at all of it again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading(*, stays: bool = False) -> Iterator[None]:
    """No collection while modules, settings and models are loaded: some fifth of a small run went into them.

    ``stays``: what is in memory at the end will be as long as the process, so later collections pass over it; for a
    command, not for a library's user. Where the collector is off already nothing is changed.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if stays:
            gc.freeze()
        gc.enable()

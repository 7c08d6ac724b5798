"""Processor seconds of a process and all that it starts, whoever waits for these; Linux only."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from pathlib import Path
from typing import Final, Self

_EVERY: Final = 0.05
"""Seconds between looks: what a process does after the last look at it is not seen."""
_PARENT, _USER, _SYSTEM, _STARTED = 1, 11, 12, 19  # fields after the name, see proc(5)


class ProcessorSeconds:
    """Looks at the descendants of a process, and what those have that were there before, while it is entered."""

    def __init__(self, process: int) -> None:
        """``process``: its id."""
        self._root = process
        self._before: dict[tuple[int, int], float] = {}
        self._found: dict[tuple[int, int], float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._before = self._now()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def seconds(self) -> float:
        """What all of them had of the processors, about."""
        return sum(seconds - self._before.get(process, 0.0) for process, seconds in self._found.items())

    def _watch(self) -> None:
        while not self._ended.wait(_EVERY):
            self._found |= self._now()

    def _now(self) -> dict[tuple[int, int], float]:
        tree = seconds_of_tree(self._root)
        return {process: seconds for process, seconds in tree.items() if process[0] != self._root}


def seconds_of_tree(root: int) -> dict[tuple[int, int], float]:
    """Processor seconds of each process below ``root``, itself included, by its id and when it began."""
    children: dict[int, list[int]] = defaultdict(list)
    found: dict[int, tuple[int, float]] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        ticks = int(fields[_USER]) + int(fields[_SYSTEM])
        found[int(folder.name)] = int(fields[_STARTED]), ticks / os.sysconf("SC_CLK_TCK")
        children[int(fields[_PARENT])].append(int(folder.name))
    below, tree = [root], {}
    while below:
        process = below.pop()
        if process in found:
            started, seconds = found[process]
            tree[process, started] = seconds
        below += children[process]
    return tree

"""Two forms of one log: followed together, every connection is scored and alerted on twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

from zeekml.errors import InputError
from zeekml.operations.doctor.finding import Finding, warning
from zeekml.operations.doctor.logs import sample
from zeekml.records import discover


def check_twins(paths: Sequence[Path]) -> Iterator[Finding]:
    """Look for logs among ``paths`` (logs and folders) that hold the same connections, by the uids of the latest.

    Zeek's uids are unique, so names and forms do not matter: a log in JSON beside the same in TSV, or a copy.
    """
    uids: dict[Path, frozenset[str]] = {}
    for stream in discover([str(path) for path in paths]).streams:
        path = stream.files[-1].path
        if path is not None:
            try:
                uids[path] = sample(path).uids
            except (InputError, OSError):
                continue  # told where the log itself is looked at
    for one, other in combinations(uids, 2):
        fewer = min(len(uids[one]), len(uids[other]))
        shared = len(uids[one] & uids[other])
        if shared and shared >= fewer / 2:
            yield warning(
                f"{one} and {other} are two forms of one log: {shared:,} of the latest {fewer:,} connections are in "
                "both",
                "name the one that is meant instead of a folder with both: else every connection is scored and alerted "
                "on twice",
            )

"""The fault campaign in its long form: ``python -m tests.faults --kills 200 --seed 1``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.faults.campaign import Campaign, Result

_SHOWN = 20


def main() -> int:
    """Run a campaign and say what it found; 1 when a record is missing, twice or otherwise than in batch."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", metavar="DIR", help="an empty folder for everything, left there")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zeekml-faults-") as scratch:
        folder = Path(options.keep or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        result = Campaign(folder, options.seed, _tell).run(options.kills)
    _report(result, time.monotonic() - began)
    return 1 if result.problems else 0


def _report(result: Result, seconds: float) -> None:
    _tell(f"{seconds:.0f} s; {result.connections} connections, {result.notices} notices")
    _tell(f"{result.kills.total()} kills: {_counts(result.kills)}")
    _tell(f"of which within: {_counts(result.within)}")
    _tell(f"what happened to the logs: {_counts(result.rotations)}")
    _tell(
        f"largest difference of two scores {result.farthest:.1e}; {result.near} connections near a threshold, "
        f"{result.either_way} verdicts that could fall either way and did"
    )
    for problem in result.problems[:_SHOWN]:
        _tell(problem)
    if len(result.problems) > _SHOWN:
        _tell(f"and {len(result.problems) - _SHOWN} more")
    _tell("FAILED" if result.problems else "every record once, all as in the batch run")


def _counts(found: Counter[str]) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(found.items())) or "none"


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

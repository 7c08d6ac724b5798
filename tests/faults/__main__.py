"""The fault campaign in its long form: ``python -m tests.faults --kills 200 --seed 1``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.faults.campaign import Campaign


def main() -> int:
    """Run a campaign and say what it found; 1 when a record is missing or twice."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", metavar="DIR", help="an empty folder for everything, left there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="zeekml-faults-") as scratch:
        folder = Path(options.keep or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        result = Campaign(folder, options.seed, _tell).run(options.kills)
    kills = ", ".join(f"{number} {when}" for when, number in sorted(result.kills.items()))
    _tell(f"{result.kills.total()} kills ({kills}), {result.crashes} crashes of the sensor,")
    _tell(f"{result.connections} connections, {result.notices} notices")
    for problem in result.problems:
        _tell(problem)
    _tell("FAILED" if result.problems else "every record once, all as in the batch run")
    return 1 if result.problems else 0


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

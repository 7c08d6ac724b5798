"""How long zeekml takes to begin: ``score --help``, and a whole run over a small log.

::

    python benchmarks/startup.py --repeat 5

The run over the small log is also made once as the first after an installation, which compiles the kernels: that
happens once for a user and machine. Also says which large packages ``--help`` imports; it is to do without any of them.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # however it is started

from benchmarks.bars import Bar
from benchmarks.logs import Log
from benchmarks.processes import run, zeekml

HELP_WITHIN, FIRST_VERDICT_WITHIN = 0.3, 3.0
KERNELS_IN = "ZEEKML_CACHE_DIR"
"""Where zeekml is told to keep compiled kernels; in an empty folder it finds none, as after an installation."""
LARGE = ("torch", "pandas", "numba", "pyarrow", "numpy")


@dataclass(frozen=True)
class Startup:
    """Median seconds of whole processes; ``connections`` of the small log; ``imported`` by ``--help``, of ``LARGE``.

    ``first``: of the one run that compiled the kernels, which is held to nothing.
    """

    help_s: float
    help_cpu_s: float
    imported: list[str]
    connections: int
    score_s: float
    score_cpu_s: float
    score_mib: float
    first_s: float
    first_cpu_s: float
    first_mib: float

    @property
    def bars(self) -> list[Bar]:
        """What they are held to."""
        return [
            Bar("zeekml score --help, s", self.help_s, most=HELP_WITHIN),
            Bar("large packages that it imports", len(self.imported), most=0),
            Bar(f"a log of {self.connections:,} connections, s", self.score_s, most=FIRST_VERDICT_WITHIN),
        ]


def measured(connections: int, repeat: int, folder: Path, model: str | None = None) -> Startup:
    """Runs both ``repeat`` times after one that fills the caches of disk and compiler; then as a first run."""
    log, helping = Log(connections).made(folder), zeekml("score", "--help")
    score = zeekml("score", str(log), *(["--model", model] if model else []))
    turns = [
        (run(helping), run([*score, "--out", str(folder / f"out-{turn}")])) for turn in range(repeat + 1)
    ]
    helped, scored = zip(*turns[1:], strict=True)
    # Last, so that it reads libraries from memory as the others do: what it takes longer is compiling.
    first = run([*score, "--out", str(folder / "out-first")], variables={KERNELS_IN: str(folder / "kernels")})
    return Startup(
        help_s=statistics.median(one.wall_s for one in helped),
        help_cpu_s=statistics.median(one.cpu_s for one in helped),
        imported=imported_by(helping),
        connections=connections,
        score_s=statistics.median(one.wall_s for one in scored),
        score_cpu_s=statistics.median(one.cpu_s for one in scored),
        score_mib=max(one.peak_mib for one in scored),
        first_s=first.wall_s,
        first_cpu_s=first.cpu_s,
        first_mib=first.peak_mib,
    )


def imported_by(command: Sequence[str]) -> list[str]:
    """Which large packages a Python command imports."""
    python, *rest = command
    said = run([python, "-X", "importtime", *rest]).said
    return [name for name in LARGE if re.search(rf"\|\s*{name}$", said, re.MULTILINE)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, measures, prints."""
    parser = argparse.ArgumentParser(description="Measures how long zeekml takes to begin.")
    parser.add_argument("--connections", type=int, default=1_000, help="size of the small log (default 1000)")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each; medians are taken (default 5)")
    parser.add_argument("--model", help="passed to zeekml score")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="zeekml-startup-") as scratch:
        found = measured(options.connections, options.repeat, Path(scratch), options.model)
    if options.json:
        print(json.dumps(asdict(found) | {"repeat": options.repeat}))
        return 0
    for bar in found.bars:
        print(f"{bar.name:<36} {bar.value:8.2f}  ({bar.bar}: {'held' if bar.held else 'NOT held'})")
    print(f"{'memory of that run, MiB':<36} {found.score_mib:8.0f}")
    print(f"{'the first run, which compiles, s':<36} {found.first_s:8.2f}")
    print(f"{'memory of the first run, MiB':<36} {found.first_mib:8.0f}")
    print(f"imported by --help: {', '.join(found.imported) or 'none of ' + ', '.join(LARGE)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

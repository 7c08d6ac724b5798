"""How fast ``zeekml score`` is on a made conn.log, and in how much memory; beside it zat, only reading.

Every measurement is a whole process, start-up included: wall time from start to exit, processor time and
peak resident memory as the kernel counts them for that process. Run it from anywhere::

    python benchmarks/throughput.py --sizes 1000000,5000000

This process stays small on purpose and imports neither numpy nor zeekml: the kernel counts the memory of a
parent at the moment of the fork as its child's (getrusage(2), ru_maxrss).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEED = 1
KIB_PER_MIB = 1024

ZAT_READS = """
import sys
from zat.log_to_dataframe import LogToDataFrame
print(len(LogToDataFrame().create_dataframe(sys.argv[1])))
"""


@dataclass(frozen=True)
class Run:
    """One finished process: seconds by the clock and of processor, peak resident MiB."""

    wall_s: float
    cpu_s: float
    peak_mib: float


@dataclass(frozen=True)
class Row:
    """One line of the table: the medians of a tool's runs on one log."""

    tool: str
    connections: int
    log_mib: float
    wall_s: float
    cpu_s: float
    peak_mib: float
    connections_per_s: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, measures, prints; returns the exit status."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="zeekml-throughput-") as scratch:
        folder = Path(options.dir or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        rows = [row for size in options.sizes for row in _measured(size, folder, Path(scratch), options)]
    if options.json:
        machine = {
            "processors": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
        }
        print(
            json.dumps(
                {"machine": machine, "threads": options.threads, "rows": [asdict(row) for row in rows]}
            )
        )
    else:
        _print_table(rows)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures zeekml score, and zat reading the same log.")
    parser.add_argument("--connections", type=int, help="one size; the same as --sizes N (default 1000000)")
    parser.add_argument("--sizes", type=_numbers, help="several sizes, joined with commas")
    parser.add_argument(
        "--format", choices=("tsv", "json", "eve"), default="tsv", help="format of the log (zat: tsv only)"
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="passed to zeekml score (default 1, as its own)"
    )
    parser.add_argument(
        "--repeat", type=int, default=1, help="runs of each; the median is printed (default 1)"
    )
    parser.add_argument("--dir", help="keep and reuse the made logs here (default: a temporary folder)")
    parser.add_argument("--log-threshold", help="passed to zeekml score; 0 writes every connection")
    parser.add_argument("--model", help="passed to zeekml score")
    parser.add_argument(
        "--zat-up-to", type=int, default=1_000_000, metavar="N",
        help="largest log that zat reads: its memory grows with the log (default 1000000; 0: never)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    options.sizes = options.sizes or [options.connections or 1_000_000]
    if min(options.sizes) < 1 or options.repeat < 1:
        parser.error("sizes and --repeat must be 1 or more")
    return options


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _measured(size: int, folder: Path, scratch: Path, options: argparse.Namespace) -> list[Row]:
    log = _made_log(size, folder, options.format)
    score = [sys.executable, "-m", "zeekml", "score", str(log), "--threads", str(options.threads)]
    for name in ("log_threshold", "model"):
        if (value := getattr(options, name)) is not None:
            score += [f"--{name.replace('_', '-')}", value]
    runs = [_run([*score, "--out", str(scratch / f"out-{size}-{turn}")]) for turn in range(options.repeat)]
    rows = [_row("zeekml score", size, log, runs)]
    if options.format == "tsv" and size <= options.zat_up_to:
        read = [sys.executable, "-c", ZAT_READS, str(log)]
        rows.append(_row("zat, read only", size, log, [_run(read) for _ in range(options.repeat)]))
    return rows


def _made_log(size: int, folder: Path, log_format: str) -> Path:
    log = folder / f"conn-{size}-{SEED}.{log_format}.log"
    if not log.exists():
        _run([
            sys.executable, "-m", "zeekml", "simulate", "--out", str(log), "--format", log_format,
            "--connections", str(size), "--seed", str(SEED),
        ])  # fmt: skip
    return log


def _run(command: list[str]) -> Run:
    """Runs one process to its end; exits with its words when it fails."""
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        # From the root of the repository, so that -m zeekml works installed or not.
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            text = said.read()[-4000:].decode(errors="replace")
            sys.exit(f"{' '.join(command)}\nended with status {process.returncode}:\n{text}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / KIB_PER_MIB)


def _row(tool: str, size: int, log: Path, runs: list[Run]) -> Row:
    wall = statistics.median(run.wall_s for run in runs)
    return Row(
        tool=tool,
        connections=size,
        log_mib=round(log.stat().st_size / KIB_PER_MIB**2, 1),
        wall_s=round(wall, 3),
        cpu_s=round(statistics.median(run.cpu_s for run in runs), 3),
        peak_mib=round(max(run.peak_mib for run in runs), 1),
        connections_per_s=round(size / wall, 1),
    )


def _print_table(rows: list[Row]) -> None:
    print("tool             connections   log MiB   wall s    cpu s     conn/s  peak MiB")
    for row in rows:
        print(
            f"{row.tool:<16} {row.connections:>12,} {row.log_mib:>9.1f} {row.wall_s:>8.2f} "
            f"{row.cpu_s:>8.2f} {row.connections_per_s:>10,.0f} {row.peak_mib:>9.0f}"
        )
    for ours, zat in pairwise(rows):
        if zat.tool != ours.tool and zat.connections == ours.connections:
            time_share, memory_share = zat.wall_s / ours.wall_s, zat.peak_mib / ours.peak_mib
            print(
                f"{ours.connections:,} connections: zat only to read / zeekml to score: "
                f"{time_share:.2f} of the time, {memory_share:.2f} of the memory"
            )


if __name__ == "__main__":
    sys.exit(main())

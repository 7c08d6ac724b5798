"""What a connection costs on Spark, beside ``zeekml score``, how that grows with workers, and what an archive would
cost.

Every measurement is a whole process, start-up included, in wall time and in that of the processors, which other work
on the machine hardly changes. In one run, on one made conn.log: ``zeekml score``, then ``zeekml score --engine spark``
in ``local[1]`` and ``local[2]``, and the same on a log of 1,000 connections, which tells what a run costs before its
first connection. Run it from anywhere::

    python benchmarks/spark.py --connections 5000000
    python benchmarks/spark.py --connections 5000000 --archive 1e12 --core-hour 0.05
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.processes import run, zeekml
from benchmarks.processor import ProcessorSeconds

ROOT = Path(__file__).resolve().parent.parent
SMALL = 1000
WORKERS = (1, 2)


@dataclass(frozen=True)
class Measured:
    """Wall seconds: of ``zeekml score``, and by workers of Spark; each on the log and on the small one. ``processor``:
    what the runs on the log had of the processors beyond those on the small one, in seconds; by workers, 0: plain."""

    connections: int
    plain: float
    plain_start: float
    spark: dict[int, float]
    spark_start: dict[int, float]
    processor: dict[int, float]

    @property
    def ratio(self) -> float:
        """Spark on two workers beside ``zeekml score``, both whole processes on two cores."""
        return self.spark[2] / self.plain

    @property
    def ratio_of_connections(self) -> float:
        """The same without what comes before the first connection."""
        return (self.spark[2] - self.spark_start[2]) / (self.plain - self.plain_start)

    def core_seconds(self, workers: int) -> float:
        """Of one connection, on one of so many workers: (wall - start) x workers / connections."""
        return (self.spark[workers] - self.spark_start[workers]) * workers / self.connections


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, measures, prints; returns the exit status."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="zeekml-spark-") as scratch:
        measured = _measured(options.connections, options.repeat, Path(options.dir or scratch), Path(scratch))
    print(_as_json(measured, options) if options.json else _as_text(measured, options))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures zeekml score on Spark.")
    parser.add_argument("--connections", type=int, default=5_000_000, help="of the log (default 5000000)")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each; medians are taken (default 1)")
    parser.add_argument("--dir", help="keep and reuse the made logs here (default: a temporary folder)")
    parser.add_argument(
        "--archive", type=float, default=1e12, help="connections of an archive (default 1e12)"
    )
    parser.add_argument(
        "--core-hour",
        type=float,
        default=0.05,
        help="price of a core for an hour, an assumption (default 0.05)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    options = parser.parse_args(arguments)
    if options.connections <= SMALL or options.repeat < 1:
        parser.error(f"--connections must be above {SMALL}, --repeat 1 or more")
    return options


def _measured(connections: int, repeat: int, folder: Path, scratch: Path) -> Measured:
    folder.mkdir(parents=True, exist_ok=True)
    small, log = (_made_log(size, folder) for size in (SMALL, connections))

    def cost(path: Path, workers: int) -> tuple[float, float]:
        engine = ["--engine", "spark", "--master", f"local[{workers}]"] if workers else []
        command = ["score", str(path), "--out", str(scratch / "out"), "--quiet", *engine]
        wall, processor = zip(*(_run(command) for _ in range(repeat)), strict=True)
        return statistics.median(wall), statistics.median(processor)

    ways = (0, *WORKERS)
    large, little = ({way: cost(path, way) for way in ways} for path in (log, small))
    return Measured(
        connections,
        large[0][0],
        little[0][0],
        {way: large[way][0] for way in WORKERS},
        {way: little[way][0] for way in WORKERS},
        {way: large[way][1] - little[way][1] for way in ways},
    )


def _made_log(size: int, folder: Path) -> Path:
    log = folder / f"conn-{size}.log"
    if not log.exists():
        _run(["simulate", "--out", str(log), "--connections", str(size), "--seed", "1"])
    return log


def _run(arguments: list[str]) -> tuple[float, float]:
    """Runs one process to its end, from the root of the repository; gives its wall and its processor seconds."""
    with ProcessorSeconds(os.getpid()) as processor:
        done = run(zeekml(*arguments))
    return done.wall_s, processor.seconds


def _archive(measured: Measured, options: argparse.Namespace) -> dict[str, float]:
    """What an archive costs: core hours at the cost measured on two workers, and their price."""
    core_hours = options.archive * measured.core_seconds(2) / 3600
    return {"connections": options.archive, "core_hours": core_hours, "price": core_hours * options.core_hour}


def _as_json(measured: Measured, options: argparse.Namespace) -> str:
    return json.dumps(
        {
            "processors": os.cpu_count(),
            "connections": measured.connections,
            "plain_s": measured.plain,
            "spark_s": measured.spark,
            "plain_start_s": measured.plain_start,
            "spark_start_s": measured.spark_start,
            "processor_s_after_start": measured.processor,
            "ratio": measured.ratio,
            "ratio_of_connections": measured.ratio_of_connections,
            "archive": _archive(measured, options),
        }
    )


def _as_text(measured: Measured, options: argparse.Namespace) -> str:
    archive = _archive(measured, options)
    speed_up = (measured.spark[1] - measured.spark_start[1]) / (measured.spark[2] - measured.spark_start[2])
    lines = [
        f"{measured.connections:,} connections, {os.cpu_count()} processors",
        "run                        wall s   of it start s   us/conn after start   of processors",
        _row("zeekml score", measured, 0),
        *(_row(f"spark, local[{n}]", measured, n) for n in WORKERS),
        f"spark on two workers / zeekml score: {measured.ratio:.2f} as whole processes, "
        f"{measured.ratio_of_connections:.2f} after the start; of processor time after the start: "
        f"{measured.processor[2] / measured.processor[0]:.2f}",
        f"two workers / one: {speed_up:.2f} times as fast after the start",
        f"an archive of {archive['connections']:.3g} connections: {archive['core_hours']:,.0f} core hours; "
        f"at {options.core_hour} a core hour (an assumption): {archive['price']:,.0f}",
    ]
    for cores in (64, 512, 4096):
        hours = (measured.spark_start[2] + archive["core_hours"] * 3600 / cores) / 3600
        lines.append(f"  on {cores:,} cores, were they to grow like that: {hours:,.1f} h")
    return "\n".join(lines)


def _row(name: str, measured: Measured, workers: int) -> str:
    wall = measured.spark[workers] if workers else measured.plain
    start = measured.spark_start[workers] if workers else measured.plain_start
    each, processor = (
        1e6 * seconds / measured.connections for seconds in (wall - start, measured.processor[workers])
    )
    return f"{name:<24} {wall:>9.1f} {start:>15.1f} {each:>21.2f} {processor:>15.2f}"


if __name__ == "__main__":
    sys.exit(main())

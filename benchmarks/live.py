"""How ``zeekml watch`` keeps up with a live log: a steady rate, one line at a time, and a burst.

``soak`` appends so many connections a second and prints how late their lines stand in zeekml.log; ``idle`` prints how
long one line takes on a sensor where nothing else happens; ``burst`` appends many at once and prints how fast they
are caught up, beside ``zeekml score`` of the same connections in the same run; ``quiet`` sends nothing at all. Each
prints the processor share of the watch and its memory, quarter by quarter. Run it from anywhere::

    python benchmarks/live.py soak --rate 20000 --seconds 60
    python benchmarks/live.py idle --lines 100
    python benchmarks/live.py burst --connections 1000000
    python benchmarks/live.py quiet --seconds 60
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # however it is started
from benchmarks.processes import environment

ROOT = Path(__file__).resolve().parent.parent
SEED = 1
PATIENCE = 600.0
_TICK = 0.01
_SAMPLE = 0.25
_AT_ONCE = 100_000
_PER_MIB = 1024


class Output:
    """Counts the records of zeekml.log as they are appended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = 0
        self._offset = 0

    def look(self) -> int:
        """How many records there are now."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return 0
        self._offset += len(data)
        self.records += data.count(b"\n") - data.count(b"\n#") - data.startswith(b"#")
        return self.records

    def wait_for(self, number: int, tick: float = _TICK / 10) -> None:
        """Return when there are so many."""
        ends = time.monotonic() + PATIENCE
        while self.look() < number:
            if time.monotonic() > ends:
                sys.exit(f"only {self.records} of {number} records after {PATIENCE:g} s")
            time.sleep(tick)


class Watched:
    """A ``zeekml watch`` of an empty log, ready to score; its memory is sampled."""

    def __init__(self, folder: Path, lines: Sequence[bytes], options: argparse.Namespace) -> None:
        self.log = folder / "conn.log"
        self.header = [line for line in lines if line.startswith(b"#") and not line.startswith(b"#close")]
        self.connections = [line for line in lines if not line.startswith(b"#")]
        self.sent = 0
        self.log.write_bytes(b"".join(self.header))
        self._file = self.log.open("ab", buffering=0)
        self.output = Output(folder / "out" / "zeekml.log")
        config = folder / "zeekml.yaml"
        config.write_text("metrics: {listen: ''}\n")
        command = [
            sys.executable,
            "-m",
            "zeekml",
            "watch",
            str(self.log),
            "--from-start",
            "--config",
            str(config),
        ]
        command += ["--out", str(folder / "out"), "--state", str(folder / "state"), "--log-threshold", "0"]
        if options.model:
            command += ["--model", options.model]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL)
        self._resident: list[float] = []
        self._measured = threading.Event()
        self._sampler = threading.Thread(target=self._sample)
        self.lead_in(1)

    def lead_in(self, number: int) -> None:
        """Have so many connections scored before anything is measured, some at a time."""
        ends = self.sent + number
        while self.sent < ends:
            self.send(min(_AT_ONCE, ends - self.sent))
            self.output.wait_for(self.sent, tick=_TICK)

    def measure(self) -> None:
        """What `print_costs` tells begins now."""
        self.cpu_before, self.began = self.cpu(), time.monotonic()
        self._sampler.start()

    def _sample(self) -> None:
        while not self._measured.wait(_SAMPLE):
            self._resident.append(self.memory())

    def send(self, number: int) -> None:
        """Append so many connections in one write."""
        self._file.write(b"".join(self.connections[self.sent : self.sent + number]))
        self.sent += number

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, name: str = "VmRSS") -> float:
        """Resident MiB now; ``VmHWM``: at most."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition(f"{name}:")[2].split()[0]) / _PER_MIB

    def print_costs(self) -> None:
        """What the work since `measure` took."""
        share = (self.cpu() - self.cpu_before) / (time.monotonic() - self.began)
        self._measured.set()
        self._sampler.join()
        self._resident.append(self.memory())
        quarters = [statistics.mean(part) for part in _quarters(self._resident)]
        print(f"processor            {share:10.4f} cores")
        print(f"memory, by quarters  {' '.join(f'{each:.0f}' for each in quarters):>10} MiB")
        print(f"memory, peak         {self.memory('VmHWM'):10.0f} MiB")

    def close(self) -> None:
        """End it in order."""
        self._measured.set()
        self._file.close()
        self.process.terminate()
        self.process.wait()


def soak(watched: Watched, options: argparse.Namespace) -> None:
    """A steady rate. The lag of a connection: from its write to the moment its record is seen in zeekml.log."""
    sent: list[tuple[float, int]] = []  # when so many had been sent
    seen: list[tuple[float, int]] = []  # when so many were there
    before = watched.sent
    total, finished = options.rate * options.seconds + before, threading.Event()

    def look() -> None:
        while not finished.is_set() or watched.output.records < total:
            seen.append((time.monotonic(), watched.output.look()))
            time.sleep(_TICK)
            if time.monotonic() > ends:
                break

    began = time.monotonic()
    ends = began + options.seconds + PATIENCE
    looker = threading.Thread(target=look)
    looker.start()
    while watched.sent < total:
        due = min(total, before + int((time.monotonic() - began) * options.rate))
        if due > watched.sent:
            watched.send(due - watched.sent)
            sent.append((time.monotonic(), watched.sent))
        time.sleep(_TICK)
    took = time.monotonic() - began
    finished.set()
    looker.join()
    lags = sorted(_lags(sent, seen))
    print(f"connections a second {(total - before) / took:10,.0f} for {took:.0f} s, after {before:,} others")
    for name, share in (("p50", 0.5), ("p99", 0.99), ("most", 1.0)):
        print(f"lag, {name:<15} {lags[int(share * (len(lags) - 1))]:10.3f} s")
    watched.print_costs()


def _lags(sent: Sequence[tuple[float, int]], seen: Sequence[tuple[float, int]]) -> Iterator[float]:
    """The lag of the last connection of each write."""
    place = 0
    for moment, number in sent:
        while place < len(seen) - 1 and seen[place][1] < number:
            place += 1
        yield max(0.0, seen[place][0] - moment)


def _quarters(values: Sequence[float]) -> list[Sequence[float]]:
    """The values in four parts, one value at least in each."""
    cuts = [len(values) * part // 4 for part in range(5)]
    return [values[first : max(last, first + 1)] for first, last in pairwise(cuts)]


def idle(watched: Watched, options: argparse.Namespace) -> None:
    """One line at a time, with quiet between."""
    times = []
    for _ in range(options.lines):
        time.sleep(options.quiet)
        began = time.monotonic()
        watched.send(1)
        watched.output.wait_for(watched.sent)
        times.append(time.monotonic() - began)
    print(
        f"a line on an idle sensor: median {statistics.median(times) * 1000:.0f} ms of {len(times)}, ", end=""
    )
    print(f"most {max(times) * 1000:.0f} ms")
    watched.print_costs()


def burst(watched: Watched, options: argparse.Namespace) -> None:
    """Many at once; then the same in batch."""
    first, began = watched.sent, time.monotonic()
    watched.send(options.connections)
    watched.output.wait_for(watched.sent, tick=_TICK)
    took = time.monotonic() - began
    print(f"caught up            {took:10.1f} s: {options.connections / took:,.0f} connections a second")
    watched.print_costs()
    batch = _batch(watched, first, options)
    print(f"in batch             {batch:10.1f} s, the process from start to exit")


def quiet(watched: Watched, options: argparse.Namespace) -> None:
    """Nothing happens: what a watch costs by being there."""
    time.sleep(options.seconds)
    print(f"quiet for            {options.seconds:10.0f} s")
    watched.print_costs()


def _batch(watched: Watched, first: int, options: argparse.Namespace) -> float:
    """The seconds that ``zeekml score`` takes over the connections from ``first`` on."""
    log = watched.log.with_name("same.log")
    log.write_bytes(b"".join([*watched.header, *watched.connections[first:]]))
    command = [sys.executable, "-m", "zeekml", "score", str(log), "--out", str(log.with_name("batch"))]
    command += ["--log-threshold", "0", "--quiet", *(["--model", options.model] if options.model else [])]
    began = time.monotonic()
    subprocess.run(command, cwd=ROOT, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


@contextmanager
def _watched(number: int, options: argparse.Namespace) -> Iterator[Watched]:
    with tempfile.TemporaryDirectory(prefix="zeekml-live-", dir=options.dir) as scratch:
        folder = Path(scratch)
        made = folder / "made.log"
        subprocess.run(
            [sys.executable, "-m", "zeekml", "simulate", "--out", str(made), "--connections", str(number + 1),
             "--seed", str(SEED)],
            cwd=ROOT, env=environment(), check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        lines = made.read_bytes().splitlines(keepends=True)
        made.unlink()
        watched = Watched(folder, lines, options)
        try:
            yield watched
        finally:
            watched.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, measures, prints."""
    parser = argparse.ArgumentParser(description="Measures zeekml watch on a live log.")
    parser.add_argument("--model", help="passed to zeekml watch")
    parser.add_argument(
        "--dir", help="where the log, the outputs and the state are (default: the temporary folder)"
    )
    what = parser.add_subparsers(dest="what", required=True)
    command = what.add_parser("soak", help="a steady rate")
    command.add_argument("--rate", type=int, default=20_000, help="connections a second")
    command.add_argument("--seconds", type=int, default=60)
    command.add_argument(
        "--lead-in",
        type=int,
        default=1_000_000,
        help="connections scored before, so that hosts and pairs are held",
    )
    command = what.add_parser("idle", help="one line at a time")
    command.add_argument("--lines", type=int, default=100)
    command.add_argument("--quiet", type=float, default=0.5, help="seconds between lines")
    command = what.add_parser("burst", help="many at once")
    command.add_argument("--connections", type=int, default=1_000_000)
    command = what.add_parser("quiet", help="nothing at all")
    command.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args(arguments)
    match options.what:
        case "soak":
            number, measure = options.lead_in + options.rate * options.seconds, soak
        case "idle":
            number, measure = options.lines, idle
        case "quiet":
            number, measure = 0, quiet
        case _:
            number, measure = options.connections, burst
    with _watched(number, options) as watched:
        watched.lead_in(getattr(options, "lead_in", 0))
        watched.measure()
        measure(watched, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What zeekml costs a small sensor: disk, start-up, memory, and the processor while nothing happens.

Prints four tables: what the packages take on the disk; how long help takes to come; what ``zeekml score`` of a small
and a larger log takes with the network run by the kernels, by ONNX Runtime and by PyTorch; and what an idle
``zeekml watch`` takes with each. Run it from anywhere, on a machine that does nothing else::

    python benchmarks/small_sensor.py --seconds 60
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # however it is started
from benchmarks.processes import environment
from zeekml.resources import DEFAULT_MODEL

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 120.0
_MIB = 1 << 20
_KERNELS, _ONNX, _TORCH = "kernels", "ONNX Runtime", "PyTorch"
#: The network of the shipped kind by PyTorch: as if the kernels did not know it.
_BY_TORCH = """
import sys
from zeekml.scoring.kernels import network
network.is_compiled = lambda *_: False
from zeekml.cli import main
main(sys.argv[1:])
"""


def installed() -> dict[str, float]:
    """MiB of the packages of each way to run the network, and of those that all of them need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = _closure([Requirement(text) for text in project["dependencies"]])
    compiler = _closure([Requirement("numba")]) - _closure([Requirement("pandas")])
    sizes = {"all that scoring needs": _mib(base), "  of it numba and llvmlite": _mib(compiler)}
    for name, package in ((_ONNX, "onnxruntime"), (_TORCH, "torch")):
        sizes[f"{name} on top"] = _mib(_closure([Requirement(package)]) - base)
    return sizes


def _closure(requirements: Sequence[Requirement]) -> set[str]:
    """The distributions that these bring, of those that are installed here; extras apart."""
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in found or (
            requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})
        ):
            continue
        try:
            further = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(name)
        waiting += [Requirement(text) for text in further]
    return found


def _mib(names: set[str]) -> float:
    """What the files of these distributions take, compiled modules included."""
    total = 0
    for name in names:
        for file in importlib.metadata.files(name) or []:
            path = Path(str(file.locate()))
            total += path.stat().st_size if path.is_file() else 0
    return total / _MIB


def timed(command: Sequence[str]) -> tuple[float, float, float]:
    """A command's seconds, its processor seconds, and its most resident MiB."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} failed with {process.returncode}")
    return took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def medians(runs: Sequence[tuple[float, float, float]]) -> list[float]:
    """The median of each figure."""
    return [statistics.median(figure) for figure in zip(*runs, strict=True)]


def command(runner: str, models: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """What stands before and after the arguments of a command whose network is to be run by this."""
    if runner == _TORCH:
        return [sys.executable, "-c", _BY_TORCH], []
    return [sys.executable, "-m", "zeekml"], ["--model", models[runner]]


class Idle:
    """A ``zeekml watch`` of a log in which something has been scored, and nothing more comes."""

    def __init__(self, folder: Path, log: Path, runner: str, models: Mapping[str, str]) -> None:
        lines = log.read_bytes().splitlines(keepends=True)
        header = [line for line in lines if line.startswith(b"#") and not line.startswith(b"#close")]
        self._left: Iterator[bytes] = iter([line for line in lines if not line.startswith(b"#")])
        before, after = command(runner, models)
        self._log = folder / "conn.log"
        self._log.write_bytes(b"".join(header) + b"".join(next(self._left) for _ in range(500)))
        (folder / "zeekml.yaml").write_text("metrics: {listen: ''}\n")
        arguments = ["watch", str(self._log), "--from-start", "--config", str(folder / "zeekml.yaml"),
                     "--out", str(folder / "out"), "--state", str(folder / "state")]  # fmt: skip
        self.process = subprocess.Popen(
            [*before, *arguments, *after], cwd=ROOT, env=environment(), stderr=subprocess.DEVNULL
        )
        self._wait_for(folder / "out" / "notice.log")

    def _wait_for(self, path: Path) -> None:
        ends = time.monotonic() + PATIENCE
        while not path.is_file():
            if time.monotonic() > ends or self.process.poll() is not None:
                sys.exit("the watch did not begin")
            time.sleep(0.1)
        time.sleep(3)  # until what a beginning leaves to do is done

    def measured(self, seconds: float, every: float) -> tuple[float, float]:
        """Per cent of a core, and resident MiB, over so many seconds; with a line ``every`` so often, 0: none."""
        before, began = self._cpu(), time.monotonic()
        due = began + every
        with self._log.open("ab", buffering=0) as log:
            while (now := time.monotonic()) < began + seconds:
                if every and now >= due:
                    log.write(next(self._left))
                    due += every
                time.sleep(0.1)
        return 100 * (self._cpu() - before) / (time.monotonic() - began), self._resident()

    def _cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _resident(self) -> float:
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1]) / 1024


@contextmanager
def idle(folder: Path, log: Path, runner: str, models: Mapping[str, str]) -> Iterator[Idle]:
    """Such a watch, ended afterwards."""
    folder.mkdir()
    watched = Idle(folder, log, runner, models)
    try:
        yield watched
    finally:
        watched.process.terminate()
        watched.process.wait()


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table for a page."""
    print(f"| {' | '.join(heads)} |")
    print(f"|{' --- |' * len(heads)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print()


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, measures, prints."""
    parser = argparse.ArgumentParser(description="Measures what zeekml costs a small sensor.")
    parser.add_argument("--connections", type=int, default=50_000, help="connections of the larger log")
    parser.add_argument("--seconds", type=float, default=60, help="that an idle watch is measured for")
    parser.add_argument("--every", type=float, default=10, help="seconds from line to line of a quiet log")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each command; medians are taken")
    options = parser.parse_args(arguments)

    print("On the disk:\n")
    table(["packages", "MiB"], [[name.strip(), f"{size:.0f}"] for name, size in installed().items()])

    print("Help:\n")
    rows = []
    for words in (["--help"], ["score", "--help"]):
        runs = [timed([sys.executable, "-m", "zeekml", *words]) for _ in range(options.repeat)]
        took, cpu, _ = medians(runs)
        rows.append([f"`zeekml {' '.join(words)}`", f"{took:.2f}", f"{cpu:.2f}"])
    table(["command", "s", "processor s"], rows)

    with tempfile.TemporaryDirectory(prefix="zeekml-small-") as scratch:
        folder = Path(scratch)
        models = {_KERNELS: DEFAULT_MODEL, _ONNX: str(folder / "graph")}
        _quietly(["model", "export", DEFAULT_MODEL, "--onnx", models[_ONNX]])
        logs = {1000: folder / "small.log", options.connections: folder / "larger.log"}
        for number, log in logs.items():
            _quietly(["simulate", "--out", str(log), "--connections", str(number), "--seed", "1"])
        print("`zeekml score`, the whole process:\n")
        rows = []
        for runner in (_KERNELS, _ONNX, _TORCH):
            before, after = command(runner, models)
            for number, log in logs.items():
                words = [*before, "score", str(log), "--out", str(folder / "out"), "--quiet", *after]
                timed(words)  # compiles the kernels, if need be
                took, cpu, memory = medians([timed(words) for _ in range(options.repeat)])
                rows.append([runner, f"{number:,}", f"{took:.2f}", f"{cpu:.2f}", f"{memory:.0f}"])
        table(["network run by", "connections", "s", "processor s", "most MiB"], rows)

        print(f"`zeekml watch`, idle for {options.seconds:g} s:\n")
        rows = []
        for place, runner in enumerate((_KERNELS, _ONNX, _TORCH)):
            with idle(folder / str(place), logs[1000], runner, models) as watched:
                still, memory = watched.measured(options.seconds, 0)
                now_and_then, _ = watched.measured(options.seconds, options.every)
            rows.append([runner, f"{still:.2f} %", f"{now_and_then:.2f} %", f"{memory:.0f}"])
        table(["network run by", "of a core", f"with a line every {options.every:g} s", "MiB"], rows)
    return 0


def _quietly(arguments: Sequence[str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "zeekml", *arguments], cwd=ROOT, env=environment(), check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())

"""Where ``zeekml score`` spends its time: py-spy's samples as a short table for each thread.

::

    python benchmarks/profiled.py conn.log --out before.txt
    python benchmarks/profiled.py conn.log --tree ../earlier --out before.txt
    python benchmarks/profiled.py --subprocesses -- conn.log --engine spark --master 'local[2]'
    python benchmarks/profiled.py --samples samples.txt

The second form watches the zeekml of another checkout, by this one's Python; the third also the Python processes that
Spark starts; the last makes the table of what ``py-spy record --format raw --threads`` wrote. ``benchmarks/profiles``
keeps one table of before and one of after for what was made faster: the share of a function tells where to look, the
seconds of the whole run what it came to.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # however it is started

from benchmarks.processes import ROOT, environment, run, zeekml
from benchmarks.processor import ProcessorSeconds

_THREAD = re.compile(r"thread \((?P<number>[^)]*)\)(?:: (?P<name>.*))?")
_OURS = "(zeekml/"  # what Python and the command line do around it is the same in every run
_PROCESS = re.compile(r"process (?P<number>\d+):.*")
_FRAME = re.compile(r"(?P<function>.*) \((?P<file>.*?)(?::\d+)?\)")


@dataclass
class Thread:
    """The samples of one thread: all, and those of each function, at the top of the stack or anywhere in it."""

    name: str
    samples: int = 0
    own: Counter[str] = field(default_factory=Counter)
    inclusive: Counter[str] = field(default_factory=Counter)


def threads(lines: Iterable[str]) -> list[Thread]:
    """The threads in py-spy's raw samples (``frame;frame;... count``), the busiest first.

    Processes, if there are several, are numbered in the order in which they were seen. A function is known by its name
    and file; lines within it are one. Raises ValueError at a line that is none.
    """
    found: dict[str, Thread] = {}
    names: dict[str, str] = {}
    processes: dict[str, int] = {}
    for line in filter(str.strip, lines):
        stack, _, count = line.rstrip().rpartition(" ")
        above, (first, *frames) = _processes(stack.split(";"))
        begins = _THREAD.fullmatch(first)
        if begins is None or not count.isdigit():
            raise ValueError(f"{line[:80]!r}: expected py-spy's raw samples, taken with --threads")
        process = processes.setdefault(above, len(processes))
        key = f"{process} {begins['number']}"
        if begins["name"]:
            names[key] = begins["name"]
        thread = found.setdefault(key, Thread(""))
        thread.samples += int(count)
        functions = [_function(frame) for frame in frames]
        for function in set(functions):
            thread.inclusive[function] += int(count)
        if functions:
            thread.own[functions[-1]] += int(count)
    for number, (key, thread) in enumerate(found.items()):
        thread.name = names.get(key, f"thread {number}")
        if len(processes) > 1:
            thread.name += f" of process {key.partition(' ')[0]}"
    return sorted(found.values(), key=lambda thread: -thread.samples)


def _processes(frames: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The number of the process of a stack, "" where it does not say, and below it its thread and functions."""
    above = [at for at, frame in enumerate(frames) if _PROCESS.fullmatch(frame)]
    if not above:
        return "", frames
    found = _PROCESS.fullmatch(frames[above[-1]])
    return found["number"] if found else "", frames[above[-1] + 1 :] or [""]


def _function(frame: str) -> str:
    parts = _FRAME.fullmatch(frame)
    return frame if parts is None else f"{parts['function']} ({parts['file']})"


def table(found: Sequence[Thread], *, rate: int, top: int) -> str:
    """The ``top`` functions of each thread, by their own time and with what they call; ``rate``: samples a second."""
    lines = []
    for thread in found:
        lines.append(f"{thread.name}: {thread.samples / rate:.2f} s in {thread.samples:,} samples")
        ours = Counter({name: count for name, count in thread.inclusive.items() if _OURS in name})
        for words, counts in (("own", thread.own), ("with what it calls (zeekml's own)", ours)):
            lines += [f"  {'s':>6}  {'share':>6}  {words}"]
            lines += [
                f"  {count / rate:6.2f}  {count / thread.samples:6.1%}  {function}"
                for function, count in counts.most_common(top)
            ]
        lines.append("")
    return "\n".join(lines)


def unwatched(arguments: Sequence[str], tree: Path, *, subprocesses: bool = False) -> str:
    """What ``zeekml score`` of a checkout takes with these arguments when nobody watches, in words.

    It is run twice: the first time kernels may be compiled. ``subprocesses``: what processes that it starts have of the
    processors counts too.
    """
    command = zeekml("score", *arguments)
    run(command, tree)
    with ProcessorSeconds(os.getpid()) as processor:
        last = run(command, tree)
    seconds = processor.seconds if subprocesses else last.cpu_s
    return f"not watched: {last.wall_s:.2f} s, {seconds:.2f} s of processor, {last.peak_mib:.0f} MiB\n\n"


def record(arguments: Sequence[str], samples: Path, tree: Path, *, rate: int, flags: Sequence[str]) -> None:
    """Has py-spy, called with these ``flags``, watch ``zeekml score`` of a checkout; its samples go to a file."""
    py_spy = Path(sys.executable).with_name("py-spy")
    command = [
        str(py_spy),
        "record",
        "--format",
        "raw",
        "--threads",
        "--rate",
        str(rate),
        "--output",
        str(samples),
    ]
    command += [*flags, "--", *zeekml("score", *arguments)]
    done = subprocess.run(command, cwd=tree, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0 or not samples.exists():
        sys.exit(
            f"{' '.join(command)}\nended with status {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, records, prints the table."""
    parser = argparse.ArgumentParser(description="Profiles zeekml score by py-spy.")
    parser.add_argument("log", nargs="*", help="what is passed to zeekml score; options of its own after --")
    parser.add_argument(
        "--samples", type=Path, help="py-spy's raw samples of an earlier run, instead of a run"
    )
    parser.add_argument("--tree", type=Path, default=ROOT, help="the checkout to run (default: this one)")
    parser.add_argument("--out", type=Path, help="writes the table here as well")
    parser.add_argument("--rate", type=int, default=200, help="samples a second (default 200)")
    parser.add_argument("--top", type=int, default=15, help="functions of each thread (default 15)")
    parser.add_argument("--gil", action="store_true", help="only samples that hold the interpreter's lock")
    parser.add_argument("--idle", action="store_true", help="also samples that wait")
    parser.add_argument("--subprocesses", action="store_true", help="also processes that it starts")
    options = parser.parse_args(arguments)
    if bool(options.log) == bool(options.samples):
        parser.error("name a log, or --samples of an earlier run")
    with tempfile.TemporaryDirectory(prefix="zeekml-profile-") as scratch:
        samples = options.samples or Path(scratch) / "samples.txt"
        text = ""
        if options.log:
            logs = [str(Path(log).resolve()) if Path(log).exists() else log for log in options.log]
            score = [*logs, "--out", str(Path(scratch) / "out")]
            tree = options.tree.resolve()
            text = unwatched(score, tree, subprocesses=options.subprocesses)
            flags = [f"--{name}" for name in ("gil", "idle", "subprocesses") if getattr(options, name)]
            record(score, samples, tree, rate=options.rate, flags=flags)
        with samples.open(encoding="utf-8") as lines:
            text += table(threads(lines), rate=options.rate, top=options.top)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How fast ``zeekml score`` is on made logs, and in how much memory; beside it what else reads or scores them.

Every measurement is a whole process, start-up included: wall time from start to exit, processor time and
peak resident memory as the kernel counts them for that process. Run it from anywhere::

    python benchmarks/throughput.py --sizes 1000000,5000000

This process stays small on purpose and imports neither numpy nor zeekml: the kernel counts the memory of a
parent at the moment of the fork as its child's (getrusage(2), ru_maxrss).
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # however it is started

from benchmarks.bars import BOOSTED, CAPTURES, FOREST, READ, SCORE, Row, bars
from benchmarks.logs import EACH, FORMATS, PACKINGS, Log, hosts_in, size_mib
from benchmarks.processes import Run, machine, run, script, zeekml

PEERS = {"zat-read": READ, "forest": FOREST, "boosted": BOOSTED}
TRAINING = Log(100_000, seed=2, labels=True)
#: Connections of the logs that are scored before the measured ones.
_SMALL = 20_000
_ALERTING = re.compile(r"^alerting connections +([\d,]+)$", re.MULTILINE)


@dataclass
class Case:
    """One tool on one log, and its runs so far."""

    tool: str
    log: Log
    path: Path
    command: list[str]
    runs: list[Run] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, measures, prints; returns the exit status."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="zeekml-throughput-") as scratch:
        folder = Path(options.dir or scratch).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        rows = _measured(options, folder, Path(scratch))
    if options.json:
        told = {"machine": machine(), "threads": options.threads, "rows": [asdict(row) for row in rows]}
        print(json.dumps(told))
    else:
        _print_table(rows)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures zeekml score, and peers on the same logs.")
    parser.add_argument("--connections", type=int, help="one size; the same as --sizes N (default 1000000)")
    parser.add_argument("--sizes", type=_numbers, help="several sizes, joined with commas")
    parser.add_argument(
        "--format", type=_forms, default=["tsv"], metavar="FORMAT,...",
        help="tsv, json, eve, each also with .gz or .zst (peers: tsv only)",
    )  # fmt: skip
    parser.add_argument(
        "--malicious", type=_shares, default=[None], metavar="SHARE,...",
        help="shares of malicious connections; all: as the patterns make them (default)",
    )  # fmt: skip
    parser.add_argument(
        "--hosts",
        type=_hosts,
        default=[None],
        metavar="N,...",
        help="local hosts of the logs; each: one for each connection (tsv)",
    )
    parser.add_argument(
        "--peers", type=_peers, default=["zat-read"], metavar="PEER,...",
        help=f"{', '.join(PEERS)}; all; none (default zat-read)",
    )  # fmt: skip
    parser.add_argument(
        "--train",
        metavar="PATH",
        help="what the peers learn: a labelled TSV log, or the folder of the captures that the shipped model learnt "
        "(default: a made log of 100,000)",
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="passed to zeekml score (default 1, as its own)"
    )
    parser.add_argument(
        "--repeat", type=int, default=1, help="runs of each, by turns; the median is printed (default 1)"
    )
    parser.add_argument("--dir", help="keep and reuse the made logs here (default: a temporary folder)")
    parser.add_argument("--log-threshold", help="passed to zeekml score; 0 writes every connection")
    parser.add_argument("--model", help="passed to zeekml score")
    parser.add_argument(
        "--zat-up-to", type=int, default=1_000_000, metavar="N",
        help="largest log that peers read: zat's memory grows with the log (default 1000000; 0: never)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    options.sizes = options.sizes or [options.connections or 1_000_000]
    if min(options.sizes) < 1 or options.repeat < 1:
        parser.error("sizes and --repeat must be 1 or more")
    return options


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _hosts(text: str) -> list[int]:
    return [EACH if part == "each" else int(part) for part in text.split(",")]


def _shares(text: str) -> list[float | None]:
    return [None if part == "all" else float(part) for part in text.split(",")]


def _forms(text: str) -> list[str]:
    known = {f"{name}.{packing}".rstrip(".") for name, packing in product(FORMATS, PACKINGS)}
    forms = text.split(",")
    if not known.issuperset(forms):
        raise argparse.ArgumentTypeError(f"{text}: expected some of {', '.join(sorted(known))}")
    return forms


def _peers(text: str) -> list[str]:
    chosen = {"all": list(PEERS), "none": []}.get(text, text.split(","))
    if not set(PEERS).issuperset(chosen):
        raise argparse.ArgumentTypeError(f"{text}: expected some of {', '.join(PEERS)}, or all, or none")
    return chosen


def _measured(options: argparse.Namespace, folder: Path, scratch: Path) -> list[Row]:
    """A row for every tool and log. The logs of one size are measured by turns, so that the machine's moods fall on all
    of them alike."""
    _compile(options, scratch)
    peers = _Peers(folder, scratch, options)
    rows = []
    for size in options.sizes:
        logs = [
            Log(size, form, share, hosts)
            for share, hosts, form in product(options.malicious, options.hosts, options.format)
        ]
        cases = [case for log in logs for case in _cases(log, options, folder, peers)]
        for turn in range(options.repeat):
            for number, case in enumerate(cases):
                out = ["--out", str(scratch / f"out-{size}-{turn}-{number}")] if case.tool == SCORE else []
                case.runs.append(run([*case.command, *out]))
        rows += [_row(case, peers.learnt) for case in cases]
    return rows


def _compile(options: argparse.Namespace, scratch: Path) -> None:
    """Score a small log of each format: the first run after an installation compiles, and none that counts shall."""
    for form in dict.fromkeys(Log(_SMALL, form).format for form in options.format):
        out = scratch / f"compiled-{form}"
        run([*_score(Log(_SMALL, form).made(scratch), options), "--out", str(out)])


class _Peers:
    """Command lines of the peers; what they must have learnt before is fitted once, when first needed."""

    def __init__(self, folder: Path, scratch: Path, options: argparse.Namespace) -> None:
        self._folder, self._scratch, self._options = folder, scratch, options
        self._model = scratch / "boosted.txt"

    @property
    def learnt(self) -> str:
        """What they are fitted on, in a word; none for a made log."""
        train = self._options.train
        return "" if not train else CAPTURES if Path(train).is_dir() else "a log of the user's"

    def commands(self, log: Log, path: Path) -> list[tuple[str, list[str]]]:
        """Each peer that is to run on this log."""
        if log.form != "tsv" or log.connections > self._options.zat_up_to:
            return []
        return [(PEERS[peer], self._command(peer, str(path))) for peer in self._options.peers]

    def _command(self, peer: str, path: str) -> list[str]:
        if peer == "zat-read":
            return script("peers.py", peer, path)
        train = str(self._learnt())
        if peer == "forest":
            return script("peers.py", peer, train, path)
        if not self._model.exists():
            run(script("peers.py", "boosted-fit", train, str(self._model)))
        return script("peers.py", peer, str(self._model), path)

    def _learnt(self) -> Path:
        """The labelled log that the peers learn: the one that was asked for, that of all captures, or a made one."""
        if not self._options.train:
            return TRAINING.made(self._folder)
        asked = Path(self._options.train).resolve()
        if not asked.is_dir():
            return asked
        log = self._scratch / "captures.log"
        if not log.exists():  # in a process of its own, so that this one stays small
            run(script("peers.py", "captures", str(asked), str(log)))
        return log


def _cases(log: Log, options: argparse.Namespace, folder: Path, peers: _Peers) -> list[Case]:
    path = log.made(folder)
    return [
        Case(SCORE, log, path, _score(path, options)),
        *(Case(tool, log, path, command) for tool, command in peers.commands(log, path)),
    ]


def _score(path: Path, options: argparse.Namespace) -> list[str]:
    command = zeekml("score", str(path), "--threads", str(options.threads))
    for name in ("log_threshold", "model"):
        if (value := getattr(options, name)) is not None:
            command += [f"--{name.replace('_', '-')}", value]
    return command


def _row(case: Case, learnt: str) -> Row:
    log, runs = case.log, [_counted(case.tool, done) for done in case.runs]
    walls = [done.wall_s for done in runs]
    wall = statistics.median(walls)
    alerting = _ALERTING.search(runs[0].said) if case.tool == SCORE else None
    return Row(
        tool=case.tool,
        connections=log.connections,
        form=log.form,
        malicious=log.malicious,
        hosts=log.hosts,
        log_mib=round(size_mib(case.path), 1),
        wall_s=round(wall, 3),
        cpu_s=round(statistics.median(done.cpu_s for done in runs), 3),
        peak_mib=round(max(done.peak_mib for done in runs), 1),
        connections_per_s=round(log.connections / wall, 1),
        runs=len(runs),
        spread=round((max(walls) - min(walls)) / wall, 3),
        alerting=int(alerting[1].replace(",", "")) if alerting else None,
        hosts_seen=hosts_in(case.path) if log.hosts is not None and log.form == "tsv" else None,
        note=_note(case.tool, runs[0].said),
        learnt=learnt if case.tool in {FOREST, BOOSTED} else "",
    )


def _counted(tool: str, done: Run) -> Run:
    """What counts of a run: of the forest only what it timed itself, after it was fitted."""
    if tool != FOREST:
        return done
    wall, cpu = done.said.split()[-5:-3]
    return Run(float(wall), float(cpu), done.peak_mib, done.said)


def _note(tool: str, said: str) -> str:
    """What the forest is like."""
    if tool != FOREST:
        return ""
    connections, columns, nodes = map(int, said.split()[-3:])
    return f"fitted on {connections:,} connections, {columns:,} columns, {nodes:,} nodes a tree"


def _print_table(rows: list[Row]) -> None:
    print(
        "tool               connections  format  malicious     hosts  log MiB   wall s    cpu s     conn/s  "
        "peak MiB  alerts"
    )
    for row in rows:
        share = "all" if row.malicious is None else f"{row.malicious:g}"
        hosts = row.hosts_seen or row.hosts or "-"
        alerts = "-" if row.alerting is None else f"{row.alerting / row.connections:.4f}"
        print(
            f"{row.tool:<18} {row.connections:>11,}  {row.form:<7} {share:>9} {hosts:>9} {row.log_mib:>8.1f} "
            f"{row.wall_s:>8.2f} {row.cpu_s:>8.2f} {row.connections_per_s:>10,.0f} {row.peak_mib:>9.0f} {alerts:>7}"
        )
    for note in dict.fromkeys(f"{row.tool}: {row.note}" for row in rows if row.note):
        print(note)
    for bar in bars(rows):
        held = {None: "", True: f"  ({bar.bar}: held)", False: f"  ({bar.bar}: NOT held)"}[bar.held]
        print(f"{bar.name}: {bar.value:.2f}{held}")


if __name__ == "__main__":
    sys.exit(main())

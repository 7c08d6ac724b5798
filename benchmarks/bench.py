"""Everything that is said of zeekml's speed, measured and written into its page: ``make bench``.

::

    python benchmarks/bench.py --document docs/performance.md
    python benchmarks/bench.py --parts startup,stages --document docs/performance.md
    python benchmarks/bench.py --parts none --document docs/performance.md

Each part is a command of its own beside this one. What they print is kept in ``--results``; parts that are not measured
keep what stands there, each with its date. The last form measures nothing and writes the page anew.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # however it is started

from benchmarks.live_figures import figures_of
from benchmarks.processes import ROOT, machine, run, script, versions

PACKAGES = ("zeekml", "numpy", "pandas", "pyarrow", "numba", "zat", "scikit-learn", "lightgbm")
SITE = "0.002"
"""The share of malicious connections that stands for an ordinary site: about one in a thousand then alerts."""
FORMS = "tsv,json,eve,tsv.gz,tsv.zst"


@dataclass(frozen=True)
class Part:
    """One part of the measurements: its commands, and whether they print JSON or live.py's words."""

    commands: Sequence[Sequence[str]]
    words: bool = False


def parts(options: argparse.Namespace, logs: Path) -> dict[str, Part]:
    """Every part by name; ``logs``: where made logs are kept until all is done."""
    size, kept = options.connections, ["--dir", str(logs), "--json"]
    few = max(size // 1000, 12)
    repeat = ["--repeat", str(options.repeat)]
    model = ["--model", options.model] if options.model else []
    site, train = (
        ["--malicious", SITE],
        ["--train", str(Path(options.train).resolve())] if options.train else [],
    )

    def throughput(*own: str) -> list[str]:
        return script("throughput.py", *own, *kept, *model)

    captures = {}
    if options.captures:
        learnt = ["--train", str(Path(options.captures).resolve()), "--peers", "zat-read,forest"]
        captures["captures"] = Part([throughput("--sizes", str(size), *site, *learnt)])

    def live(kind: str, *own: str) -> list[str]:
        return script("live.py", *model, kind, *own)

    def stages(*own: str) -> list[str]:
        return script("stages.py", "--connections", str(size), *own, *repeat, *kept, *model)

    return {
        "sizes": Part([throughput("--sizes", f"{size // 10},{size}", *site, "--peers", "all", *repeat, *train)]),
        **captures,
        "alerts": Part([
            throughput("--sizes", str(size), "--malicious", f"{SITE},0.02,all", "--peers", "zat-read", *repeat)
        ]),
        "formats": Part([
            throughput("--sizes", str(size), *site, "--format", FORMS, "--peers", "none", *repeat)
        ]),
        "hosts": Part([
            throughput("--sizes", str(size), *site, "--hosts", f"1,{few},each", "--peers", "zat-read", *repeat)
        ]),
        "large": Part([throughput("--sizes", f"{size},{options.largest}", *site, "--peers", "none")]),
        "stages": Part([stages(*site), stages()]),
        "network": Part([script("network.py", "--json", *model)]),
        "startup": Part([script("startup.py", "--json", *model)]),
        "live": Part(
            [
                live("quiet", "--seconds", str(options.live_seconds)),
                live("idle", "--lines", str(options.live_lines)),
                live("soak", "--seconds", str(options.live_seconds), "--rate", str(options.rate),
                     "--lead-in", str(size)),
            ],
            words=True,
        ),
    }  # fmt: skip


def measured(part: Part) -> list[dict[str, Any]]:
    """What each command of a part printed."""
    said = [run(command).said for command in part.commands]
    return [figures_of(text) if part.words else json.loads(text.strip().splitlines()[-1]) for text in said]


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, measures, writes results and page."""
    options = _options(arguments)
    results = _read(options.results)
    with tempfile.TemporaryDirectory(prefix="zeekml-bench-", dir=options.dir) as scratch:
        known = parts(options, Path(scratch))
        wanted = list(known) if options.parts is None else options.parts
        if unknown := set(wanted) - set(known):
            sys.exit(f"no part named {', '.join(sorted(unknown))}; expected some of {', '.join(known)}")
        for name in wanted:
            began = time.monotonic()
            figures = measured(known[name])
            results["parts"][name] = {
                "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d"),
                "machine": machine(),
                "versions": versions(PACKAGES),
                "seconds": round(time.monotonic() - began),
                "figures": figures,
            }
            _write(options.results, results)
            print(f"{name}: measured in {time.monotonic() - began:.0f} s", flush=True)
    if options.document:
        # Only now: what measures must stay small.
        from benchmarks.bench_figures import draw  # noqa: PLC0415
        from benchmarks.bench_page import write_page  # noqa: PLC0415

        draw(results["parts"], options.document.parent / "figures")
        write_page(options.document, results["parts"])
        print(f"written: {options.document}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures zeekml and writes its page of figures.")
    parser.add_argument("--document", type=Path, help="the page to write the figures into, between its marks")
    parser.add_argument(
        "--results", type=Path, default=ROOT / "docs" / "performance.json",
        help="where the figures are kept (default docs/performance.json)",
    )  # fmt: skip
    parser.add_argument(
        "--parts", type=_names, metavar="PART,...", help="only these; none: only write the page"
    )
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; medians are taken (default 3)")
    parser.add_argument("--connections", type=int, default=1_000_000, help="of most logs (default 1000000)")
    parser.add_argument(
        "--largest", type=int, default=10_000_000, help="of the largest log (default 10000000)"
    )
    parser.add_argument("--live-seconds", type=int, default=30, help="of each watch (default 30)")
    parser.add_argument("--live-lines", type=int, default=30, help="single lines to a watch (default 30)")
    parser.add_argument(
        "--rate", type=int, default=20_000, help="connections a second to a watch (default 20000)"
    )
    parser.add_argument(
        "--train",
        metavar="PATH",
        help="what the peers learn, as throughput.py takes it (default: a made log)",
    )
    parser.add_argument(
        "--captures",
        metavar="DIR",
        help="the folder of the captures that the shipped model learnt: the random forest is fitted on them in a part "
        "of its own, captures (default: that part is not measured)",
    )
    parser.add_argument("--dir", help="the folder for made logs, 4 GiB (default: the temporary folder)")
    parser.add_argument("--model", help="passed to zeekml")
    return parser.parse_args(arguments)


def _names(text: str) -> list[str]:
    return [] if text == "none" else text.split(",")


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {"parts": {}}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _write(path: Path, results: dict[str, Any]) -> None:
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

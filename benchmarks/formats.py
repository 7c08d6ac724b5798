"""Whether the same traffic gets the same host verdicts as Zeek's log and as Suricata's.

Made traffic is written in both formats; with ``--pairs`` also real captures that both have read, the Suricata log of a
capture named like the Zeek log of it. Run it from anywhere::

    python benchmarks/formats.py --seeds 5 --pairs zeek/ suricata/

With ``--zeek`` alone it says how near payload bytes and histories come to Zeek's own that are worked out as for
Suricata's flows, from the other columns of real logs::

    python benchmarks/formats.py --zeek zeek/
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from zeekml.alerts.notices import HOST_NOTE
from zeekml.config import load_settings
from zeekml.evaluation.verdicts import Judge
from zeekml.features.connection import HISTORY, Connections
from zeekml.records import Rejects, discover, join, read_batches
from zeekml.resources import DEFAULT_MODEL
from zeekml.scoring import load_bundle
from zeekml.simulate import Scenario, write_traffic
from zeekml.table import Table
from zeekml.training.captures import stem

PARTIES = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto")


def read(path: Path) -> pd.DataFrame:
    """A whole log as one frame."""
    (stream,) = discover([str(path)]).streams
    return join([batch.frame for batch in read_batches(stream.files[0], stream.name, rejects=Rejects())])


def without_payload(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame of a Zeek log with unset what Suricata does not have: payload bytes and history."""
    nothing = pd.Categorical(np.full(len(frame), np.nan), categories=pd.Index([], dtype="str"))
    return frame.assign(orig_bytes=np.nan, resp_bytes=np.nan, history=nothing)


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame in the order in which its connections ended, as Zeek writes them."""
    ends = (frame["ts"] + frame["duration"].fillna(0)).to_numpy()
    return frame.iloc[np.argsort(ends, kind="stable")].reset_index(drop=True)


def named(frame: pd.DataFrame, model: str) -> set[str]:
    """The hosts that get a host notice."""
    verdicts = Judge(load_bundle(model), load_settings(None)).judge(frame, "log")
    rows = [notice.row for notice in verdicts.notices if notice.note == HOST_NOTE]
    return set(frame["id.orig_h"].iloc[rows].astype(str))


def made(seeds: int, sizes: list[int], folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """Made logs in both formats."""
    for seed in range(seeds):
        for size in sizes:
            zeek, suricata = folder / f"{seed}-{size}.log", folder / f"{seed}-{size}.json"
            write_traffic(zeek, Scenario(connections=size, seed=seed), format="tsv")
            write_traffic(suricata, Scenario(connections=size, seed=seed), format="eve")
            yield f"made, seed {seed}, {size:,}", zeek, suricata


def pairs(zeek: Path, suricata: Path) -> Iterator[tuple[str, Path, Path]]:
    """Captures that are in both folders, by the stems of their logs."""
    theirs = {stem(path): path for path in sorted(zeek.iterdir())}
    for path in sorted(suricata.iterdir()):
        if stem(path) in theirs:
            yield stem(path), theirs[stem(path)], path


@dataclass(frozen=True)
class Near:
    """Connections as Zeek tells them, and the same ones as features have them of a log without payload and history."""

    zeek: Connections
    bare: Connections

    @classmethod
    def of(cls, zeek: pd.DataFrame, other: pd.DataFrame) -> Near:
        """Two frames of the same connections in the same order."""
        return cls(Connections(Table.of(zeek)), Connections(Table.of(other)))


def both(zeek: pd.DataFrame, suricata: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The connections that stand once in each of two logs, in one order."""
    keys = [pd.Index(frame[list(PARTIES)].astype("str").agg(" ".join, axis=1)) for frame in (zeek, suricata)]
    once = [~key.duplicated(keep=False) for key in keys]
    common = keys[0][once[0]].intersection(keys[1][once[1]])
    found = [
        frame.iloc[key.get_indexer_for(common)].reset_index(drop=True)
        for frame, key in zip((zeek, suricata), keys, strict=True)
    ]
    return found[0], found[1]


def nearness(logs: Sequence[Near], what: str) -> Iterator[str]:
    """Lines of what is worked out for connections, against what Zeek says of them; of payload TCP's by itself."""
    for name, (of_tcp, others) in itertools.product(
        ("orig_bytes", "resp_bytes"), ((True, "TCP"), (False, "others"))
    ):
        said, found = (
            np.concatenate([getattr(getattr(log, kind), name) for log in logs]) for kind in ("zeek", "bare")
        )
        is_tcp = np.concatenate([log.zeek.proto.isin(("tcp",)) for log in logs])
        known = ~np.isnan(said) & ~np.isnan(found) & (is_tcp == of_tcp)
        said, found = said[known], found[known]
        alike, some = (said > 0) == (found > 0), (said > 0) & (found > 0)
        off = np.abs(np.log(found[some] / said[some]))
        yield (
            f"{what}, {name}, {others}: {len(said):,} connections, payload or none told right in {alike.mean():.1%}; "
            f"of those with some, within a tenth {(off < np.log(1.1)).mean():.1%}, "
            f"within a factor of two {(off < np.log(2)).mean():.1%}"
        )
    right = []
    for log in logs:
        (codes, flags), (worked_out, of_worked_out) = log.zeek.history_flags(), log.bare.history_flags()
        known = (codes >= 0) & (worked_out >= 0)
        right.append((flags[codes] == of_worked_out[worked_out])[known])
    shares = np.concatenate(right).mean(axis=0)
    letters = zip(
        "".join(HISTORY.values()), shares, strict=False
    )  # the last flag is that there is no history
    told = ", ".join(f"{letter} {share:.1%}" for letter, share in letters)
    yield f"{what}, history: {sum(map(len, right)):,} connections, letters told right: {told}"


def main() -> None:
    """Print a line for each pair of logs, and how many agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a model's name or a bundle's folder")
    parser.add_argument("--seeds", type=int, default=5, help="made networks")
    parser.add_argument("--sizes", default="5000,30000", help="connections of each")
    parser.add_argument(
        "--pairs", nargs=2, type=Path, metavar=("ZEEK", "SURICATA"), help="folders of real logs"
    )
    parser.add_argument(
        "--zeek", type=Path, help="a folder of real logs: how near what is worked out comes, and nothing else"
    )
    options = parser.parse_args()
    if options.zeek:
        streams = discover([str(options.zeek)]).streams
        logs = [read(file.path) for stream in streams for file in stream.files if file.path]
        print("\n".join(nearness([Near.of(log, without_payload(log)) for log in logs], "Zeek's logs")))
        return
    print(f"{'traffic':<28} {'connections':>15}  named by both logs; by Zeek's alone; by Suricata's alone")
    same = total = stripped = ordered = 0
    near = []
    with tempfile.TemporaryDirectory() as folder:
        sizes = [int(size) for size in options.sizes.split(",")]
        found = list(made(options.seeds, sizes, Path(folder)))
        for name, zeek, suricata in found + (list(pairs(*options.pairs)) if options.pairs else []):
            first, second = read(zeek), read(suricata)
            if not name.startswith("made"):
                near.append(Near.of(*both(first, second)))
            frames = (first, second, without_payload(first), in_order(second))
            a, b, c, d = (named(frame, options.model) for frame in frames)
            parts = (sorted(a & b), sorted(a - b), sorted(b - a))
            print(f"{name:<28} {len(first):>7,} {len(second):>7,}  {'; '.join(map(str, parts))}")
            total, same = total + 1, same + (a == b)
            stripped, ordered = stripped + (b == c), ordered + (a == d)
    print(f"the same hosts named by both logs as they are: {same} of {total}")
    print(f"by Suricata's and by Zeek's without payload bytes and history: {stripped} of {total}")
    print(f"by Zeek's and by Suricata's put in the order in which flows ended: {ordered} of {total}")
    if near:
        print("\n".join(nearness(near, "Suricata's logs")))


if __name__ == "__main__":
    main()

"""Context of the same host, peer and port: tries, failures, rhythm, sizes. A beacon lives here.

A host holds at most ``max_pairs`` such contexts. Whenever the number of its connections reaches a multiple of a
quarter of ``max_pairs``, only the three quarters used last are kept: so the bound is never passed, what is forgotten
depends on the log alone, and the least recent go first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeekml.features.connection import Connections, Floats
from zeekml.features.hosts import size_code
from zeekml.features.kernels.hosts import SIZE_MISSING, SIZE_STEPS
from zeekml.features.keyed import KeyedTable
from zeekml.features.layout import Feature, flag, number
from zeekml.features.runs import Runs, TailLayout

Array = NDArray[Any]

#: Tries of a pair that a feature looks back over, the current one included.
WINDOW = 8
_TAIL = WINDOW - 1
_MOST_TRIES = 1024

FEATURES: tuple[Feature, ...] = (
    flag("pair_new", "id.resp_h id.resp_p proto", "first connection to this peer and port"),
    number(
        "pair_tries",
        "id.resp_h id.resp_p proto",
        "log2(x), at most 10",
        "1",
        "connections to this peer and port",
    ),
    number(
        "pair_failed",
        "conn_state resp_pkts",
        "share of the last 8",
        "1",
        "share of failed tries at this peer",
    ),
    flag("pair_worked", "resp_pkts", "the peer has answered before"),
    number("pair_gap", "ts", "log1p(x * 1000)", "ms", "time since the last try at this peer"),
    number(
        "pair_gap_median",
        "ts",
        "log1p(x * 1000) of the last 8",
        "ms",
        "usual time between tries at this peer",
    ),
    number(
        "pair_gap_spread", "ts", "interquartile range / median", "1", "irregularity of the tries at this peer"
    ),
    number(
        "pair_sent_spread",
        "orig_bytes",
        "deviation of log2(1 + x)",
        "1",
        "variety of sizes sent to this peer",
    ),
    number(
        "pair_received_spread",
        "resp_bytes",
        "deviation of log2(1 + x)",
        "1",
        "variety of sizes received from it",
    ),
)

#: What stands in a row whose pairs nobody asked for: flags are off, numbers missing.
NOT_WORKED_OUT = np.array([0 if f.kind == "flag" else np.nan for f in FEATURES], dtype=np.float32)

_USED, _FAILED = np.uint8(1), np.uint8(2)


def pair_table() -> KeyedTable:
    """An empty table of pairs.

    ``host``: the host's slot; ``clock``: the host's event time at the last try; ``start``: that try's ``ts``;
    ``seen``: the host's connection number of it; the rest are tails of ``_TAIL`` tries.
    """
    return KeyedTable(
        host=(np.int64, (), -1),
        clock=(np.float64, (), -np.inf),
        start=(np.float64, (), np.nan),
        seen=(np.int64, (), -1),
        tries=(np.int64, (), 0),
        worked=(np.bool_, (), False),
        gaps=(np.float32, (_TAIL,), np.nan),
        bits=(np.uint8, (_TAIL,), 0),
        sent=(np.uint8, (_TAIL,), SIZE_MISSING),
        received=(np.uint8, (_TAIL,), SIZE_MISSING),
    )


@dataclass(frozen=True, slots=True)
class PairRows:
    """The rows of a batch sorted by pair: everything (N,) is in that order.

    ``order`` sorts the batch; ``runs`` are runs of one pair in one life (a pair that was forgotten in between has
    several); ``slots`` (R,) and ``fresh`` (R,) as for hosts; ``clock`` and ``seen`` are the host's.
    """

    order: NDArray[np.int64]
    runs: Runs
    slots: NDArray[np.int64]
    fresh: NDArray[np.bool_]
    clock: NDArray[np.float64]
    seen: NDArray[np.int64]


def pair_features(batch: Connections, rows: PairRows, table: KeyedTable) -> Floats:
    """Compute ``FEATURES``: (N, len(FEATURES)) float32 in the order of ``rows``, and carry the table on."""
    order, runs, slots, fresh = rows.order, rows.runs, rows.slots, rows.fresh
    layout = TailLayout(runs, _TAIL)
    of = batch.table.number

    def lay(name: str, values: Array, empty: Any) -> Array:
        tails = table[name][slots]
        tails[fresh] = empty
        return layout.lay(tails, values)

    ts = of("ts")[order]
    before = np.where(fresh, np.nan, table["start"][slots])
    gap = np.abs(ts - previous(ts, runs, before)).astype(np.float32)
    gaps = lay("gaps", gap, np.nan)
    bits = lay("bits", _USED | _FAILED * batch.failed[order], 0)
    sent = lay("sent", size_code(batch.orig_bytes)[order], SIZE_MISSING)
    received = lay("received", size_code(batch.resp_bytes)[order], SIZE_MISSING)
    tries = runs.rank + np.where(fresh, 0, table["tries"][slots])[runs.of_row]
    worked_now = batch.worked[order]
    worked_before = _worked_before(worked_now, runs, np.where(fresh, False, table["worked"][slots]))

    out = np.empty((len(FEATURES), len(order)), dtype=np.float32)
    out[0] = tries == 0
    out[1] = np.log2(np.minimum(tries + 1, _MOST_TRIES))
    out[2] = layout.window_sums((bits & _FAILED) > 0) / layout.window_sums(bits & _USED)
    out[3] = worked_before
    out[4] = np.log1p(gap * 1000)
    out[5:7] = _rhythm(layout.windows(gaps))
    out[7] = _spread(layout, sent)
    out[8] = _spread(layout, received)

    last = runs.ends - 1
    for name, buffer in (("gaps", gaps), ("bits", bits), ("sent", sent), ("received", received)):
        table[name][slots] = layout.last(buffer)
    table["start"][slots] = ts[last]
    table["clock"][slots] = rows.clock[last]
    table["seen"][slots] = rows.seen[last]
    table["tries"][slots] = tries[last] + 1
    table["worked"][slots] = worked_before[last] | worked_now[last]
    return out.T


def previous(values: Array, runs: Runs, before: Array) -> Array:
    """Each row's predecessor in its run; for the first of a run, ``before`` (R,)."""
    previous = np.empty_like(values)
    previous[1:] = values[:-1]
    previous[runs.starts] = before
    return previous


def _worked_before(worked: NDArray[np.bool_], runs: Runs, carried: NDArray[np.bool_]) -> NDArray[np.bool_]:
    total = np.cumsum(worked)
    earlier: Array = total - worked - (total[runs.starts] - worked[runs.starts])[runs.of_row]
    return (earlier > 0) | carried[runs.of_row]


def _rhythm(window: Array) -> Array:
    """Median of the gaps (log1p of ms) and interquartile range over median, (2, N); NaN without a gap."""
    ordered = np.sort(window, axis=1)  # NaN last
    count = (~np.isnan(ordered)).sum(axis=1)
    rows = np.arange(len(ordered))

    def quantile(share: float) -> Array:
        found: Array = ordered[rows, np.maximum(np.rint((count - 1) * share).astype(np.int64), 0)]
        return found

    median = quantile(0.5)
    with np.errstate(invalid="ignore"):
        spread = np.where(count > 2, (quantile(0.75) - quantile(0.25)) / (median + np.float32(0.01)), np.nan)
    return np.stack([np.log1p(median * 1000), np.minimum(spread, 10)])


def _spread(layout: TailLayout, codes: Array) -> Array:
    """Standard deviation of log2(1 + bytes) over the window; NaN below two known sizes."""
    known = codes != SIZE_MISSING
    value = np.where(known, codes, 0).astype(np.int64)
    count = layout.window_sums(known)
    total, squares = layout.window_sums(value), layout.window_sums(value * value)
    number_of = np.maximum(count, 1)
    variance = np.maximum(squares / number_of - (total / number_of) ** 2, 0)
    return np.where(count > 1, np.sqrt(variance) / SIZE_STEPS, np.nan)

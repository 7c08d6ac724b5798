"""Evidence against a host: what its suspicious connections add up to over event time.

Each suspicious connection weighs ``logit(score) - logit(floor)``, clipped to 0..8: the log odds by which it
exceeds the floor, so that independent connections add up as in a naive Bayes sum, and no single one decides.
The sum decays with a half-life on the log's own clock::

    clock_i = max(clock_{i-1}, event_time_i)
    E_i     = E_{i-1} * 2 ** (-(clock_i - clock_{i-1}) / half_life) + w_i

The sum is kept apart per class; the host's evidence is the sum over classes, its class the one with the most.
What a baseline excuses of the weights is kept apart from all of them, in a sum of its own that decays alike: with it
the host's evidence is what the model alone would have.
Only suspicious connections take part, in the clock as well: nothing depends on where a log was cut into
batches. A host whose gap between two suspicious connections exceeds ``forget_after`` starts anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from zeekml.arrays import Arrays, below, pack_texts, taken, under, unpack_texts
from zeekml.compiled import compiled

MOST_WEIGHT = 8.0
_FEWEST_SLOTS = 64

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_Number = TypeVar("_Number", np.int64, np.float64)

Bools = npt.NDArray[np.bool_]


def weigh(score: npt.NDArray[np.floating], floor: float | Floats) -> Floats:
    """The weight of each score (N,): log odds above the floor, 0 below it and at most 8; (N,) float64.

    ``floor``: one for all, or (N,) each its own, above 0; nothing exceeds a floor of 1.
    """
    given, least = np.broadcast_arrays(score.astype(np.float64), np.asarray(floor, dtype=np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):  # what exactly 0 or 1 comes to is decided below
        odds = np.log(given) - np.log1p(-given)
        exceeds = odds - np.log(least / (1.0 - least))
    weight: Floats = np.where(given > least, np.clip(exceeds, 0.0, MOST_WEIGHT), 0.0)
    return weight


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """N suspicious connections of one batch, **sorted by host** (stable: in log order within a host).

    ``order`` (N,): position in the batch's rows of each sorted one. A *run* is a stretch of one host's
    connections without a gap that makes it start anew; runs are numbered from 0 in sorted order. ``run``
    (N,); ``run_slot`` (R,): the host's slot; ``run_continues`` (R,): it goes on from an earlier batch;
    ``run_last`` (R,): no later run of that host follows. ``clock`` (N,): the host's clock; ``evidence`` (N,):
    in nats, of what is not excused; ``whole`` (N,): with what is; ``leading`` (N,): the class index with the most of
    what is not.
    """

    order: Ints
    run: Ints
    run_slot: Ints
    run_continues: Bools
    run_last: Bools
    clock: Floats
    evidence: Floats
    whole: Floats
    leading: Ints


class HostEvidence:
    """Decayed evidence, clock and last line of each host of one stream, in slots of growing arrays."""

    def __init__(self, classes: int, half_life: float, forget_after: float) -> None:
        self._half_life = half_life
        self._forget_after = forget_after
        self._slots: dict[str, int] = {}
        self._evidence = np.zeros((_FEWEST_SLOTS, classes + 1))  # the last column: excused
        self._clock = np.full(_FEWEST_SLOTS, -np.inf)
        self._last_line = np.zeros(_FEWEST_SLOTS, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def capacity(self) -> int:
        """Length of the slot arrays: every slot is below it."""
        return len(self._clock)

    def export(self) -> Arrays:
        """What is held of H hosts, by slot: ``hosts/...`` (their names), ``evidence`` (H, classes), ``excused`` (H,),
        ``clock`` (H,), ``last_line`` (H,), as copies."""
        held = len(self._slots)
        return {
            **under("hosts", pack_texts(list(self._slots))),
            "evidence": self._evidence[:held, :-1].copy(),
            "excused": self._evidence[:held, -1].copy(),
            "clock": self._clock[:held].copy(),
            "last_line": self._last_line[:held].copy(),
        }

    def restore(self, arrays: Arrays) -> None:
        """Hold what `export` gave, and nothing else, every host in its slot. Raises StateError.

        State of before anything was kept of what is excused has none, which errs towards naming a host."""
        hosts = unpack_texts(below("hosts", arrays))
        kept, size = np.arange(len(hosts)), max(_FEWEST_SLOTS, len(hosts))
        evidence = taken(arrays, "evidence", self._evidence[:, :-1], len(hosts))
        none = np.zeros(len(hosts))
        excused = taken(arrays, "excused", none, len(hosts)) if "excused" in arrays else none
        clock = taken(arrays, "clock", self._clock, len(hosts))
        last_line = taken(arrays, "last_line", self._last_line, len(hosts))
        self._slots = {host: slot for slot, host in enumerate(hosts)}
        self._evidence = resized(np.column_stack([evidence, excused]), kept, size, 0.0)
        self._clock = resized(clock, kept, size, -np.inf)
        self._last_line = resized(last_line, kept, size, 0)

    def slots(self, hosts: Sequence[str]) -> Ints:
        """The slot of each host (distinct, H), given to it now if it has none."""
        known = self._slots
        found = np.array([known.setdefault(host, len(known)) for host in hosts], dtype=np.int64)
        while self.capacity < len(known):
            self._evidence = np.concatenate([self._evidence, np.zeros_like(self._evidence)])
            self._clock = np.concatenate([self._clock, np.full_like(self._clock, -np.inf)])
            self._last_line = np.concatenate([self._last_line, np.zeros_like(self._last_line)])
        return found

    def at(self, host: str, moment: float) -> tuple[int, float, Floats, float] | None:
        """A host's slot, its clock, its evidence by class (classes,) and what is excused, as of ``moment`` (epoch s);
        None: nothing is held any more."""
        slot = self._slots.get(host)
        if slot is None or moment - self._clock[slot] > self._forget_after:
            return None
        clock = max(float(self._clock[slot]), moment)
        decay = np.exp2(-(clock - self._clock[slot]) / self._half_life)
        held = self._evidence[slot] * decay
        return slot, clock, held[:-1], float(held[-1])

    def update(
        self,
        slot: Ints,
        class_index: Ints,
        event_time: Floats,
        weight: Floats,
        line: Ints,
        excused: Floats | None = None,
    ) -> Update:
        """Take in N suspicious connections in log order: host slot, class, event time (s), weight, line, and what a
        baseline took off the weight (None: nothing)."""
        order = np.argsort(slot, kind="stable")
        slot = slot[order]
        first = _starts(slot)
        last = np.append(first[1:], True) if len(slot) else first

        class_index, clock = class_index[order], np.empty(len(slot))
        evidence, whole = np.empty(len(slot)), np.empty(len(slot))
        anew, leading = np.empty(len(slot), dtype=np.bool_), np.empty(len(slot), dtype=np.int64)
        excused = np.zeros(len(slot)) if excused is None else excused[order]
        _add_up(
            slot, class_index, event_time[order], weight[order], excused, self._half_life, self._forget_after,
            self._clock, self._evidence, clock, anew, evidence, whole, leading,
        )  # fmt: skip
        self._last_line[slot[last]] = line[order][last]

        begins = first | anew
        run_slot = slot[begins]
        return Update(
            order=order,
            run=np.cumsum(begins) - 1,
            run_slot=run_slot,
            run_continues=(first & ~anew)[begins],
            run_last=np.append(_starts(run_slot)[1:], True) if len(run_slot) else _starts(run_slot),
            clock=clock,
            evidence=np.round(evidence, 9),
            whole=np.round(whole, 9),
            leading=leading,
        )

    def keep_latest(self, most: int) -> Ints | None:
        """Forget all but the ``most`` hosts whose last suspicious connection is latest in the log.

        Returns the former slots of the hosts kept, in the order of their new slots, or None when none had to
        go.
        """
        if len(self._slots) <= most:
            return None
        lines = self._last_line[: len(self._slots)]
        kept = np.sort(np.argsort(lines)[len(lines) - most :])
        hosts = list(self._slots)
        self._slots = {hosts[old]: new for new, old in enumerate(kept.tolist())}
        size = max(_FEWEST_SLOTS, most)
        self._evidence = resized(self._evidence, kept, size, 0.0)
        self._clock = resized(self._clock, kept, size, -np.inf)
        self._last_line = resized(self._last_line, kept, size, 0)
        return kept


def resized(values: npt.NDArray[_Number], kept: Ints, size: int, fill: float) -> npt.NDArray[_Number]:
    """``values[kept]`` at the start of a new array of ``size`` slots, the others ``fill``."""
    fresh = np.full((size, *values.shape[1:]), fill, dtype=values.dtype)
    fresh[: len(kept)] = values[kept]
    return fresh


def _starts(keys: Ints) -> Bools:
    """Where a new key begins in sorted keys (N,)."""
    return np.append(True, keys[1:] != keys[:-1])[: len(keys)]


@compiled(
    "void(i8[::1], i8[::1], f8[::1], f8[::1], f8[::1], f8, f8, f8[::1], f8[:, ::1], "
    "f8[::1], b1[::1], f8[::1], f8[::1], i8[::1])"
)
def _add_up(
    slot: Ints,
    class_index: Ints,
    event_time: Floats,
    weight: Floats,
    excused: Floats,
    half_life: float,
    forget_after: float,
    held_clock: Floats,
    held: Floats,
    clock: Floats,
    anew: Bools,
    evidence: Floats,
    whole: Floats,
    leading: Ints,
) -> None:
    """Take N connections into what is ``held`` (slots, classes and what is excused) of each host, and its clock.

    Tells right after each of them (N,) the host's ``clock``, whether it starts ``anew``, its ``evidence`` over all
    classes and the ``whole`` with what is excused, and the ``leading`` class: of those equal to nine digits the first,
    for sums that scores with other last digits add up to.
    """
    for i in range(len(slot)):
        host, before = slot[i], held_clock[slot[i]]
        clock[i] = held_clock[host] = max(before, event_time[i])
        gap = clock[i] - before  # infinite for a new host
        anew[i] = gap > forget_after
        decay = 0.0 if anew[i] else np.exp2(-gap / half_life)
        total, most, leads = 0.0, -1.0, 0
        for kind in range(held.shape[1] - 1):
            held[host, kind] *= decay
            if kind == class_index[i]:
                held[host, kind] += weight[i]
            total += held[host, kind]
            rounded = np.rint(held[host, kind] * 1e9)
            if rounded > most:
                most, leads = rounded, kind
        held[host, -1] = held[host, -1] * decay + excused[i]
        evidence[i], whole[i], leading[i] = total, total + held[host, -1], leads

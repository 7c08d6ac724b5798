"""Thresholds of a site, by judging each stretch of its logs with what the others teach. Pure.

Judged by what was learned from themselves, logs hold nothing odd. So the suspicious connections are cut, in the order
of time, into four stretches with as many of them each; each is judged by what is ordinary in the other three.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from zeekml.alerts.ordinary import ODD_SHARE
from zeekml.alerts.policy import AlertPolicy
from zeekml.baseline.content import Threshold, Thresholds
from zeekml.baseline.usual import Asked, Trust, evidence_by_day, ordinary_of
from zeekml.categories import by_category

STRETCHES: Final = 4
MOST: Final = 2.0
"""The site's host threshold is this many times the model's own at most."""
MOST_USUAL: Final = 0.5
"""The usual evidence of a host is this share of the model's own threshold at most: what hides behind it is small."""


@dataclass(frozen=True, slots=True)
class Crossed:
    """What each stretch came to. ``days`` has the columns of `evidence_by_day` and ``stretch``."""

    days: pd.DataFrame

    def usual_evidence(self, given: Trust, policy: AlertPolicy) -> dict[str, float]:
        """The evidence (nats) of each host that is reached on two days, rounded up: at most half of the model's own
        threshold, and nothing for hosts that the model would have named."""
        by_day = self.days.groupby(["host", "day"])["evidence"].max()
        return {
            str(host): min(policy.host_threshold * MOST_USUAL, math.ceil(value * 10) / 10)
            for host, value in _second(by_day.groupby("host")).items()
            if value > 0 and host not in given.named
        }

    def named_from(self, policy: AlertPolicy) -> pd.Series:
        """For every host and day, the highest host threshold (nats) at which it would be named, at most so much: as if
        all evidence and the odd part of it were highest together.

        A threshold T is reached by all evidence, and by twice the odd part less the other stretches' usual evidence, or
        by the odd part alone (`zeekml.alerts.ordinary.odd_threshold`)."""
        by_stretch = self.days.pivot_table(
            index="host", columns="stretch", values="evidence", aggfunc="max", fill_value=0.0
        ).reindex(columns=range(STRETCHES), fill_value=0.0)
        others = pd.DataFrame(
            {
                stretch: by_stretch.drop(columns=stretch)
                .max(axis=1)
                .clip(upper=policy.host_threshold * MOST_USUAL)
                for stretch in range(STRETCHES)
            }
        )
        usual = others.stack().reindex(pd.MultiIndex.from_frame(self.days[["host", "stretch"]])).to_numpy()
        odd = self.days["evidence"].to_numpy()
        reached = np.maximum(odd / ODD_SHARE - usual, odd)
        return pd.Series(np.minimum(self.days["whole"].to_numpy(), reached))


def crossed(rows: pd.DataFrame, given: Trust, policy: AlertPolicy) -> Crossed:
    """Judge each stretch of these suspicious connections by the others; hosts that were left out take no part."""
    rows = rows[~by_category(rows["id.orig_h"], lambda names: names.isin(list(given.left_out)))]
    stretch = np.empty(len(rows), dtype=np.int64)
    stretch[np.argsort(rows["time"].to_numpy(), kind="stable")] = (
        np.arange(len(rows)) * STRETCHES // max(len(rows), 1)
    )
    found = [
        evidence_by_day(rows[stretch == k], ordinary_of(rows[stretch != k], given), policy).assign(stretch=k)
        for k in range(STRETCHES)
    ]
    return Crossed(pd.concat(found, ignore_index=True))


def thresholds(found: Crossed, days: float, policy: AlertPolicy, asked: Asked) -> Thresholds:
    """The site's thresholds; ``policy`` has the model's own, ``days`` is the span of the logs."""
    allowed = math.floor(asked.false_alerts_per_day * days + 1e-9)
    lowest = policy.host_threshold if asked.lowest is None else asked.lowest
    host, connection = policy.host_threshold, policy.connection_threshold
    if allowed < 1:
        why = (
            f"the model's own: {days:.2f} days are too short to tell "
            f"{asked.false_alerts_per_day:g} false alerts a day"
        )
        return Thresholds(
            connection=Threshold(value=connection, model=connection, why=why),
            host=Threshold(value=host, model=host, why=why),
        )
    needed = _needed(found.named_from(policy), allowed)
    needed_score = _needed(found.days["score"], allowed)
    values = (
        min(max(needed_score, connection), max(asked.sure_score, connection)),
        min(max(math.ceil(needed * 100) / 100, lowest), MOST * host),
    )
    about = f"{allowed} false alerts in {days:.1f} days"
    return Thresholds(
        connection=Threshold(
            value=values[0],
            model=connection,
            why=_why(values[0], connection, connection, needed_score, about),
        ),
        host=Threshold(value=values[1], model=host, why=_why(values[1], host, lowest, needed, about)),
    )


def _second(groups: Any) -> pd.Series:
    """The second highest value of each group; groups of one have none."""
    kept: pd.Series = (
        groups.nlargest(2).groupby(level=0).agg(lambda most: most.min() if len(most) > 1 else 0.0)
    )
    return kept


def _needed(values: pd.Series, allowed: int) -> float:
    """The least threshold that no more than ``allowed`` of the values reach; 0 where any does."""
    most = np.sort(values.to_numpy(dtype=np.float64))[::-1]
    return float(np.nextafter(most[allowed], np.inf)) if len(most) > allowed and most[allowed] > 0 else 0.0


def _why(value: float, own: float, lowest: float, needed: float, about: str) -> str:
    if needed > value:
        return f"as high as it may be: {needed:.4g} would have given {about}"
    if value == own:
        return f"the model's own, which gives no more than {about}"
    return f"gives no more than {about}" + (", and as low as was asked for" if value == lowest else "")

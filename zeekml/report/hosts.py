"""One row a host: all that was found about it, the hosts with the most evidence first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zeekml.report.gather import Gathered, best_of

HOST_NOTE = "Botnet_Host"


def host_table(gathered: Gathered, notices: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Hosts (``host``) by ``evidence`` (highest of their notices, nats), then highest ``score``, then ``n``.

    ``notices``: how many. ``n``: connections, by zeekml.log those at or above the least score; for a host that is not
    in it, as many as its notices count. ``peers``, ``pairs``: how many are known. ``classes``: a list of (class,
    connections), the most first. ``why``: the reasons of its strongest notice or connection, None without.
    """
    told, logged = _by_notices(notices), _by_connections(gathered)
    hosts = pd.concat([told, logged[~logged["host"].isin(set(told["host"]))]], ignore_index=True)
    hosts = hosts.merge(
        logged[["host", "n", "score", "first", "last"]], on="host", how="left", suffixes=("", "_logged")
    )
    hosts["n"] = hosts["n_logged"].fillna(hosts["n"]).astype(np.int64)
    for name, further in (("score", np.fmax), ("first", np.fmin), ("last", np.fmax)):
        hosts[name] = further(hosts[name].astype(np.float64), hosts[f"{name}_logged"].astype(np.float64))
    per_host = pairs.groupby("host", sort=False).agg(peers=("peer", "nunique"), pairs=("peer", "size"))
    hosts = hosts.merge(per_host, left_on="host", right_index=True, how="left")
    hosts[["peers", "pairs"]] = hosts[["peers", "pairs"]].fillna(0).astype(np.int64)
    why = _strongest_reasons(notices, gathered)
    hosts["why"] = hosts["host"].map(why)
    classes = _classes(notices, gathered)
    hosts["classes"] = hosts["host"].map(classes)
    hosts["named"] = hosts["notices"] > 0
    order = ["evidence", "named", "score", "n", "host"]
    return hosts.sort_values(
        order, ascending=[False, False, False, False, True], na_position="last", ignore_index=True
    )


def _by_notices(notices: pd.DataFrame) -> pd.DataFrame:
    groups = notices.groupby("host", sort=False)
    told = groups.agg(
        notices=("ts", "size"), evidence=("evidence", "max"), score=("score", "max"), first=("ts", "min"),
        last=("ts", "max"), model=("model", "last"),
    )  # fmt: skip
    # Both notes count some of the same connections: the larger of the two sums is told.
    counted = notices.groupby(["host", "note"], sort=False)["n"].sum().groupby("host").max()
    return told.assign(n=counted).reset_index()


def _by_connections(gathered: Gathered) -> pd.DataFrame:
    groups = gathered.hosts.table().groupby("host", sort=False)
    logged = groups.agg(n=("n", "sum"), score=("score", "max"), first=("first", "min"), last=("last", "max"))
    return logged.reset_index().assign(notices=0, evidence=np.nan, model=None)


def _strongest_reasons(notices: pd.DataFrame, gathered: Gathered) -> dict[str, str]:
    """By host: of the notice with the most evidence, else with the highest score, else of a connection."""
    said = notices[notices["why"] != ""]
    about = said[said["evidence"].notna()].assign(score=lambda frame: frame["evidence"])
    frames = [about[["host", "score", "why"]], said[["host", "score", "why"]], *gathered.best]
    found: dict[str, str] = {}
    for frame in frames:
        best = best_of([frame]) if len(frame) else frame
        for host, why in zip(best["host"].tolist(), best["why"].tolist(), strict=True):
            found.setdefault(host, why)
    return found


def _classes(notices: pd.DataFrame, gathered: Gathered) -> dict[str, list[tuple[str, int]]]:
    logged = gathered.hosts.table()
    counted = notices.groupby(["host", "class", "note"], sort=False)["n"].sum()
    told = counted.groupby(["host", "class"], sort=False).max().reset_index()
    told = told[~told["host"].isin(set(logged["host"]))]
    found: dict[str, list[tuple[str, int]]] = {}
    for frame in (logged, told):
        for host, name, n in frame[["host", "class", "n"]].itertuples(index=False):
            found.setdefault(host, []).append((name, int(n)))
    for classes in found.values():
        classes.sort(key=lambda each: (-each[1], each[0]))
    return found

"""What two models raise on the part of a site's logs that neither was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zeekml.alerts.notices import CONNECTION_NOTE, HOST_NOTE
from zeekml.config import Settings
from zeekml.evaluation.verdicts import Judge, Verdicts
from zeekml.scoring import Bundle
from zeekml.tuning.site import SiteStream

#: The figures of a site in the order in which they are shown, and their words.
FIGURES = {
    "false_host_alerts": "false host alerts",
    "hosts_falsely_named": "benign hosts with one",
    "false_connection_alerts": "benign connections at or above the threshold",
    "false_connection_notices": "false connection notices",
    "mean_score": "mean score of benign connections",
    "malicious_alerts": "malicious connections at or above the threshold",
    "infected_named": "infected hosts with a host alert",
}


def site_figures(bundle: Bundle, streams: Sequence[SiteStream], settings: Settings) -> dict[str, Any]:
    """Counts over the held-out rows of all streams, which are judged whole, as a watch would have.

    Those of hosts are of hosts that count with the settings. A figure that there is nothing to count for is None.
    """
    judge = Judge(bundle, settings)
    parts = [_stream(stream, judge.judge(stream.frame, stream.log.stream)) for stream in streams]
    counts = {name: sum(part[name] for part in parts) for name in parts[0]}
    benign, malicious = counts.pop("benign"), counts.pop("malicious")
    total = counts.pop("score")
    counts |= {"benign": benign, "malicious": malicious, "mean_score": total / benign if benign else None}
    if not malicious:
        counts |= {"malicious_alerts": None, "infected_named": None}
    return counts


def _stream(stream: SiteStream, verdicts: Verdicts) -> dict[str, Any]:
    later = np.arange(len(stream.labels)) >= stream.cut
    benign, bad = later & (stream.labels == 0), later & (stream.labels > 0)
    hosts = stream.frame["id.orig_h"].astype(str).to_numpy()
    good, infected = stream.benign_hosts, stream.infected
    raised = [(n, hosts[n.row]) for n in verdicts.notices if later[n.row]]
    named = [host for notice, host in raised if notice.note == HOST_NOTE]
    return {
        "connections": int(later.sum()),
        "benign": int(benign.sum()),
        "malicious": int(bad.sum()),
        "score": float(verdicts.score[benign].sum()),
        "false_host_alerts": sum(host in good for host in named),
        "hosts_falsely_named": len(good.intersection(named)),
        "false_connection_alerts": int((benign & verdicts.alerting).sum()),
        "false_connection_notices": sum(
            notice.note == CONNECTION_NOTE and bool(benign[notice.row]) for notice, _ in raised
        ),
        "malicious_alerts": int((bad & verdicts.alerting).sum()),
        "infected_named": len(infected.intersection(named)),
    }


def named_hosts(
    bundle: Bundle, streams: Sequence[SiteStream], settings: Settings
) -> list[tuple[SiteStream, list[str]]]:
    """Of each stream the hosts that a model names in the part that is trained on, and that count as benign there."""
    judge = Judge(bundle, settings)
    found = []
    for stream in streams:
        verdicts = judge.judge(stream.frame, stream.log.stream)
        hosts = stream.frame["id.orig_h"].astype(str).to_numpy()
        named = {str(hosts[n.row]) for n in verdicts.notices if n.note == HOST_NOTE and n.row < stream.cut}
        found.append((stream, sorted(named & stream.benign_hosts)))
    return found

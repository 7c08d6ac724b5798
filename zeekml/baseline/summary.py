"""A baseline in some lines for a person. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from zeekml.baseline.content import Baseline

_MOST = 20


def summary(baseline: Baseline) -> Iterator[str]:
    """What was read, what holds now, who should be looked at, and what is proposed."""
    about, limits = baseline.about, baseline.thresholds
    ordinary = baseline.ordinary()
    yield (
        f"{about.connections:,} connections of {about.hosts:,} hosts in {about.days:.1f} days, "
        f"{about.first} to {about.last}"
    )
    yield (
        f"{about.suspicious:,} of them suspicious; ordinary are {len(ordinary.peers):,} peers of single hosts, "
        f"{len(ordinary.shared):,} shared ones, {len(ordinary.failing):,} ports of hosts where nothing came of it"
    )
    yield f"a host is named from {limits.host.value:.4g} nats of evidence: {limits.host.why}"
    yield f"a connection alerts from a score of {limits.connection.value:.4g}: {limits.connection.why}"
    yield from _look_at(baseline)
    yield from _left_out(baseline)
    if baseline.proposed_allowlist:
        yield "proposed for alerts.allowlist; take over what you know:"
    for proposal in baseline.proposed_allowlist:
        networks = json.dumps(list(proposal.networks))
        yield f"  - {{reason: {json.dumps(proposal.reason)}, networks: {networks}}}"


def _look_at(baseline: Baseline) -> Iterator[str]:
    if baseline.look_at:
        yield (
            "look at these first: the model would have named them in these logs, and they were taken as clean all the "
            "same (--exclude leaves them out):"
        )
    for one in baseline.look_at[:_MOST]:
        yield f"  {one.host}, evidence {one.evidence:.1f}: {'; '.join(one.top)}"
    if len(baseline.look_at) > _MOST:
        yield f"  and {len(baseline.look_at) - _MOST:,} more, in the file"


def _left_out(baseline: Baseline) -> Iterator[str]:
    if baseline.left_out:
        yield "nothing was learned of:"
    for one in baseline.left_out[:_MOST]:
        yield f"  {one.host}: {one.why}"
    if len(baseline.left_out) > _MOST:
        yield f"  and {len(baseline.left_out) - _MOST:,} more, in the file"

"""What stands in a baseline file: every field with its type, and what alerting takes from it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from zeekml.alerts.ordinary import Ordinary

FORMAT = "zeekml baseline 1"

Share = Annotated[float, Field(ge=0, le=1)]
Score = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Nats = Annotated[float, Field(ge=0)]
Port = Annotated[str, Field(pattern=r"^\d{1,5}/[A-Za-z0-9_.-]{1,32}$")]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+00:00$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Model(_Part):
    """The bundle that scored the logs; a baseline holds for no other."""

    name: str
    version: str
    weights_sha256: Sha256


class About(_Part):
    """What was read. ``first`` and ``last``: of the connections; ``days`` between them."""

    made: Moment
    zeekml: str
    first: Moment
    last: Moment
    days: Annotated[float, Field(ge=0)]
    logs: Count
    connections: Count
    hosts: Count
    suspicious: Count
    benign_verdicts: Count
    malicious_verdicts: Count


class Rules(_Part):
    """What was asked for, and from where on the model counts as sure."""

    false_alerts_per_day: Annotated[float, Field(gt=0)]
    sure_score: Score
    sure_connections: Annotated[int, Field(ge=1)]
    excluded: tuple[str, ...]


class Threshold(_Part):
    """``value`` holds on this site; ``model`` is the model's own; ``why`` in words."""

    value: Annotated[float, Field(gt=0)]
    model: Annotated[float, Field(gt=0)]
    why: str


class Thresholds(_Part):
    """Where verdicts begin on this site: a score, and nats of evidence."""

    connection: Threshold
    host: Threshold


class LeftOut(_Part):
    """A host of which nothing was learned."""

    host: str
    why: str


class LookAt(_Part):
    """A host that the model would have named in these logs, and that was taken as clean all the same."""

    host: str
    evidence: Nats
    top: tuple[str, ...]


class Never(_Part):
    """A peer that is ordinary for nobody."""

    peer: str
    port: Port
    why: str


class SharedPeer(_Part):
    """A peer that several hosts use, with a score that is usual for any host."""

    peer: str
    port: Port
    hosts: Count
    usual_score: Score


class Peer(_Part):
    """A peer of one host. ``every``: seconds between its connections, where they come evenly. ``usual_score``: None
    where none of them counts less than without a baseline."""

    peer: str
    port: Port
    connections: Count
    failed: Count
    first: Moment
    last: Moment
    every: float | None
    usual_score: Score | None


class HostPort(_Part):
    """A port that one host goes to. ``usual_score``: of connections that came to nothing, whoever the peer is."""

    port: Port
    connections: Count
    failed: Count
    peers: Count
    usual_score: Score | None


class Host(_Part):
    """One host. ``evidence_by_day``: the most evidence (nats) of each day with any, by what the model says alone.
    ``usual_evidence``: what is usual for this host; odd evidence has to reach half of it and of the threshold.
    ``more_peers``: not listed, none counts less."""

    host: str
    connections: Count
    suspicious: Count
    usual_evidence: Nats
    evidence_by_day: dict[str, float]
    peers: tuple[Peer, ...]
    more_peers: Count
    ports: tuple[HostPort, ...]


class Proposal(_Part):
    """An entry for ``alerts.allowlist``, as the configuration has it. Nothing takes it from here."""

    reason: str
    networks: tuple[str, ...]


class Baseline(_Part):
    """The whole file. ``sha256``: over everything else in it (see `zeekml.baseline.file`)."""

    format: Literal["zeekml baseline 1"]
    sha256: Sha256
    about: About
    model: Model
    rules: Rules
    thresholds: Thresholds
    look_at: tuple[LookAt, ...]
    left_out: tuple[LeftOut, ...]
    never: tuple[Never, ...]
    proposed_allowlist: tuple[Proposal, ...]
    shared: tuple[SharedPeer, ...]
    hosts: tuple[Host, ...]

    def ordinary(self) -> Ordinary:
        """What alerting takes: usual scores and usual evidence."""
        return Ordinary(
            peers={
                (host.host, peer.peer, *port_of(peer.port)): peer.usual_score
                for host in self.hosts
                for peer in host.peers
                if peer.usual_score is not None
            },
            shared={(peer.peer, *port_of(peer.port)): peer.usual_score for peer in self.shared},
            failing={
                (host.host, *port_of(port.port)): port.usual_score
                for host in self.hosts
                for port in host.ports
                if port.usual_score is not None
            },
            evidence={host.host: host.usual_evidence for host in self.hosts if host.usual_evidence > 0},
            sure=self.rules.sure_score,
        )


def port_of(text: str) -> tuple[int, str]:
    """``443/tcp`` as (443, "tcp")."""
    number, _, proto = text.partition("/")
    return int(number), proto

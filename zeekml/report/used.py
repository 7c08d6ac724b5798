"""The models that the logs name, with the thresholds that they have here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zeekml.config import AlertSettings

if TYPE_CHECKING:
    from zeekml.config import Settings
    from zeekml.scoring.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Used:
    """One model. ``lines``: how often the logs name it. ``facts``: name and value; ``host_threshold``: evidence (nats);
    both without content where the model is not known here."""

    name: str
    lines: int
    facts: tuple[tuple[str, str], ...] = ()
    host_threshold: float | None = None


def models_used(
    named: Counter[str], known: Mapping[str, Manifest], settings: Settings | None = None
) -> list[Used]:
    """What is known of the models that the logs name, those first that they name most often.

    ``known``: manifests by name. ``settings``: those of the run; their thresholds go over the models'.
    """
    return [
        _used(known[name], lines, settings) if name in known else Used(name, lines)
        for name, lines in named.most_common()
    ]


def _used(manifest: Manifest, lines: int, settings: Settings | None) -> Used:
    instead = settings.alerts.host_threshold if settings else None
    host = manifest.thresholds.host if instead is None else instead
    return Used(manifest.name, lines, _facts(manifest, settings), host)


def _facts(manifest: Manifest, settings: Settings | None) -> tuple[tuple[str, str], ...]:
    thresholds, evidence = manifest.thresholds, manifest.evidence
    instead = settings.alerts if settings else AlertSettings()
    facts = [
        ("version", manifest.version),
        ("network", f"{manifest.network.name}, {manifest.network.layout} layout"),
        (
            "a connection alerts from",
            _threshold(
                "score",
                thresholds.connection,
                thresholds.connection_fpr,
                instead.connection_threshold,
            ),
        ),
        (
            "a host is named from",
            _threshold("evidence", thresholds.host, thresholds.host_fpr, instead.host_threshold),
        ),
        (
            "evidence is",
            f"connections that score {evidence.floor:.4g} or more; it halves in {evidence.half_life:g} s",
        ),
    ]
    if settings is not None:
        facts.append(("repeats are only counted for", f"{instead.suppress_for:g} s"))
    facts += [
        (f"{file} SHA-256", digest) for file, digest in manifest.files.items() if file.startswith("weights")
    ]
    return tuple(facts)


def _threshold(unit: str, value: float, fpr: float, instead: float | None) -> str:
    if instead is not None:
        return f"{unit} {instead:.4g}, by the settings (the model's own: {value:.4g})"
    return f"{unit} {value:.4g}, which {fpr:.2g} of benign ones passed in training"

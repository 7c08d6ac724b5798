"""From a bundle and a site's own logs to a bundle that knows the site: fine-tuned, or only calibrated by verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from zeekml.config import Settings
from zeekml.errors import ForgettingError, OutputError, RecipeError
from zeekml.evaluation.evaluate import tidy
from zeekml.evaluation.extras import needed
from zeekml.evaluation.logs import LabelledLogs
from zeekml.evaluation.truth import Truth
from zeekml.networks import Network
from zeekml.pipeline.progress import Progress
from zeekml.scoring import Bundle
from zeekml.scoring.bundle import find_bundle, load_bundle
from zeekml.scoring.ensemble import Ensemble
from zeekml.scoring.manifest import FeedbackPart, SiteLog, Tuning
from zeekml.scoring.store import check_target
from zeekml.training.calibrate import fit_reasons
from zeekml.training.captures import Capture, load_captures
from zeekml.training.made import BEHAVIOURS
from zeekml.training.outoffold import runner
from zeekml.training.recipe import Recipe
from zeekml.training.samples import Material, as_block
from zeekml.training.watcher import Watcher
from zeekml.tuning.calibrate import by_verdicts
from zeekml.tuning.fit import Further, fit_further
from zeekml.tuning.measure import named_hosts, site_figures
from zeekml.tuning.reference import (
    Reference,
    Verdicts,
    captures_reference,
    figures,
    lost,
    made_reference,
    settled,
)
from zeekml.tuning.site import SiteStream, check_something, feedback_part, site_stream
from zeekml.tuning.store import parent_of, save
from zeekml.tuning.verdicts import judged

#: The ratio of the rate to that of a training from nothing.
SLOWER = 0.25
#: Weights beyond it are none of a network that has learnt something, and their products overflow.
_LARGEST = 1e6


@dataclass(frozen=True)
class Asked:
    """What to make, from what.

    ``parent``: name or folder of a bundle; ``paths``: the site's logs; the bundle is written to ``out / name``;
    ``made``: when, as ISO 8601; ``feedback``: tables of verdicts or label rules. ``data`` and ``recipe``: the old
    captures. ``hold_out``: share of each log, its last part, that is measured on; ``further``: how the network is
    trained; ``most_lost``: by how much a figure may fall; ``clean``: what nothing is known of is benign;
    ``leave_out_named``: but not hosts that the parent names; ``prior``: what the parent's calibration counts for.
    """

    parent: str
    paths: Sequence[str]
    out: Path
    name: str
    made: str
    recipe: Path | None = None
    data: Path | None = None
    feedback: tuple[Path, ...] = ()
    hold_out: float = 0.25
    epochs: int = 3
    rate: float | None = None
    share: float = 0.25
    most_lost: float = 0.05
    seed: int = 0
    threads: int = 1
    clean: bool = True
    leave_out_named: bool = False
    prior: float = 10.0

    @property
    def folder(self) -> Path:
        """Where the bundle is written."""
        return self.out / self.name


@dataclass(frozen=True, eq=False)
class Tuned:
    """The folder of the new bundle, and what it came to: ``figures`` as ``metrics.json`` has them.

    ``problems`` are logs that could not be read.
    """

    folder: Path
    figures: dict[str, Any]
    problems: list[Any] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Site:
    """A bundle and a site's logs, read: what is needed to fine-tune."""

    bundle: Bundle
    recipe: Recipe
    streams: tuple[SiteStream, ...]
    feedback: FeedbackPart
    problems: list[Any]


def read_site(asked: Asked, settings: Settings, progress: Progress) -> Site:
    """Read and check everything but the old captures.

    Raises ModelError, RecipeError, OutputError, InputError where nothing is to be trained on.
    """
    needed("sklearn")
    bundle, truth = _begun(asked)
    logs = LabelledLogs(asked.paths, truth, progress)
    streams = tuple(site_stream(log, asked.hold_out, clean=asked.clean) for log in logs)
    check_something(streams)
    streams = _without_named(asked, bundle, streams, settings, progress)
    return Site(bundle, truth.recipe, streams, feedback_part(truth), logs.problems)


def _begun(asked: Asked) -> tuple[Bundle, Truth]:
    """The parent, and the recipe's and analysts' truth, checked against it."""
    bundle = load_bundle(asked.parent)
    if find_bundle(asked.parent).resolve() == asked.folder.resolve():
        raise OutputError(
            f"{asked.folder}: is the model itself that is to be tuned; give another --out or --name"
        )
    check_target(asked.folder)
    truth = Truth.load(asked.recipe, asked.feedback)
    if truth.recipe.class_names != bundle.classes:
        raise RecipeError(
            f"the recipe names the classes {', '.join(truth.recipe.class_names)}, the model {bundle.name} knows "
            f"{', '.join(bundle.classes)}; give the recipe that it was made by with --recipe"
        )
    return bundle, truth


def _without_named(
    asked: Asked,
    bundle: Bundle,
    streams: tuple[SiteStream, ...],
    settings: Settings,
    progress: Progress,
) -> tuple[SiteStream, ...]:
    """The streams, without hosts that the parent names if so asked; else these are told, for a person to look at."""
    kept = []
    for stream, hosts in named_hosts(bundle, streams, settings):
        kept.append(stream.without(hosts) if asked.leave_out_named else stream)
        if hosts:
            some = ", ".join(hosts[:5]) + (f" and {len(hosts) - 5} more" if len(hosts) > 5 else "")
            done = (
                "left out"
                if asked.leave_out_named
                else "taken as benign all the same: look at them first, say so with zeekml feedback --malicious, or "
                "give --leave-out-named"
            )
            progress.warning(f"{stream.log.capture.name}: {bundle.name} names {some}; {done}")
    if asked.leave_out_named:
        check_something(kept)
    return tuple(kept)


def tune(site: Site, asked: Asked, settings: Settings, watcher: Watcher) -> Tuned:
    """Fine-tune the bundle on the site, measure both, and write the new one; see docs/fine-tuning.md.

    The same arguments on the same machine give the same weights. Raises ForgettingError, with the figures, when one of
    the reference fell by more than ``most_lost``: nothing is written then.
    """
    torch.set_num_threads(asked.threads)
    bundle, recipe = site.bundle, site.recipe
    captures: list[Capture] = []
    if asked.data is not None:
        watcher.begin("reading the old captures", 0)
        captures = load_captures(recipe, asked.data)
    else:
        recipe = _rehearsing_made(recipe)
    own = [capture for stream in site.streams for capture in stream.captures()]
    material = Material([*captures, *own], recipe)
    rate = recipe.fit.rate * SLOWER if asked.rate is None else asked.rate
    further = Further(epochs=asked.epochs, rate=rate, share=asked.share)
    indices = range(len(captures), len(captures) + len(own))
    network = fit_further(material, indices, bundle, recipe, further, seed=asked.seed, watcher=watcher)
    _refuse_endless(network, asked)
    weights = {name: value.detach().numpy().copy() for name, value in network.state_dict().items()}
    changed = replace(bundle, weights=weights)

    watcher.begin("measuring both models", 0)
    reference = _reference(captures, recipe, asked.seed)
    before, after = reference.said_by(bundle), reference.said_by(changed)
    verdicts = settled(reference, Verdicts.of(bundle), before, after, recipe)
    found = {
        "reference": {
            "of": reference.of,
            "before": figures(reference, Verdicts.of(bundle), before, recipe),
            "after": figures(reference, verdicts, after, recipe),
        }
    }
    changed = replace(changed, manifest=_with(bundle, verdicts))
    if asked.hold_out:
        found["site"] = {
            "before": site_figures(bundle, site.streams, settings),
            "after": site_figures(changed, site.streams, settings),
        }
    metrics = {"fitted": "network", **{name: tidy(value) for name, value in found.items()}}
    _refuse_lost(metrics, asked)

    sequences = material.epoch(np.random.default_rng(asked.seed))
    logits = runner(network, bundle.encoding)(as_block(sequences))
    coefficients, typical, fidelity = fit_reasons(bundle.encoding, sequences, logits)
    changed = replace(
        changed,
        reason_coefficients=coefficients,
        reason_typical=typical,
        manifest=changed.manifest.model_copy(
            update={"reasons": changed.manifest.reasons.model_copy(update={"fidelity": fidelity})}
        ),
    )
    tuning = _tuning(asked, bundle, [s.entry() for s in site.streams], site.feedback, "network", captures)
    folder = save(asked.folder, asked.parent, changed, tuning, metrics)
    return Tuned(folder, metrics, site.problems)


def _rehearsing_made(recipe: Recipe) -> Recipe:
    """The recipe with made hosts, if it has none: nothing else is there to be rehearsed."""
    if recipe.made.behaviours:
        return recipe
    names = [name for name, one in BEHAVIOURS.items() if one.hostile in (None, *recipe.class_names)]
    return recipe.model_copy(update={"made": recipe.made.model_copy(update={"behaviours": names})})


def _reference(captures: Sequence[Capture], recipe: Recipe, seed: int) -> Reference:
    return captures_reference(captures, recipe, seed) if captures else made_reference(recipe, seed)


def _with(bundle: Bundle, verdicts: Verdicts) -> Any:
    part = bundle.manifest.calibration.model_copy(
        update={"given": verdicts.calibration.given, "meant": verdicts.calibration.meant}
    )
    return bundle.manifest.model_copy(
        update={"calibration": part, "thresholds": verdicts.thresholds, "evidence": verdicts.evidence}
    )


def _refuse_endless(network: Network | Ensemble, asked: Asked) -> None:
    if not all(bool((value.abs() <= _LARGEST).all()) for value in network.parameters()):  # nor NaN
        raise ForgettingError(
            f"{asked.name}: the network's weights grew beyond all bounds, and the model was not written; give a lower "
            "--rate"
        )


def _refuse_lost(metrics: dict[str, Any], asked: Asked) -> None:
    found = metrics["reference"]
    fallen = lost(found["before"], found["after"], asked.most_lost)
    if fallen:
        raise ForgettingError(
            f"{asked.name}: the tuned model has forgotten too much and was not written. On {found['of']} fell "
            f"{'; '.join(fallen)}, at most {asked.most_lost:g} is allowed (--most-lost). Give the old captures with "
            "--data, fewer --epochs, a lower --rate or a lower --share",
            metrics,
        )


def _tuning(
    asked: Asked,
    parent: Bundle,
    logs: Sequence[SiteLog],
    feedback: FeedbackPart,
    fitted: Literal["network", "calibration"],
    captures: Sequence[Capture],
) -> Tuning:
    earlier = parent.manifest.tuning
    rehearsed: Literal["captures", "made hosts", "nothing"] = "captures" if captures else "made hosts"
    return Tuning(
        parent=parent_of(asked.parent, parent),
        made=asked.made,
        fitted=fitted,
        rehearsed="nothing" if fitted == "calibration" else rehearsed,
        seed=asked.seed,
        epochs=0 if fitted == "calibration" else asked.epochs,
        logs=tuple(logs),
        earlier_logs=() if earlier is None else (*earlier.earlier_logs, *earlier.logs),
        feedback=feedback,
    )


def recalibrate(asked: Asked, progress: Progress) -> Tuned:
    """Fit only the calibration, to verdicts; weights and thresholds stay as they are.

    Raises ModelError, RecipeError, OutputError, and InputError where no verdict can be used.
    """
    torch.set_num_threads(asked.threads)
    bundle, truth = _begun(asked)
    logs = LabelledLogs(asked.paths, truth, progress) if asked.paths else None
    found = judged(bundle, [] if logs is None else logs, truth, asked.feedback)
    calibration = by_verdicts(bundle.calibration, found.odds, found.bad, asked.prior)
    changed = replace(
        bundle, manifest=_with(bundle, Verdicts(calibration, bundle.thresholds, bundle.evidence))
    )
    tuning = _tuning(asked, bundle, found.logs, found.feedback, "calibration", ())
    metrics = {
        "fitted": "calibration",
        "verdicts": {
            "recorded": found.recorded,
            "before": _verdict_figures(bundle, found.odds, found.bad),
            "after": _verdict_figures(changed, found.odds, found.bad),
        },
    }
    folder = save(asked.folder, asked.parent, changed, tuning, tidy(metrics))
    return Tuned(folder, tidy(metrics), [] if logs is None else logs.problems)


def _verdict_figures(bundle: Bundle, odds: Any, bad: Any) -> dict[str, Any]:
    score = bundle.calibration.score(odds)
    alerting = score >= bundle.thresholds.connection
    return {
        "benign": int((~bad).sum()),
        "malicious": int(bad.sum()),
        "benign_alerting": int((alerting & ~bad).sum()),
        "malicious_alerting": int((alerting & bad).sum()),
        "benign_mean_score": float(score[~bad].mean()) if (~bad).any() else None,
        "malicious_mean_score": float(score[bad].mean()) if bad.any() else None,
    }

"""What a recipe's model leans on: how much worse it finds left-out captures when some features tell nothing.

Networks and trees are trained on the other folds, as ``zeekml train`` measures them. In the captures that were left out
the features of a family are then dealt anew among all connections of the fold, all of them by one order (permutation
importance, Breiman 2001), and average precision is taken again: over all, and for each capture against all that is
benign. A family that costs one laboratory's captures much and others nothing belongs to the laboratory::

    python benchmarks/importance.py --data DATA --processes 2 models/recipes/conn-1-res.yaml
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # however it is started
from benchmarks.experiments import one_or_more, weighed
from benchmarks.pages import written
from zeekml.errors import ZeekMLError
from zeekml.features import LAYOUT
from zeekml.features.context import Block
from zeekml.processes import worked_out
from zeekml.scoring.calibration import log_odds
from zeekml.scoring.trees import Trees
from zeekml.training.captures import load_captures
from zeekml.training.fit import used_features
from zeekml.training.folds import deal
from zeekml.training.heldout import HeldOut, Predict
from zeekml.training.measure import FEWEST, connection_figures
from zeekml.training.members import Trained, fit_members
from zeekml.training.outoffold import runner
from zeekml.training.recipe import Recipe, load_recipe
from zeekml.training.samples import Material
from zeekml.training.trees import as_arrays, fit_shipped_trees, grounds
from zeekml.training.watcher import Silent

Floats = NDArray[np.float64]

#: Features that tell of one thing, by patterns of their names.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "sizes": ("*_bytes", "*_pkts", "*_pkt_size", "byte_ratio", "payload_share"),
    "duration and rate": ("duration", "pkt_rate"),
    "protocol and service": ("proto_*", "service_*"),
    "state": ("state_*",),
    "history": ("orig_[shadfritw]", "resp_[shadfritw]", "history_missing"),
    "ports": ("port_*", "orig_port_*"),
    "inside or outside": ("orig_local", "resp_local", "resp_group", "host_inside"),
    "host: rhythm": ("host_gap", "host_pace"),
    "host: peers": ("host_new_peers", "host_same_peer"),
    "host: ports": ("host_new_ports", "host_same_port"),
    "host: failures": ("host_failed", "host_failed_new"),
    "host: DNS": ("host_dns*",),
    "host: sizes": ("host_sent", "host_received"),
    "pair": ("pair_*",),
}
MARKS = ("<!-- importance: begin -->", "<!-- importance: end -->")
#: Families named for each capture, and the least loss of average precision worth a name.
_NAMED, _LEAST = 3, 0.01


@dataclass(frozen=True, slots=True)
class Said:
    """The held-out rows of a fold, and the log odds (N,) of them by what was dealt anew (the first: nothing)."""

    rows: pd.DataFrame
    odds: dict[str, Floats]


def members_of(family: str) -> list[int]:
    """The places of a family's features in the layout."""
    patterns = FAMILIES[family]
    return [at for at, name in enumerate(LAYOUT.names) if any(fnmatchcase(name, p) for p in patterns)]


def seen_families(recipe: Recipe) -> list[str]:
    """The families of which network or trees see a feature."""
    sees = used_features(recipe, recipe.network.without)
    if recipe.trees.share:
        sees = sees | used_features(recipe, recipe.trees.without)
    return [family for family in FAMILIES if sees[members_of(family)].any()]


def of_fold(fold: int, recipe: Recipe, data: Path, repeats: int) -> Said:
    """Train on the other folds, and ask about this one as it is and with each family dealt anew."""
    torch.set_num_threads(recipe.threads)
    captures = load_captures(recipe, data)
    left_out = deal(captures, recipe.folds, recipe.seed)[fold]
    held_out = HeldOut(left_out, recipe, recipe.seed + fold)
    material = Material([each for each in captures if each.group not in left_out.groups], recipe)
    trained = fit_members(
        material, recipe, seed=recipe.seed, epochs=recipe.fit.epochs, teacher=None, watcher=Silent(), stage=""
    )
    trees = None
    if recipe.trees.share:
        trees = as_arrays(fit_shipped_trees(grounds(material, recipe, recipe.seed), recipe, recipe.seed))
    plain = held_out.features
    odds = {"": _odds(held_out, plain, trained, trees, recipe)}
    for family in seen_families(recipe):
        rng = np.random.default_rng([recipe.seed, fold, len(odds)])
        for repeat in range(repeats):
            dealt = plain.copy()
            places = members_of(family)
            dealt[:, places] = plain[rng.permutation(len(plain))][:, places]
            odds[f"{family}/{repeat}"] = _odds(held_out, dealt, trained, trees, recipe)
    return Said(held_out.rows, odds)


def _odds(
    held_out: HeldOut, features: NDArray[np.float32], trained: Trained, trees: Trees | None, recipe: Recipe
) -> Floats:
    """Log odds (N,) of not Benign, had the held-out rows these features (N, F)."""
    network = log_odds(
        held_out.predict(_Instead(features, lambda: runner(trained.network, trained.encoding)))
    )
    if trees is None:
        return network
    grown = trees

    def by_trees(block: Block) -> NDArray[np.float32]:
        return grown.log_odds(block.matrix)[:, None].astype(np.float32)

    said = held_out.predict(_Instead(features, lambda: by_trees))[:, 0].astype(np.float64)
    return weighed(recipe.trees.share)(network, said)


class _Instead:
    """Starts a stream's predictions that see other features, which are those (N, F) of all blocks in turn."""

    def __init__(self, features: NDArray[np.float32], start: Callable[[], Predict]) -> None:
        self._features, self._start, self._at = features, start, 0

    def __call__(self) -> Predict:
        predict = self._start()

        def with_others(block: Block) -> NDArray[np.float32]:
            first, self._at = self._at, self._at + len(block.matrix)
            return predict(replace(block, matrix=self._features[first : self._at]))

        return with_others


def losses(
    said: Sequence[Said], recipe: Recipe, repeats: int
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """The figures as they are, and those with each family dealt anew, which are means over the repeats."""
    rows = pd.concat([each.rows for each in said], ignore_index=True)

    def figures(name: str) -> dict[str, float]:
        found = connection_figures(rows, np.concatenate([each.odds[name] for each in said]), 0.0)
        return {
            "all": found["average_precision"],
            "1e-2": found["mean_recall_at_fpr_0.01"],
            "1e-3": found["mean_recall_at_fpr_0.001"],
            **{
                name: capture["average_precision"]
                for name, capture in found["captures"].items()
                if capture["malicious"] >= FEWEST
            },
        }

    dealt = {
        family: _mean([figures(f"{family}/{repeat}") for repeat in range(repeats)])
        for family in seen_families(recipe)
    }
    return figures(""), dealt


def _mean(every: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([figures[name] for figures in every])) for name in every[0]}


def tables(plain: Mapping[str, float], dealt: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Two tables: what each family is worth over all, and what each capture is found by."""
    names = ("all", "1e-2", "1e-3")
    yield "| dealt anew | AP | 1e-2 | 1e-3 |"
    yield "| --- " * 4 + "|"
    yield f"| nothing | {' | '.join(f'{plain[name]:.3f}' for name in names)} |"
    for family, figures in sorted(dealt.items(), key=lambda item: item[1]["all"]):
        yield f"| {family} | {' | '.join(f'{figures[name]:.3f}' for name in names)} |"
    yield ""
    yield "| capture | AP | what costs it most |"
    yield "| --- " * 3 + "|"
    for capture in sorted(set(plain) - set(names)):
        lost = sorted(
            ((plain[capture] - figures[capture], family) for family, figures in dealt.items()), reverse=True
        )
        words = [f"{family} ({loss:.2f})" for loss, family in lost[:_NAMED] if loss >= _LEAST]
        yield f"| `{capture}` | {plain[capture]:.3f} | {', '.join(words) or 'nothing by itself'} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables, or write them into a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recipe", type=Path, metavar="RECIPE")
    parser.add_argument(
        "--data", type=Path, required=True, help="the folder that the recipe's paths start from"
    )
    parser.add_argument(
        "--repeats", type=one_or_more, default=2, help="orders that each family is dealt by (default 2)"
    )
    parser.add_argument("--processes", type=one_or_more, default=1, help="folds at a time")
    parser.add_argument("--document", type=Path, help="the page to write the tables into, between its marks")
    asked = parser.parse_args(arguments)
    try:
        recipe = load_recipe(asked.recipe)
        if recipe.fit.patience or recipe.fit.taught:
            sys.exit(
                f"{asked.recipe}: fit.patience and fit.taught must be 0: networks learn for all epochs, by themselves"
            )
        work = partial(of_fold, recipe=recipe, data=asked.data, repeats=asked.repeats)
        done = dict(worked_out(work, range(recipe.folds), asked.processes, "--processes 1"))
    except ZeekMLError as error:
        sys.exit(f"{error}")
    lines = list(tables(*losses([done[fold] for fold in range(recipe.folds)], recipe, asked.repeats)))
    if asked.document:
        written(asked.document, "\n".join(lines) + "\n", *MARKS)
    else:
        print("\n".join(lines))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""What recipes come to on captures that were left out, and what comes of other ways to join networks and trees.

Every recipe is measured as ``zeekml train`` measures it, but no network is trained for shipping. It takes the folds
that ``zeekml train --folds`` keeps; missing ones are worked out and kept, which takes minutes each::

    python benchmarks/experiments.py --data DATA --folds FOLDS --processes 2 models/recipes/experiments/*.yaml
    python benchmarks/experiments.py --data DATA --folds FOLDS --joinings models/recipes/conn-1-res.yaml
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # however it is started
from benchmarks.pages import written
from zeekml.errors import ZeekMLError
from zeekml.scoring.calibration import log_odds
from zeekml.spread import Spread
from zeekml.training.captures import load_captures
from zeekml.training.judge import judge
from zeekml.training.outoffold import Measured, out_of_fold
from zeekml.training.recipe import Recipe, load_recipe
from zeekml.training.watcher import Silent

Floats = NDArray[np.float64]
#: From log odds of network and trees (N,) those of both together (N,).
Joining = Callable[[Floats, Floats], Floats]

HEAD = "| {} | who | AP | 1e-2 | 1e-3 | pooled 1e-2 | pooled 1e-3 | hosts of all | without sandbox runs |"
RULE = "| --- " * 9 + "|"
_CONNECTIONS = (
    "average_precision",
    "mean_recall_at_fpr_0.01",
    "mean_recall_at_fpr_0.001",
    "recall_at_fpr_0.01",
    "recall_at_fpr_0.001",
)
_HOSTS = ("infected_named", "labelled_named")


def weighed(share: float) -> Joining:
    """The mean of log odds in which the trees weigh ``share``."""
    return lambda network, trees: (1 - share) * network + share * trees


def harmonic(share: float) -> Joining:
    """The log of the harmonic mean of the odds, in which the trees weigh ``share``: near the lesser of both."""
    return lambda network, trees: -np.logaddexp(np.log1p(-share) - network, np.log(share) - trees)


def leaning(towards: Callable[[Floats, Floats], Floats]) -> Joining:
    """Seven tenths of the mean of log odds with share .6 and three of the lesser or the greater."""
    return lambda network, trees: 0.7 * weighed(0.6)(network, trees) + 0.3 * towards(network, trees)


JOININGS: dict[str, Joining] = {
    "network alone": lambda network, _: network,
    "trees alone": lambda _, trees: trees,
    **{f"mean of log odds, share {share:g}": weighed(share) for share in (0.5, 0.55, 0.6, 0.65, 0.7, 0.8)},
    **{f"harmonic mean, share {share:g}": harmonic(share) for share in (0.5, 0.65, 0.8)},
    ".7 of the mean, .3 of the lesser": leaning(np.minimum),
    ".7 of the mean, .3 of the greater": leaning(np.maximum),
    "mean of log odds, share .6, the network's within 3": lambda network, trees: weighed(0.6)(
        np.clip(network, -3, 3), trees
    ),
}


def joined(measured: Measured, joining: Joining) -> Measured:
    """The same held-out rows, with what network and trees come to together in the place of the shipped trees."""
    seeds = []
    for found in measured.seeds:
        assert found.shipped is not None  # asked before
        seeds.append(replace(found, shipped=joining(log_odds(found.logits), found.shipped)))
    return replace(measured, seeds=tuple(seeds))


def of_joinings(measured: Measured, recipe: Recipe) -> Iterator[str]:
    """A row for each way to join what the recipe's networks and shipped trees said."""
    if any(found.shipped is None for found in measured.seeds):
        raise SystemExit(
            f"{recipe.name}: ships no trees, so there is nothing to join; set trees.share above 0"
        )
    alone = recipe.model_copy(update={"trees": recipe.trees.model_copy(update={"share": 1.0})})
    for words, joining in JOININGS.items():
        yield row(words, "model", judge(joined(measured, joining), alone)[1])


def of_recipe(measured: Measured, recipe: Recipe) -> Iterator[str]:
    """A row for the recipe's model, and one for its network where trees are shipped beside it."""
    metrics = judge(measured, recipe)[1]
    yield row(f"`{recipe.name}`", "model", metrics)
    if recipe.trees.share:
        yield row("", "network", metrics)


def row(words: str, who: str, metrics: dict[str, Any]) -> str:
    """Mean and deviation over the seeds of every figure, as a row of the table."""
    seeds = [seed[who] for seed in metrics["seeds"]]
    cells = [_spread([seed["connections"][name] for seed in seeds], 3) for name in _CONNECTIONS]
    cells += [_spread([seed["hosts"][name] for seed in seeds], 1) for name in _HOSTS]
    return f"| {' | '.join([words, who, *cells])} |"


def _spread(values: Sequence[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    return Spread(tuple(known)).plain(digits) if len(known) == len(values) else "–"


def one_or_more(text: str) -> int:
    """What a count on the command line must be."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 or more")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, or write it into a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recipes", type=Path, nargs="+", metavar="RECIPE")
    parser.add_argument(
        "--data", type=Path, required=True, help="the folder that the recipes' paths start from"
    )
    parser.add_argument("--folds", type=Path, required=True, help="where finished folds are kept")
    parser.add_argument("--seeds", type=one_or_more, help="dealings of the folds; as many as each recipe has")
    parser.add_argument("--processes", type=one_or_more, default=1, help="parts of folds at a time")
    parser.add_argument(
        "--joinings", action="store_true", help="other ways to join network and trees instead"
    )
    parser.add_argument("--document", type=Path, help="the page to write the table into, between its marks")
    asked = parser.parse_args(arguments)
    if asked.joinings and len(asked.recipes) > 1:
        parser.error("--joinings takes one recipe: its rows do not name it")
    try:
        _measure(asked)
    except ZeekMLError as error:
        sys.exit(f"{error}")
    return 0


def _measure(asked: argparse.Namespace) -> None:
    name = "joinings" if asked.joinings else "recipes"
    lines = [HEAD.format("how" if asked.joinings else "recipe"), RULE]
    for path in asked.recipes:
        recipe = load_recipe(path)
        recipe = recipe.model_copy(update={"seeds": asked.seeds or recipe.seeds})
        torch.set_num_threads(recipe.threads)
        captures = load_captures(recipe, asked.data)
        measured = out_of_fold(captures, recipe, asked.data, asked.processes, Silent(), asked.folds)
        for line in (of_joinings if asked.joinings else of_recipe)(measured, recipe):
            print(line, file=sys.stderr if asked.document else sys.stdout, flush=True)
            lines.append(line)
    if asked.document:
        marks = (f"<!-- {name}: begin -->", f"<!-- {name}: end -->")
        written(asked.document, "\n".join(lines) + "\n", *marks)


if __name__ == "__main__":
    raise SystemExit(main())

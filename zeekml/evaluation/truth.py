"""What is known of logs: the class of each connection, and which hosts are infected or clean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.resources import DEFAULT_MODEL, data_folder
from zeekml.training.captures import known_hosts, label_indices, label_words, unknown_words
from zeekml.training.corrections import Correction, load_corrections
from zeekml.training.recipe import Recipe, load_recipe

#: Stands for every local host of a log in a table of hosts.
ALL_LOCAL = "*"


@dataclass(frozen=True)
class Truth:
    """A recipe's class map, rules that say or correct labels, and a table of known hosts (by log, then host).

    ``met`` gathers the places of the rules that met a connection of the logs so far.
    """

    recipe: Recipe
    rules: tuple[Correction, ...] = ()
    hosts: Mapping[str, Mapping[str, bool]] | None = None
    met: set[int] = field(default_factory=set)

    @classmethod
    def load(cls, recipe: Path | None = None, rules: Sequence[Path] = (), hosts: Path | None = None) -> Truth:
        """Read the files; without a recipe the default model's is taken. RecipeError says what is wrong in which."""
        return cls(
            load_recipe(default_recipe() if recipe is None else recipe),
            tuple(rule for path in rules for rule in load_corrections(path)),
            None if hosts is None else known_hosts(hosts),
        )

    def labels(self, name: str, frame: pd.DataFrame, source: Path) -> NDArray[np.int64]:
        """The class of each connection (N,), an index into the recipe's class names; ``IGNORED`` for context.

        ``frame`` has the columns ``label`` and ``detailed-label``, unset where there is none; without any label all
        is Unknown before the rules. Raises RecipeError for a label that no pattern fits, and for a rule that meets
        another number of connections than it says.
        """
        labelled = bool(frame["label"].notna().any())
        words = (
            label_words(frame, self.recipe, source) if labelled else unknown_words(len(frame), self.recipe)
        )
        for place, rule in enumerate(self.rules):
            if rule.is_for(name) and rule.apply(frame, words, source):
                self.met.add(place)
        return label_indices(words, self.recipe)

    def infected(
        self, name: str, originators: pd.Series, labels: NDArray[np.int64], local: NDArray[np.bool_]
    ) -> dict[str, bool]:
        """The hosts of a log that are known infected (True) or clean (False).

        ``originators`` (N,) categories, ``labels`` (N,), ``local`` (N,) whether the originator is one to be watched. A
        table that names the log decides; else a local originator with a malicious connection is infected, one with
        benign connections only is clean, and of one with context alone nothing is known.
        """
        hosts = originators.cat.categories
        codes = originators.cat.codes.to_numpy()
        inside = np.bincount(codes[local], minlength=len(hosts)) > 0
        if self.hosts is not None and name in self.hosts:
            table = self.hosts[name]
            others = {} if ALL_LOCAL not in table else dict.fromkeys(hosts[inside], table[ALL_LOCAL])
            return others | {host: bad for host, bad in table.items() if host != ALL_LOCAL}
        bad = np.bincount(codes[labels > 0], minlength=len(hosts)) > 0
        benign = np.bincount(codes[labels == 0], minlength=len(hosts)) > 0
        return dict.fromkeys(hosts[inside & bad], True) | dict.fromkeys(hosts[inside & benign & ~bad], False)

    def unused(self, names: Sequence[str]) -> list[Correction]:
        """The rules that were for none of the logs ``names``: those for others, and those for whatever log that met
        no connection."""
        logs = set(names)
        return [
            rule
            for place, rule in enumerate(self.rules)
            if (place not in self.met if rule.for_any_log else rule.file not in logs)
        ]


def default_recipe() -> Path:
    """The recipe of the default model: its class map knows the labels of the public captures."""
    return data_folder("models") / "recipes" / f"{DEFAULT_MODEL}.yaml"

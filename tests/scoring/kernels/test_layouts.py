"""However many numbers the processor's registers hold, the network and the trees say the same to the last bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import hashlib
import sys

from zeekml.compiled import processor

processor.has_wide_registers = lambda: sys.argv[1] == "wide"

import numpy as np

from tests.builders import random_log
from tests.scoring.kernels.test_kernels import logits_of, runners, sizes_of
from tests.scoring.test_trees import grown
from zeekml.scoring.kernels import dense, trees
from zeekml.scoring.kernels.occlusion import OccludedTrees

assert dense.COLUMNS == (32 if sys.argv[1] == "wide" else 16)
assert trees.added.arguments == (sys.argv[1] == "wide",)
rng = np.random.default_rng(1)
forest, rows = grown(rng, 30, 20)[0], rng.normal(size=(300, 20)).astype(np.float32)
asked = OccludedTrees(forest, rng.integers(-1, 4, 20), 4, rng.normal(size=20).astype(np.float32))
odds = np.column_stack([trees.CompiledTrees(forest).log_odds(rows), *asked.occluded(rows)])
said = logits_of(runners(sizes_of())[1], [random_log(1, 600)])
print(hashlib.sha256(said.tobytes() + odds.tobytes()).hexdigest())
"""


def said(layout: str, root: Path) -> str:
    """A digest of the logits of one log, and of what trees say, by kernels that are laid out so."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, layout], cwd=root, capture_output=True, text=True, check=True
    )
    return run.stdout


def test_both_layouts_give_the_same_bits(root: Path) -> None:
    assert said("wide", root) == said("narrow", root) != ""

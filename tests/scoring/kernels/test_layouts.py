"""However many numbers the processor's registers hold, the network says the same to the last bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import hashlib
import sys

from zeekml.compiled import processor

processor.has_wide_registers = lambda: sys.argv[1] == "wide"

from tests.builders import random_log
from tests.scoring.kernels.test_kernels import logits_of, runners, sizes_of
from zeekml.scoring.kernels import dense

assert dense.COLUMNS == (32 if sys.argv[1] == "wide" else 16)
print(hashlib.sha256(logits_of(runners(sizes_of())[1], [random_log(1, 600)]).tobytes()).hexdigest())
"""


def logits(layout: str, root: Path) -> str:
    """A digest of the logits of one log by kernels that are laid out so."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, layout], cwd=root, capture_output=True, text=True, check=True
    )
    return run.stdout


def test_both_layouts_give_the_same_bits(root: Path) -> None:
    assert logits("wide", root) == logits("narrow", root) != ""

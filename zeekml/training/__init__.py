"""Training: recipes, labelled captures, overlays, folds, fitting, measuring, and the bundle that comes of it.

``zeekml.training.job.train`` does it, and brings PyTorch; evaluation needs recipes and captures alone.
"""

from __future__ import annotations

from zeekml.training.recipe import Recipe, load_recipe
from zeekml.training.watcher import Watcher

__all__ = ["Recipe", "Watcher", "load_recipe"]

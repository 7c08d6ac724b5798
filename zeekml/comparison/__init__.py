"""The paper's table: five networks, boosted trees and ablations on two public tables of flows."""

from __future__ import annotations

from zeekml.comparison.run import Outcome, Request, Watcher, compare, search

__all__ = ["Outcome", "Request", "Watcher", "compare", "search"]

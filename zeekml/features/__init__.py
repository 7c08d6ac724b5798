"""Features of connections: the layout ``conn-1``, its context state and its encoding. Nothing here opens a file."""

from __future__ import annotations

from zeekml.features.context import LAYOUT, PAIR_FEATURES, Block, blocks, features
from zeekml.features.encoding import Encoding
from zeekml.features.layout import Feature, Layout
from zeekml.features.state import CAP_EVERY, StateLimits, StreamState

__all__ = [
    "CAP_EVERY",
    "LAYOUT",
    "PAIR_FEATURES",
    "Block",
    "Encoding",
    "Feature",
    "Layout",
    "StateLimits",
    "StreamState",
    "blocks",
    "features",
]

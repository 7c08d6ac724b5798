"""What a model says of captures that it was not trained on, laid out as the design measures detection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.addresses import Networks
from zeekml.errors import RecipeError
from zeekml.features import StateLimits, StreamState, blocks
from zeekml.features.context import Block
from zeekml.training.captures import Capture, local_hosts
from zeekml.training.folds import Fold
from zeekml.training.overlays import HostLog, Network, host_log, overlay, stacked
from zeekml.training.recipe import Recipe

#: Gives the logits (N, K) of one block in log order; blocks of a stream come in order.
Predict = Callable[[Block], NDArray[np.float32]]


class HeldOut:
    """The clean networks of a fold as they are, and each of its infected captures laid into one of them.

    The features are computed once; ``rows`` describes them, one line a connection: ``capture``, ``group``, ``host``,
    ``local``, ``kind`` (``clean`` network or ``bot``), ``label``, ``of_bot``, ``event_time``. Overlays hold the host
    beneath too.
    """

    def __init__(self, fold: Fold, recipe: Recipe, seed: int) -> None:
        frames, rows = lay_out(fold, recipe, seed)
        self._blocks = [blocks(frame, StreamState(StateLimits())) for frame in frames]
        self.rows = pd.concat(rows, ignore_index=True)

    @property
    def features(self) -> NDArray[np.float32]:
        """(N, F) the feature matrix of all rows."""
        return np.concatenate([block.matrix for stream in self._blocks for block in stream])

    def predict(self, start: Callable[[], Predict]) -> NDArray[np.float32]:
        """Logits (N, K) of all rows; ``start`` is called anew for each stream, as state is carried within one."""
        parts = []
        for stream in self._blocks:
            predict = start()
            parts += [predict(block) for block in stream]
        return np.concatenate(parts)


def lay_out(fold: Fold, recipe: Recipe, seed: int) -> tuple[list[pd.DataFrame], list[pd.DataFrame]]:
    """The streams to be scored, and what each of their rows is (see ``HeldOut.rows``).

    The clean networks come first, each a stream; the last holds all overlays, every one under a host of its own.
    Raises RecipeError where a capture finds no network to be laid into.
    """
    nets = Networks.parse(recipe.data.local_nets, "data.local_nets")
    rng = np.random.default_rng(seed)
    networks = [Network.of(c, nets, recipe.overlays.min_connections) for c in fold.clean]
    lending = [network for network in networks if network.hosts]
    frames = [capture.frame for capture in fold.clean]
    rows = [_clean_rows(capture, nets) for capture in fold.clean]
    logs, groups = _overlays(fold.infected, lending, recipe, rng)
    if logs:
        frame, of_row = stacked(logs)
        frames.append(frame)
        rows.append(_overlay_rows(logs, groups, frame, of_row))
    return frames, rows


def _overlays(
    captures: Sequence[Capture], networks: Sequence[Network], recipe: Recipe, rng: np.random.Generator
) -> tuple[list[HostLog], list[str]]:
    """Each capture laid into one network that has an address of its own for each of its infected hosts."""
    logs, groups = [], []
    for capture in captures:
        bots = [host_log(capture, host, bot=True) for host in capture.infected]
        bots = [bot for bot in bots if len(bot.labels)]
        roomy = [network for network in networks if len(network.hosts + network.quiet) >= len(bots)]
        if not roomy:
            raise RecipeError(
                f"{capture.name}: no clean network of its fold, with a host of {recipe.overlays.min_connections} "
                f"connections, has {len(bots)} local hosts to lend their addresses to its infected ones; take "
                "another seed, fewer folds or a smaller overlays.min_connections"
            )
        network = roomy[int(rng.integers(len(roomy)))]
        for bot, host in zip(bots, network.lent(len(bots), rng), strict=True):
            logs.append(overlay(bot, network, host, recipe.overlays, rng))
            groups.append(capture.group)
    return logs, groups


def _clean_rows(capture: Capture, nets: Networks) -> pd.DataFrame:
    hosts = capture.frame["id.orig_h"].astype("str")
    return pd.DataFrame(
        {
            "capture": capture.name,
            "group": capture.group,
            "host": hosts,
            "local": hosts.isin(list(local_hosts(capture, nets))),
            "kind": "clean",
            "label": capture.labels,
            "of_bot": False,
            "event_time": capture.event_time,
        }
    )


def _overlay_rows(
    logs: Sequence[HostLog], groups: Sequence[str], frame: pd.DataFrame, of_row: NDArray[np.int64]
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "capture": np.array([log.capture for log in logs], dtype=object)[of_row],
            "group": np.array(groups, dtype=object)[of_row],
            "host": np.array([log.host for log in logs], dtype=object)[of_row],
            "local": True,
            "kind": "bot",
            "label": np.concatenate([log.labels for log in logs]),
            "of_bot": np.concatenate([log.of_bot for log in logs]),
            "event_time": (frame["ts"] + frame["duration"].fillna(0)).to_numpy(),
        }
    )

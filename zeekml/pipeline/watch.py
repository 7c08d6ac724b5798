"""``zeekml watch`` on real logs: the model and the followed logs, put to work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from zeekml.config import Settings
from zeekml.errors import StateError
from zeekml.journal.snapshot import Maker
from zeekml.kafka.client import check_installed
from zeekml.loading import loading
from zeekml.pipeline.assemble import watch_with
from zeekml.pipeline.batch import state_limits
from zeekml.pipeline.live import Logs
from zeekml.pipeline.signals import Signals
from zeekml.pipeline.watching import Hooks, NoHooks, WatchOptions, WatchSummary
from zeekml.records import Rejects
from zeekml.scoring import Scorer, load_bundle
from zeekml.sensor import FollowedLogs, Position, Wake
from zeekml.sensor.archives import archives_from


def watch_logs(
    paths: Sequence[Path],
    out: Path,
    state: Path,
    settings: Settings,
    options: WatchOptions,
    hooks: Hooks | None = None,
    show: Callable[[str], None] = print,
    signals: Signals | None = None,
) -> WatchSummary:
    """Follow the logs ``paths`` (files and folders), or the settings' topics of Kafka, until told to stop by SIGTERM or
    SIGINT.

    ``show`` gets the lines of a dry run; ``signals`` may hold what came before. Raises ModelError, ConfigError,
    StateError, InputError and OutputError.
    """

    def follow(positions: Mapping[str, Any], rejects: Rejects) -> Logs:
        if settings.kafka.topics:
            from zeekml.kafka.logs import KafkaLogs  # noqa: PLC0415  an extra

            return KafkaLogs(
                settings.kafka,
                start=options.start,
                positions=positions,
                rejects=rejects,
                commit_every=settings.watch.checkpoint_every,
            )
        return FollowedLogs(
            paths,
            start=options.start,
            positions=_positions(positions, state),
            rejects=rejects,
            archives=archives,
        )

    if settings.kafka.topics:
        check_installed()
    archives = archives_from(settings)
    # Arrow's own allocator keeps what a burst took for good; the system's gives it back.
    pa.set_memory_pool(pa.system_memory_pool())
    with loading(stays=True):
        bundle = load_bundle(settings.score.model)
        scorer = Scorer(bundle, limits=state_limits(settings), threads=settings.score.threads)
    with closing(Wake(settings.watch.poll)) as wake:
        return watch_with(
            scorer,
            bundle,
            Maker.of(bundle),
            out,
            state,
            settings,
            options,
            follow=follow,
            wake=wake,
            hooks=hooks or NoHooks(),
            show=show,
            signals=signals,
        )


def _positions(positions: Mapping[str, Any], state: Path) -> dict[str, Position]:
    try:
        return {stream: Position.from_json(each) for stream, each in positions.items()}
    except ValueError as error:
        raise StateError(
            f"{state}: a position in a log is not understood ({error}); it was made by another zeekml: name a new "
            "state folder"
        ) from error

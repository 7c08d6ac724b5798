"""The driver behind ``zeekml baseline``: logs scored from their first line to their last, for what is ordinary."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from zeekml import __version__
from zeekml.baseline import Baseline
from zeekml.baseline.gather import Gathered
from zeekml.baseline.learn import learn
from zeekml.baseline.usual import Asked, Words
from zeekml.config import Settings
from zeekml.errors import InputError, ZeekMLError
from zeekml.feedback import read_verdicts
from zeekml.pipeline.batch import alert_policy, state_limits
from zeekml.pipeline.progress import Progress
from zeekml.pipeline.readahead import ReadAhead
from zeekml.pipeline.reading import FileEnd, StreamEnd, read_streams
from zeekml.records import Batch, Rejects, discover
from zeekml.scoring import Bundle, Scorer, load_bundle
from zeekml.scoring.bundle import WEIGHTS


@dataclass
class Learned:
    """A baseline and the problems of the logs that it was learned from."""

    baseline: Baseline
    problems: list[ZeekMLError] = field(default_factory=list)


def learn_baseline(
    paths: Sequence[str], settings: Settings, asked: Asked, verdicts: Path | None, progress: Progress
) -> Learned:
    """Learn what is ordinary in the logs under ``paths``. ``verdicts``: a table of analysts' words.

    The thresholds that decide who would have been named are the model's own, whatever the settings say. Raises
    ModelError, ConfigError; InputError when not one connection could be read, or the table cannot be.
    """
    words = Words() if verdicts is None else Words.of(read_verdicts(verdicts))
    bundle = load_bundle(settings.score.model)
    scorer = Scorer(bundle, limits=state_limits(settings), threads=settings.score.threads)
    policy = alert_policy(without_site(settings), bundle)
    gathered = Gathered(policy, sure_score=asked.sure_score, sure_connections=asked.sure_connections)
    discovery = discover(paths)
    problems = list(discovery.problems)
    for problem in problems:
        progress.problem(problem)
    logs = 0
    progress.begin([log for stream in discovery.streams for log in stream.files])
    with closing(ReadAhead(read_streams(discovery.streams, Rejects()))) as events:
        for event in events:
            match event:
                case Batch():
                    gathered.add(event.frame, scorer.score(event.frame, event.stream), event.stream)
                    progress.connections(event.source, len(event.frame), int(event.lines[-1]))
                case FileEnd():
                    logs += event.error is None
                    if event.error is not None:
                        problems.append(event.error)
                        progress.problem(event.error)
                    progress.file_end(event.log)
                case StreamEnd():
                    scorer.end_stream(event.stream)
    if not gathered.connections:
        raise InputError(
            "no connection could be read, so there is nothing to learn from; name a site's connection logs"
        )
    return Learned(
        learn(
            gathered,
            policy,
            asked,
            words,
            model=model_of(bundle),
            logs=logs,
            made=time.time(),
            version=__version__,
        ),
        problems,
    )


def without_site(settings: Settings) -> Settings:
    """The settings with the model's own thresholds and no baseline."""
    own = {"connection_threshold": None, "host_threshold": None, "baseline": None}
    return settings.model_copy(update={"alerts": settings.alerts.model_copy(update=own)})


def model_of(bundle: Bundle) -> dict[str, str]:
    """What a baseline says of the model that it was learned with."""
    manifest = bundle.manifest
    return {"name": manifest.name, "version": manifest.version, "weights_sha256": manifest.files[WEIGHTS]}

"""Joins a running watch to its metrics, its health, its supervisor and its log."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from zeekml.baseline import Baseline
from zeekml.config import Settings
from zeekml.drift.report import DriftReport
from zeekml.health import Finding
from zeekml.operations.health import Health
from zeekml.operations.sd_notify import Notifier
from zeekml.operations.server import Server, serve
from zeekml.operations.telemetry import Step, Telemetry

_log = logging.getLogger(__name__)


class Operations:
    """What the driver of a watch calls at each event, from the main thread. Nothing here blocks or raises."""

    def __init__(self, telemetry: Telemetry, notifier: Notifier, server: Server | None = None) -> None:
        self.telemetry = telemetry
        self.server = server
        self._notifier = notifier
        self._sinks: dict[str, str | None] = {}
        self._sensors: dict[str, set[str]] = {}
        self._moved: dict[str, set[str]] = {}

    def ready(self) -> None:
        """The logs are followed."""
        self.telemetry.ready = True
        self.telemetry.idle()
        self._notifier.ready("following")
        self._notifier.alive()
        where = {} if self.server is None else {"metrics": f"http://{self.server.address}/metrics"}
        _log.info("following", extra={"fields": where})

    def beat(self) -> None:
        """The main loop is alive; to be called at least once a second."""
        self.telemetry.turned()
        self._notifier.alive()

    def idle(self) -> None:
        """The main loop turned and found nothing new in any log."""
        self.telemetry.idle()
        self._notifier.alive()

    def stepped(self, step: Step) -> None:
        """A step was done, its outputs written."""
        self.telemetry.stepped(step)
        self._notifier.alive()

    def checkpointed(self, seconds: float, size: int) -> None:
        """All that is remembered was written: ``size`` bytes in ``seconds``."""
        self.telemetry.checkpointed(seconds, size)
        _log.debug("checkpoint", extra={"fields": {"seconds": round(seconds, 3), "bytes": size}})

    def reloaded(self, problem: str | None) -> None:
        """The settings were read anew; ``problem``: why the old ones hold.

        Nothing is said in the log: whoever read them has said so with more.
        """
        self.telemetry.reloaded(failed=problem is not None)

    def baseline(self, baseline: Baseline | None) -> None:
        """The baseline that holds from now on; None: there is none."""
        if baseline is None:
            self.telemetry.baseline("", 0.0)
        else:
            self.telemetry.baseline(baseline.sha256, datetime.fromisoformat(baseline.about.last).timestamp())

    def logs(self, followed: int, problems: Mapping[str, str]) -> None:
        """How many logs are followed, and which cannot be read now, with the reason.

        Nothing is said in the log: whoever reads it has said so with more.
        """
        self.telemetry.logs(followed, len(problems))

    def sink(self, name: str, problem: str | None, lag: int, errors: int = 0) -> None:
        """How a sink is. ``problem``: why it fails now; ``lag``: bytes of alerts that it has yet to take;
        ``errors``: tries that failed in all.

        It is said when a sink begins to fail, fails otherwise than before, and when it works again.
        """
        self.telemetry.sink(name, errors=errors, waiting=lag)
        before = self._sinks.get(name)
        self._sinks[name] = problem
        if problem is not None and problem != before:
            _log.warning(
                "a sink fails; it is tried again", extra={"fields": {"sink": name, "problem": problem}}
            )
        elif problem is None and before is not None:
            _log.info("a sink works again", extra={"fields": {"sink": name}})

    def sensor(self, stream: str, findings: Sequence[Finding]) -> None:
        """What is wrong with a stream's sensor now. Each thing is said when it begins, and when it is over."""
        codes = {finding.code for finding in findings}
        before = self._sensors.get(stream, set())
        if codes == before:
            return
        self._sensors[stream] = codes
        self.telemetry.sensor(stream, codes)
        for finding in findings:
            if finding.code not in before:
                _log.warning(
                    "a log cannot be trusted as usual: %s; %s; %s",
                    finding.seen,
                    finding.means,
                    finding.cure,
                    extra={"fields": {"stream": stream, "finding": finding.code}},
                )
        for code in sorted(before - codes):
            _log.info("no longer seen in a log", extra={"fields": {"stream": stream, "finding": code}})

    def drift(self, stream: str, report: DriftReport | None) -> None:
        """How far a stream is from training. It is said when a stream's figures are there for the first time, and when
        another feature has moved much."""
        if report is None:
            return
        self.telemetry.drift(stream, report)
        moved = set(report.moved_much)
        known = self._moved.get(stream)
        if known is None or moved - known:
            _log.info("drift: %s", report.words(), extra={"fields": {"stream": stream}})
        self._moved[stream] = moved | (known or set())

    def output(self, problem: str | None) -> None:
        """An output cannot be written, and why; None: it can again."""
        before = self.telemetry.failing
        self.telemetry.output(problem)
        if problem is not None and problem != before:
            self._notifier.status(problem)
            _log.error("an output cannot be written", extra={"fields": {"problem": problem}})
        elif problem is None and before is not None:
            self._notifier.status("following")
            _log.info("the outputs can be written again")

    def stopping(self) -> None:
        """What was begun is being finished."""
        self._notifier.stopping()
        _log.info("stopping")


@contextmanager
def watching(
    settings: Settings,
    folders: Sequence[Path] = (),
    notifier: Notifier | None = None,
    *,
    listen: bool = True,
) -> Iterator[Operations]:
    """The operations of one watch: metrics are served, and systemd is told, inside the block.

    ``folders``: the outputs' and the state's, whose disks are looked at. ``listen``: False for a run that is
    over soon and serves no metrics. Raises ConfigError when the address
    of the metrics cannot be listened on.
    """
    telemetry = Telemetry(settings.score.model)
    health = Health(
        telemetry,
        folders,
        stuck_after=settings.metrics.stuck_after,
        min_free=settings.metrics.min_free,
    )
    notifier = notifier or Notifier.from_environment()
    try:
        with serve(telemetry, health, settings.metrics.listen if listen else "") as server:
            yield Operations(telemetry, notifier, server)
    finally:
        notifier.close()

"""Notices on their way to the optional sinks: through the journal, then into the outbox that the sinks follow."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from zeekml.alerts import Alerts, Explained
from zeekml.errors import OutputError
from zeekml.pipeline.watching import Hooks
from zeekml.records import Batch
from zeekml.sinks.alert import AlertRecord, alert_records
from zeekml.sinks.delivery import Deliveries
from zeekml.sinks.outbox import Outbox
from zeekml.sinks.sink import Sink

_REPORT_EVERY: Final = 1.0
_LAST_TRY: Final = 1.5
"""Seconds that the sinks get at the end; what they do not take waits for the next run."""

_log = logging.getLogger(__name__)


class SinkFeed:
    """Feeds the sinks of one run."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        folder: Path,
        model: str,
        *,
        before: Sequence[bytes] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``folder``: of the outbox. ``before``: lines of the journal, which a crash may have kept from the outbox.

        ``clock``: epoch seconds at which alerts are made. Raises OutputError.
        """
        self._model = model
        self._clock = clock
        self._reported = 0.0
        self._outbox = Outbox(folder)
        try:
            self._outbox.append([AlertRecord.from_json(line) for line in before])
            self._deliveries = Deliveries(sinks, self._outbox, _told)
        except BaseException:
            self._outbox.close()
            raise
        self._deliveries.start()

    def lines(self, batch: Batch, alerts: Alerts, explained: Explained) -> list[bytes]:
        """The notices of a batch, a line each, as they go into the journal."""
        made = alert_records(
            alerts.notices,
            batch.table,
            explained,
            stream=batch.stream,
            model=self._model,
            made=self._clock(),
        )
        return [record.to_json() for record in made]

    def hand_on(self, lines: Sequence[bytes]) -> None:
        """Give lines to the sinks. Raises OutputError when they cannot be kept for them."""
        if lines:
            self._outbox.append([AlertRecord.from_json(line) for line in lines])
            self._deliveries.wake()

    def report(self, hooks: Hooks) -> None:
        """Tell how the sinks are, now and then."""
        now = time.monotonic()
        if now - self._reported >= _REPORT_EVERY:
            self._reported = now
            for each in self._deliveries.status():
                hooks.sink(each.name, each.last_error, each.waiting, each.errors)

    def close(self, left: float = math.inf) -> None:
        """Let the sinks try once more, for as long as time is ``left`` (s), and end them."""
        self._deliveries.close(max(0.0, min(_LAST_TRY, left)))
        self._outbox.close()


def _told(name: str, error: OutputError) -> None:
    _log.debug("sink %s: %s", name, error)

"""What the driver makes of the results, which come to it in log order: counts, problems, and lines of logs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import orjson

from zeekml import errors
from zeekml.alerts import Explained, Notice
from zeekml.errors import InputError
from zeekml.health import Finding
from zeekml.pipeline.batch import without_flows
from zeekml.pipeline.progress import Progress
from zeekml.pipeline.summary import Summary
from zeekml.sinks import Outputs
from zeekml.sinks.connections import Connection
from zeekml.spark.aside import taken
from zeekml.spark.order import unsqueeze
from zeekml.spark.parcels import Kinds
from zeekml.spark.reading import Share
from zeekml.spark.tables import notice_of

_NOTICES_AT_ONCE: Final = 4096


class Told:
    """Takes the results one by one; see `take`."""

    def __init__(
        self, shares: Sequence[Share], streams: Sequence[str], summary: Summary, progress: Progress
    ) -> None:
        self._shares = shares
        self._streams = streams
        self._summary = summary
        self._progress = progress
        self.lines_before = [0] * len(shares)
        """Lines of its log before each part, as far as its results have come."""
        self.marks: dict[int, list[tuple[int, int, list[str]]]] = defaultdict(list)
        """By stream, what stood (codes) from which part and line on."""
        self._sensor: tuple[int, Sequence[str]] = (-1, ())
        self._notices: list[tuple[list[Any], Notice, str]] = []
        self._error: InputError | None = None
        self._without_flows = True

    def take(self, row: Any, outputs: Outputs | None) -> None:
        """One row of results; what belongs into logs is written to ``outputs``, unless they are None."""
        match row.kind:
            case Kinds.LOGGED if outputs is not None:
                outputs.zeekml_log.write_rendered(unsqueeze(taken(row.data)), self._codes(row.stream))
            case Kinds.NOTICE if outputs is not None:
                self._notices.append(notice_of(row.data, self._codes(row.stream)))
                if len(self._notices) >= _NOTICES_AT_ONCE:
                    self.write_notices(outputs)
            case Kinds.MARK:
                codes = orjson.loads(row.data)
                self._sensor = row.stream, codes
                self.marks[row.stream].append((row.part, row.line, codes))
            case Kinds.REJECT if outputs is not None:
                source, before = self._shares[row.part].part.log.name, self.lines_before[row.part]
                for told in orjson.loads(taken(row.data)):
                    outputs.rejects_log.write(source, before + told["line"], told["reason"], told["text"])
            case Kinds.END:
                self._part_end(row.part, orjson.loads(row.data))
            case Kinds.FINDING:
                self._found(self._streams[row.stream], Finding(**orjson.loads(row.data)))
            case Kinds.TALLY:
                self._count(orjson.loads(row.data))

    def _codes(self, stream: int) -> Sequence[str]:
        """What stands in a stream now."""
        told, codes = self._sensor
        return codes if told == stream else ()

    def write_notices(self, outputs: Outputs) -> None:
        """Write the notices that wait."""
        if not self._notices:
            return
        connections, notices, reasons = zip(*self._notices, strict=True)
        numbered = [replace(notice, row=place) for place, notice in enumerate(notices)]
        explained = Explained(np.arange(len(numbered)), reasons)
        outputs.notice_log.write_of(numbered, map(Connection._make, connections), explained)
        self._notices = []

    def _part_end(self, number: int, told: dict[str, Any]) -> None:
        log = self._shares[number].part.log
        if told["error"] is not None and self._error is None:
            kind, text = told["error"]
            self._error = getattr(errors, kind)(text)
        self._without_flows &= told["without_flows"]
        self._summary.rejects += told["rejects"]
        following = number + 1
        if following < len(self._shares) and self._shares[following].part.log == log:
            self.lines_before[following] = self.lines_before[number] + told["lines"]
            return
        if self._error is not None:
            self._summary.problems.append(self._error)
            self._progress.problem(self._error)
        else:
            self._summary.files += 1
            if self._without_flows:
                self._summary.without_flows.append(log.name)
                self._progress.warning(without_flows(log.name))
        self._error, self._without_flows = None, True
        self._progress.file_end(log)

    def _found(self, stream: str, finding: Finding) -> None:
        self._summary.sensor.setdefault(stream, []).append(finding)
        self._progress.warning(f"{stream}: {finding}")

    def _count(self, tally: dict[str, Any]) -> None:
        summary = self._summary
        summary.connections += tally["connections"]
        summary.logged += tally["logged"]
        summary.alerts += Counter(tally["alerts"])
        for note, name, count in tally["notices"]:
            summary.notices[note, name] += count
        summary.hosts.add_apart(tally["hosts"])
        summary.caps_acted += tally["caps_acted"]

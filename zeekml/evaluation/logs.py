"""Labelled logs: read as ``zeekml score`` reads them, with the labels in their further columns."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from zeekml.errors import InputError, ZeekMLError
from zeekml.evaluation.truth import Truth
from zeekml.pipeline.progress import Progress
from zeekml.pipeline.reading import FileEnd, read_streams
from zeekml.records import Batch, Rejects, Stream, discover, join, read_batches
from zeekml.records.schema import NAMES
from zeekml.training.captures import DETAILED, Capture, stem


@dataclass(frozen=True, eq=False)
class LabelledLog:
    """A stream's connections with their labels.

    ``name`` is what tables of rules and hosts call it (the stem of its first file); ``capture.name`` is the same where
    no other stream has it, else the stream's name. ``files`` holds the SHA-256 of each of its files by path; standard
    input has none. ``labelled`` says that the log brought labels of its own.
    """

    stream: str
    name: str
    capture: Capture
    files: dict[str, str]
    labelled: bool


class LabelledLogs:
    """The logs under some paths, read one stream after the other while this is iterated.

    ``problems`` gathers what could not be read, ``rejects`` counts the lines that were no connections.
    """

    def __init__(self, paths: Sequence[str], truth: Truth, progress: Progress) -> None:
        self._truth = truth
        self._progress = progress
        found = discover(paths)
        self._streams = found.streams
        self.problems: list[ZeekMLError] = list(found.problems)
        self.rejects = Rejects()
        for problem in found.problems:
            progress.problem(problem)
        counts = Counter(_stem(stream) for stream in self._streams)
        self._names = {
            stream.name: _stem(stream) if counts[_stem(stream)] == 1 else stream.name
            for stream in self._streams
        }

    def __iter__(self) -> Iterator[LabelledLog]:
        """Raises RecipeError for labels and rules that do not fit, InputError when there was no connection at all."""
        some = False
        self._progress.begin([log for stream in self._streams for log in stream.files])
        for stream in self._streams:
            frames = self._frames(stream)
            if frames:
                some = True
                yield self._labelled(stream, frames)
        if not some:
            raise InputError("no connection could be read; name labelled connection logs, or folders of them")
        unused = self._truth.unused([_stem(stream) for stream in self._streams])
        verdicts = [rule for rule in unused if rule.for_any_log]
        if verdicts:
            self._progress.warning(
                f"{len(verdicts)} verdicts are about connections that are in none of these logs"
            )
        if unused and len(unused) == len(self._truth.rules) and not verdicts:
            self._progress.warning(
                f"none of the {len(unused)} rules is for one of these logs; they are for {unused[0].file!r} and others"
            )

    def _frames(self, stream: Stream) -> list[pd.DataFrame]:
        frames = []
        read = partial(read_batches, extra=True)
        with closing(read_streams([stream], self.rejects, read)) as events:  # type: ignore[type-var]
            for event in events:
                match event:
                    case Batch():
                        frames.append(_narrowed(event.frame))
                        self._progress.connections(event.source, len(event.frame), int(event.lines[-1]))
                    case FileEnd(log, error):
                        if error is not None:
                            self.problems.append(error)
                            self._progress.problem(error)
                        self._progress.file_end(log)
        return frames

    def _labelled(self, stream: Stream, frames: list[pd.DataFrame]) -> LabelledLog:
        frame = join(frames)
        source = stream.files[0].path or Path(stream.files[0].name)
        name = _stem(stream)
        labels = self._truth.labels(name, frame, source)
        shown = self._names[stream.name]
        capture = Capture(shown, shown, frame[list(NAMES)], labels, (), clean=False, path=source)
        files = {log.name: sha256(log.path) for log in stream.files if log.path is not None}
        return LabelledLog(stream.name, name, capture, files, bool(frame["label"].notna().any()))


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as a bundle has it of the logs that it was trained on. Raises InputError."""
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}.") from error


def _stem(stream: Stream) -> str:
    log = stream.files[0]
    return log.name if log.path is None else stem(log.path)


def _narrowed(frame: pd.DataFrame) -> pd.DataFrame:
    """The schema's columns and the two of the labels, which a file of the stream may lack."""
    detailed = next((name for name in DETAILED if name in frame), None)
    nothing = pd.Series(pd.Categorical(np.full(len(frame), np.nan), categories=pd.Index([], dtype="str")))
    columns = {name: frame[name] for name in NAMES}
    columns["label"] = frame.get("label", nothing)
    columns[DETAILED[0]] = nothing if detailed is None else frame[detailed]
    return pd.DataFrame(columns)

"""``zeekml score --engine spark``: the archive is read and scored by Spark's executors.

Logs are read in parts, their connections packed by host and shuffled: all connections of a host meet in one task, in
log order. What looks at a stream as a whole (the health of its sensor) has a task of its own. The driver puts results
in order.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from zeekml.config import Settings
from zeekml.errors import InputError
from zeekml.pipeline.batch import alert_policy, nothing_read, state_limits
from zeekml.pipeline.interrupts import undisturbed
from zeekml.pipeline.progress import Progress
from zeekml.pipeline.summary import Summary
from zeekml.sinks import open_outputs
from zeekml.spark import tables
from zeekml.spark.aside import folder_for, taken
from zeekml.spark.failures import given_up
from zeekml.spark.model import ShippedModel
from zeekml.spark.order import LOG_ORDER, Lanes, orders
from zeekml.spark.parcels import SCHEMA, Kinds, Parcel
from zeekml.spark.reading import PART_BYTES, Share, lines_thought, reads, shares_of
from zeekml.spark.results import Told
from zeekml.spark.scoring import Work, scores
from zeekml.spark.session import DEFAULT_MASTER, master_in_use, prepare, spark_context
from zeekml.spark.storage import discover_anywhere
from zeekml.spark.worker import task

if TYPE_CHECKING:
    from pyspark import RDD, SparkContext
    from pyspark.sql import DataFrame

    from zeekml.records import Stream
    from zeekml.scoring import Bundle

_PLACE_BYTES: Final = 512 << 20
"""Bytes of logs that one task scores, about."""
_LANES_AT_ONCE: Final = 16
"""Lanes that the driver waits for at once where lines of logs lie in files. It holds what else these and the ones
before tell; on a cluster one lane at a time, with its lines."""
_RUN_AGAIN: Final = "look after its machines' memory, disks and network, and run it again"
_MOST_PLACES: Final = 10_000
_MOST_TASKS: Final = 100_000


@dataclass(frozen=True, slots=True)
class SparkOptions:
    """``master`` as Spark names it. ``parquet``: the outputs are tables that the executors write. ``part_bytes``:
    what one task reads of a plain log; ``places``: tasks that score, None: by the size of the logs."""

    master: str = DEFAULT_MASTER
    parquet: bool = False
    part_bytes: int = PART_BYTES
    places: int | None = None


def score_on_spark(
    paths: Sequence[str], out: str, settings: Settings, options: SparkOptions, progress: Progress
) -> Summary:
    """As ``score_logs``, on Spark; paths may be URLs of what fsspec reads.

    ``out``: a folder; with ``options.parquet`` also a URL that Spark writes to. Raises ModelError, ConfigError and
    OutputError; InputError when not one log could be read.
    """
    started = time.monotonic()
    model = ShippedModel.of(settings.score.model)
    bundle = model.load()
    policy = alert_policy(settings, bundle)
    discovery = discover_anywhere(paths)
    summary = Summary(passed_over=list(discovery.passed_over), problems=list(discovery.problems))
    for problem in discovery.problems:
        progress.problem(problem)
    if not discovery.streams:
        raise InputError(nothing_read(summary, discovery.empty))
    progress.begin([log for stream in discovery.streams for log in stream.files])
    shares = shares_of(discovery.streams, options.part_bytes)
    last = {share.stream: share.number for share in shares}
    work = Work(
        policy,
        state_limits(settings),
        settings.score.threads,
        settings.score.log_threshold,
        None if options.parquet else settings.score.format,
        [stream.name for stream in discovery.streams],
        Lanes.planned(map(lines_thought, shares), list(last.values())),
    )
    done = False
    try:
        with (
            folder_for(master_in_use(options.master)) as folder,
            given_up("Spark gave the run up", _RUN_AGAIN),
            spark_context(options.master) as spark,
        ):
            places = options.places or _places(
                discovery.streams, spark.defaultParallelism, folder is not None
            )
            if not options.parquet:  # whose tables are Spark's own
                work = replace(work, folder=folder)
            run = _Run(spark, model, work, shares, places, folder)
            if options.parquet:
                _as_tables(run, out, bundle, summary, progress)
            else:
                _as_logs(run, Path(out), settings, bundle, summary, progress)
            done = True
    except KeyboardInterrupt:
        if not done:
            raise
        # All is written; who did not want to wait until Spark has ended need not.
    summary.seconds = time.monotonic() - started
    return summary


@dataclass
class _Run:
    """The work of one job. Its steps are functions of Python on parcels: Spark keeps these, and moves them."""

    spark: SparkContext
    model: ShippedModel
    work: Work
    shares: list[Share]
    places: int
    folder: str | None

    def results(self) -> RDD[tuple[int, Parcel]]:
        """What the places make of the logs, by lane."""
        send = self.spark.broadcast
        tasks = min(len(self.shares), _MOST_TASKS)
        numbers = self.spark.parallelize(range(len(self.shares)), tasks)
        read = numbers.mapPartitions(task(reads(send(self.shares), self.places, self.folder)))
        together = read.partitionBy(self.places, int)
        return together.mapPartitions(task(scores(send(self.model), send(self.work))))


def _as_logs(
    run: _Run, out: Path, settings: Settings, bundle: Bundle, summary: Summary, progress: Progress
) -> None:
    """notice.log, zeekml.log and rejects.log as ``score_logs`` writes them, by the driver, in log order."""
    with open_outputs(out, settings.score.format, model=bundle.name, classes=bundle.classes) as outputs:
        told = Told(run.shares, run.work.streams, summary, progress)
        lanes = run.results().partitionBy(run.work.lanes.count, int).mapPartitions(task(orders(run.folder)))
        for row in _by_partition(run.spark, lanes, 1 if run.folder is None else _LANES_AT_ONCE):
            told.take(row, outputs)
        told.write_notices(outputs)
        _refuse_nothing(summary)
        with undisturbed():
            outputs.commit()


def _by_partition(spark: SparkContext, rows: RDD[Parcel], at_once: int) -> Iterator[Parcel]:
    """All rows, those of a partition after those of the one before. So many partitions are waited for at once, while
    what came before them is looked at: Spark's own iterator takes a job for each of them."""
    count = rows.getNumPartitions()

    def fetch(start: int) -> list[Parcel]:
        return spark.runJob(rows, list, range(start, min(start + at_once, count)))

    # A thread that is not waited for once the run is given up.
    with closing(_Ahead(1)) as ahead:
        coming = ahead.submit(fetch, 0)
        for start in range(at_once, count + at_once, at_once):
            fetched = coming.result()
            if start < count:
                coming = ahead.submit(fetch, start)
            yield from fetched


class _Ahead(ThreadPoolExecutor):
    def close(self) -> None:
        self.shutdown(wait=False, cancel_futures=True)


def _as_tables(run: _Run, out: str, bundle: Bundle, summary: Summary, progress: Progress) -> None:
    """The tables ``zeekml``, ``notice`` and ``rejects`` below ``out``, by the executors."""
    from pyspark import StorageLevel  # noqa: PLC0415  an extra
    from pyspark.sql import SparkSession  # noqa: PLC0415

    spark = SparkSession(run.spark)
    prepare(spark)
    rows = run.results().map(_as_row)
    results = spark.createDataFrame(rows, SCHEMA, verifySchema=False).persist(StorageLevel.DISK_ONLY)

    def only(*kinds: Kinds) -> DataFrame:
        return results.where(results["kind"].isin([int(kind) for kind in kinds]))

    told = Told(run.shares, run.work.streams, summary, progress)
    for row in sorted(only(Kinds.MARK, Kinds.END, Kinds.FINDING, Kinds.TALLY).collect(), key=LOG_ORDER):
        told.take(row, None)
    _refuse_nothing(summary)
    sources = [share.part.log.name for share in run.shares]
    written = [
        ("zeekml", Kinds.LOGGED, tables.unpacked(told.marks), tables.VERDICTS),
        (
            "rejects",
            Kinds.REJECT,
            tables.rejected(sources, told.lines_before),
            tables.REJECTS,
        ),
        (
            "notice",
            Kinds.NOTICE,
            tables.noticed(run.work.streams, told.marks, bundle.name),
            tables.NOTICES,
        ),
    ]
    for name, kind, function, schema in written:
        table = f"{out.rstrip('/')}/{name}"
        with given_up(f"{table} cannot be written", "name a new folder, in which Spark may and can write"):
            only(kind).mapInArrow(function, tables.ddl(schema)).write.parquet(table, mode="errorifexists")


def _as_row(keyed: tuple[int, Parcel]) -> tuple[Any, ...]:
    """A result in values of which Java knows how to read them."""
    result = keyed[1]
    return tuple(result._replace(kind=int(result.kind), data=bytes(taken(result.data))))


def _refuse_nothing(summary: Summary) -> None:
    if not summary.files and not summary.connections:
        raise InputError(nothing_read(summary))


def _places(streams: Sequence[Stream], processors: int, is_one_machine: bool) -> int:
    """How many tasks score: enough for all processors to be busy to the end, and more where logs are large, but on one
    machine not many more, since each looks into every batch."""
    size = 0
    for stream in streams:
        for log in stream.files:
            try:
                size += 0 if log.path is None else log.path.stat().st_size
            except OSError:
                continue  # reading it will say what is wrong
    most = 4 * processors if is_one_machine else _MOST_PLACES
    return min(max(2 * processors, -(-size // _PLACE_BYTES)), most)

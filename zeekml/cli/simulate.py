"""``zeekml simulate``: writes a made log to try zeekml on."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, Final

import typer


class LogFormat(StrEnum):
    """The formats that ``zeekml.simulate`` writes."""

    TSV = "tsv"
    JSON = "json"
    EVE = "eve"


class JsonTime(StrEnum):
    """How Zeek's JSON logs can hold a time."""

    EPOCH = "epoch"
    MILLIS = "millis"
    ISO8601 = "iso8601"


_DEFAULT_START: Final = 1_699_997_400.0  # 2023-11-14 21:30 UTC, as zeekml.simulate.Scenario has it


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("simulate")(simulate)


def simulate(
    out: Annotated[
        str,
        typer.Option("--out", metavar="FILE", help="The log to write; .gz or .zst compresses, - is stdout."),
    ],
    connections: Annotated[int, typer.Option("--connections", min=1, help="Connections to write.")] = 100_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same log.")] = 0,
    log_format: Annotated[
        LogFormat,
        typer.Option("--format", help="Zeek's conn.log as TSV or JSON, or Suricata's eve.json."),
    ] = LogFormat.TSV,
    labels: Annotated[
        bool, typer.Option("--labels", help="Add the columns label and detailed-label (not for eve).")
    ] = False,
    hosts: Annotated[
        int | None, typer.Option("--hosts", help="Local hosts, 1 or more.", show_default="by connections")
    ] = None,
    malicious: Annotated[
        float | None,
        typer.Option(
            "--malicious",
            metavar="SHARE",
            help="The share of malicious connections, 0 to 1.",
            show_default="by the patterns",
        ),
    ] = None,
    start: Annotated[
        float, typer.Option("--start", metavar="EPOCH", help="The log's first moment, seconds since 1970.")
    ] = _DEFAULT_START,
    pattern: Annotated[
        list[str] | None,
        typer.Option(
            "--pattern", metavar="NAME", help="A kind of traffic; repeat it for several.", show_default="all"
        ),
    ] = None,
    json_ts: Annotated[
        JsonTime, typer.Option("--json-ts", help="How a JSON log holds times.")
    ] = JsonTime.EPOCH,
) -> None:
    """Write a made log to try things on.

    It holds browsing, DNS, NTP, backups, and among them a scan, a regular and a jittered beacon, and a flood.
    """
    from zeekml.simulate import Scenario, write_traffic

    scenario = Scenario(
        connections=connections,
        seed=seed,
        hosts=hosts,
        start=start,
        patterns=None if pattern is None else tuple(pattern),
        malicious=malicious,
    )
    target = sys.stdout.buffer if out == "-" else out
    written = write_traffic(target, scenario, format=log_format.value, labels=labels, json_ts=json_ts.value)
    typer.echo(f"{written:,} connections written to {'standard output' if out == '-' else out}", err=True)

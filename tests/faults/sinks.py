"""What the optional sinks promise, held against notice.log at the end of a campaign (see docs/sinks.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.faults.outputs import lines

ECS = "alerts-ecs"
_TABLE = "alerts.tsv"


def settings(out: Path, *, table: bool) -> str:
    """The sinks' part of a configuration: the ECS file always, the alerts table where wanted."""
    path = out / _TABLE if table else "null"
    return f"sinks: {{ecs: {{path: {out / ECS}.ndjson}}, alerts_table: {{path: {path}, max_rows: 100000}}}}\n"


def problems(out: Path, notices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Where the ECS file does not hold each notice once, or the table holds an alert twice or one that is none."""
    documents = [orjson.loads(line) for line in lines(out, ECS)]
    told = Counter((each["zeek"]["session_id"], each["rule"]["name"]) for each in documents)
    wanted = Counter((notice["uid"], notice["note"]) for notice in notices)
    for what, found in (("missing", wanted - told), ("too many", told - wanted)):
        if found:
            yield f"ECS: {found.total()} {what}, such as {next(iter(found))}"
    ids = [each["event"]["id"] for each in documents]
    if len(set(ids)) != len(ids):
        yield f"ECS: {len(ids) - len(set(ids))} ids stand twice"
    if not (out / _TABLE).exists():
        return
    rows = [line.split(b"\t")[0].decode() for line in lines(out, "alerts") if line]
    if len(set(rows)) != len(rows):
        yield f"alerts table: {len(rows) - len(set(rows))} rows stand twice"
    if strangers := set(rows) - set(ids):
        yield f"alerts table: {len(strangers)} rows that are no notices, such as {next(iter(strangers))}"

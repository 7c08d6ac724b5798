"""Zeek JSON logs: one object a line, dotted or nested keys, unset keys absent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import orjson

from zeekml.records.frame import Rows, merged
from zeekml.records.lines import Block, Content
from zeekml.records.objects import SMALL, Builder, Found, Object, completed
from zeekml.records.rejects import Rejects
from zeekml.records.values import UidMaker

if TYPE_CHECKING:
    from zeekml.records.columns import FastRows
    from zeekml.records.json_fast import FastJson
# Who wrote the object: Corelight and Zeek's JSON streaming say _path, older Corelight exports @stream.
_PATH_KEYS = ("_path", "@stream")


class ZeekJsonReader:
    """Reads the blocks of one file. ``extra`` names further keys to read as labels.

    ``fast=False`` reads object by object; the result is the same.
    """

    def __init__(
        self,
        source: str,
        rejects: Rejects,
        make_uid: UidMaker,
        extra: tuple[str, ...] = (),
        *,
        fast: bool = True,
    ) -> None:
        self._source = source
        self._rejects = rejects
        self._make_uid = make_uid
        self._extra = extra
        self._may_be_fast = fast
        self._fast: FastJson | None = None
        self._builder = Builder(source, rejects, make_uid, extra, fast=fast)

    def read(self, block: Block) -> Iterator[Rows]:
        """Yield the connections of ``block`` in line order."""
        fast = self._read_fast(block.data) if len(block.data) >= SMALL else None
        if fast is None:
            yield self._read_exactly(Found(block))
            return
        rows = completed(fast, block, self._make_uid)
        yield merged(rows, self._read_exactly(Found(block, fast.odd))) if len(fast.odd) else rows

    def _read_fast(self, data: Content) -> FastRows | None:
        if self._fast is None and self._may_be_fast:
            # Loaded with the first block that is long enough: kernels take their time.
            from zeekml.records.json_fast import FastJson  # noqa: PLC0415

            self._fast = FastJson.for_keys(self._extra)
            self._may_be_fast = self._fast is not None
        return self._fast.read(data) if self._fast else None

    def _read_exactly(self, found: Found) -> Rows:
        with self._rejects.by_line():
            self._find_objects(found)
            return self._builder.rows(found)

    def _find_objects(self, found: Found) -> None:
        objects, places, loads = found.objects, found.places, orjson.loads
        for place, line in enumerate(found.lines):
            try:
                parsed = loads(line)
            except orjson.JSONDecodeError:
                parsed = parse_odd(line, int(found.numbers[place]), self._source, self._rejects)
                if parsed is None:
                    continue
            if type(parsed) is not dict:
                self._rejects.add(self._source, int(found.numbers[place]), "not a JSON object", line)
                continue
            if "id" in parsed:
                parsed = flattened(parsed)
            if ("conn_state" not in parsed or "id.orig_h" not in parsed) and is_other_log(parsed):
                self._rejects.passed_over += 1
                continue
            objects.append(parsed)
            places.append(place)


def parse_odd(line: bytes, number: int, source: str, rejects: Rejects) -> object:
    """Parse a line that is no JSON as it stands: blank, after NUL bytes, or broken (None, counted)."""
    stripped = line.lstrip(b"\0")
    if not stripped.strip():
        rejects.passed_over += 1
        return None
    try:
        parsed: object = orjson.loads(stripped) if stripped != line else None
    except orjson.JSONDecodeError:
        parsed = None
    if parsed is None:
        rejects.add(source, number, "not JSON", line)
    return parsed


def flattened(found: Object) -> Object:
    """Bring ``{"id": {"orig_h": ...}}`` to dotted keys."""
    inner = found.get("id")
    if not isinstance(inner, dict):
        return found
    return {**{f"id.{key}": value for key, value in inner.items()}, **found}


def path_of(found: Object) -> str:
    """The log that the object says it belongs to, "" where it does not say."""
    path = next((found[key] for key in _PATH_KEYS if key in found), "")
    return path if isinstance(path, str) else ""


def is_other_log(found: Object) -> bool:
    """Whether the object says that it belongs to another log than conn."""
    path = path_of(found)
    return bool(path) and not path.startswith("conn")

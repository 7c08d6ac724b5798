"""Which format a log is in, told by the first lines of its content."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

import orjson

from zeekml.errors import FormatError, MissingColumnError
from zeekml.records.escapes import printable
from zeekml.records.objects import Object
from zeekml.records.schema import NAMES, REQUIRED
from zeekml.records.zeek_header import Header
from zeekml.records.zeek_json import flattened, path_of

OBJECTS = 100  # JSON objects that decide
ENOUGH = 1 << 20  # bytes, and to the end of that line, that are looked at
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_KNOWN = "Zeek TSV (with its # header), Zeek JSON (one object a line) or Suricata EVE"


class Format(StrEnum):
    """What a connection log is written in."""

    ZEEK_TSV = "Zeek TSV"
    ZEEK_JSON = "Zeek JSON"
    EVE = "Suricata EVE"


@dataclass(frozen=True, slots=True)
class Sniffed:
    """A connection log's format; of JSON the further keys as they appear; of TSV what ``#open`` says."""

    format: Format
    further: tuple[str, ...] = ()
    opened: str = ""


def sniff(start: bytes, name: str) -> Sniffed:
    """Tell the format from ``start``, the first whole lines.

    Raises FormatError for what is no log, MissingColumnError for a log that lacks what a connection needs.
    """
    start = start[: start.find(b"\n", ENOUGH) + 1 or None]
    lines = [line for line in start.split(b"\n") if line.strip(b"\0\r\t ")]
    if not lines:
        raise FormatError(f"{name}: empty, or nothing but blank lines; expected {_KNOWN}.")
    if any(line.lstrip(b"\0").startswith((b"#separator", b"#fields")) for line in lines):
        return _sniff_tsv(start, name)
    objects = _objects(lines)
    if objects:
        return _sniff_json(objects, name)
    raise FormatError(f"{name}: {_looks_like(start, lines[0])}; expected {_KNOWN}.")


def says(start: bytes) -> str:
    """What a log calls itself (``#path`` or ``_path``), "" where it does not say."""
    for line in start.split(b"\n", 50)[:50]:
        if line.startswith(b"#path"):
            return line[len(b"#path") :].strip().decode("utf-8", "replace")
    return next(map(path_of, _objects(start.split(b"\n", 2)[:1])), "")


def _sniff_tsv(start: bytes, name: str) -> Sniffed:
    header = Header()
    for number, line in enumerate(start.split(b"\n"), 1):
        directive = line.lstrip(b"\0")
        if not directive.startswith(b"#"):
            if header.names:
                break
            continue
        header = header.with_line(directive)
        if directive.startswith(b"#fields"):
            _must_have_required(header.names, f"{name}: the header in line {number}", header.path)
    if not header.names:
        raise FormatError(f"{name}: the header has no #fields line; a Zeek log names its columns there.")
    return Sniffed(Format.ZEEK_TSV, opened=header.opened)


def _sniff_json(objects: list[Object], name: str) -> Sniffed:
    keys = Counter(key for one in objects for key in one)
    if keys["event_type"] and not any(_is_connection(one) for one in objects):
        return Sniffed(Format.EVE)
    if not any(_is_connection(one) for one in objects):
        best = max(objects, key=lambda one: sum(name in one for name in REQUIRED))
        _must_have_required(
            tuple(best), f"{name}: of the first {len(objects)} objects, the nearest", path_of(best)
        )
    further = tuple(key for key in keys if key not in NAMES and key != "id")
    return Sniffed(Format.ZEEK_JSON, further=further)


def _is_connection(one: Object) -> bool:
    return all(name in one for name in REQUIRED)


def _must_have_required(names: tuple[str, ...], what: str, path: str) -> None:
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        found = printable(", ".join(names).encode("utf-8", "surrogatepass"))
        said = f" It says that it is {printable(path.encode())!r}." if path else ""
        raise MissingColumnError(
            f"{what} lacks {', '.join(missing)}, which a connection log must have; found "
            f"{found[:300]}.{said} Give the conn.log, or write it with these columns."
        )


def _objects(lines: list[bytes]) -> list[Object]:
    objects: list[Object] = []
    for line in lines:
        if line.lstrip(b"\0 \t").startswith(b"{"):
            try:
                parsed = orjson.loads(line.lstrip(b"\0"))
            except orjson.JSONDecodeError:
                continue
            objects.append(flattened(parsed))
            if len(objects) == OBJECTS:
                break
    return objects


def _looks_like(start: bytes, line: bytes) -> str:
    """What content without header and JSON seems to be; ``line`` is its first that is not blank."""
    if _CONTROL.search(start[:1000]):
        return "binary content"
    if line.lstrip().startswith(b"["):
        return "a JSON array"
    if line.lstrip().startswith(b"{"):
        return "JSON that is not one whole object a line"
    if b"\t" in line:
        return "tab-separated lines without a #fields header"
    return "no header and no JSON object in its first lines"

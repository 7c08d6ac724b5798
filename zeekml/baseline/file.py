"""The file of a baseline: JSON that people read, whole or not there, and refused when it was changed.

``sha256`` is over the rest of the content as JSON with sorted keys, no spaces and ASCII only. Spaces and line ends of
the file are free, so it may be formatted anew; what it says may not be changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from zeekml.baseline.content import FORMAT, Baseline
from zeekml.errors import BaselineError, OutputError
from zeekml.journal.journal import sync_folder
from zeekml.sinks.folder import failures

_MODE: Final = 0o640  # it names people's machines; a watch of another user in the group may read it
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LARGEST: Final = 256 << 20
_AGAIN: Final = "learn it again with zeekml baseline"


def digest(content: Mapping[str, Any]) -> str:
    """The SHA-256 of what a baseline says, its field ``sha256`` left out."""
    rest = {name: value for name, value in content.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def encoded(baseline: Baseline) -> bytes:
    """The file of a baseline."""
    return (_lines(baseline.model_dump(mode="json")) + "\n").encode("ascii")


def save_baseline(path: Path, baseline: Baseline, mode: int = _MODE) -> None:
    """Put a baseline in the place of ``path``: beside it first, synced, and then renamed into place.

    Raises OutputError when it cannot be written, and when something else than a file that may be replaced is there.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    with failures(path):
        _refuse_other_kinds(path)
        try:
            with FileIO(os.open(part, _CREATE, mode), "wb") as file:
                rest = memoryview(encoded(baseline))
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            part.rename(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
        sync_folder(path.parent)


def load_baseline(path: Path) -> Baseline:
    """Read a baseline; BaselineError when it cannot be read, is no baseline, or was changed. No link is followed."""
    try:
        with FileIO(os.open(path, _OPEN), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BaselineError(f"{path}: is no regular file; name a file that zeekml baseline wrote")
            raw = file.read(_LARGEST + 1)
            while raw and len(raw) <= _LARGEST and (more := file.read(_LARGEST + 1 - len(raw))):
                raw += more
    except OSError as error:
        raise BaselineError(
            f"{path}: the baseline cannot be read ({error.strerror or error}); name a file that zeekml baseline wrote, "
            "no link"
        ) from error
    if len(raw) > _LARGEST:
        raise BaselineError(f"{path}: larger than {_LARGEST} bytes; expected a baseline of zeekml")
    return parse_baseline(raw, str(path))


def parse_baseline(raw: bytes, source: str) -> Baseline:
    """The baseline in a file's bytes; ``source`` is the name that errors give it. Raises BaselineError."""
    try:
        content = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"{source}: is no JSON ({error}); {_AGAIN}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise BaselineError(f"{source}: format: found {found!r:.80}, expected {FORMAT!r}; {_AGAIN}")
    said, found = content.get("sha256"), digest(content)
    if said != found:
        raise BaselineError(
            f"{source}: was changed after it was written: its content has the SHA-256 {found[:16]}..., the field says "
            f"{str(said)[:16]}...; {_AGAIN} (--exclude and --feedback take out what should not be in it)"
        )
    try:
        # As JSON: lists are tuples there, and numbers may be whole.
        return Baseline.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BaselineError(
            f"{source}: {where}: {first['msg']} (found {first['input']!r:.80}); {_AGAIN}"
        ) from error


def sealed(content: Mapping[str, Any]) -> Baseline:
    """A baseline of this content, with its hash put in."""
    unsealed = Baseline.model_validate_json(json.dumps({**content, "sha256": "0" * 64}))
    plain = unsealed.model_dump(mode="json")
    return Baseline.model_validate_json(json.dumps({**plain, "sha256": digest(plain)}))


def _refuse_other_kinds(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OutputError(f"{path}: is no regular file, and links are not followed; name another file")


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _lines(value: Any, depth: int = 0) -> str:
    """JSON with one line for each thing that holds nothing but plain values, the first two levels left out."""
    if not isinstance(value, dict | list) or not value or (depth > 1 and _is_plain(value)):
        return json.dumps(value)
    indent = "  " * (depth + 1)
    if isinstance(value, dict):
        parts = [f"{indent}{json.dumps(name)}: {_lines(item, depth + 1)}" for name, item in value.items()]
        return "{\n" + ",\n".join(parts) + "\n" + "  " * depth + "}"
    return "[\n" + ",\n".join(indent + _lines(item, depth + 1) for item in value) + "\n" + "  " * depth + "]"


def _is_plain(value: Any) -> bool:
    """Whether lists and mappings in it are lists of texts and numbers at most."""
    items = value.values() if isinstance(value, dict) else value
    return all(
        not isinstance(item, dict)
        and (not isinstance(item, list) or (isinstance(value, dict) and _flat(item)))
        for item in items
    )


def _flat(values: list[Any]) -> bool:
    return not any(isinstance(item, dict | list) for item in values)

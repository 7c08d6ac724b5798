"""Files of results in a folder: all of them appear at the end, or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from zeekml.sinks.folder import Folder


def write_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write ``texts`` by file name; files of a former run are replaced. Raises OutputError."""
    held = Folder(folder)
    try:
        for name, text in texts.items():
            held.start(name, 1)
            held.part(name)(text.encode("utf-8", "backslashreplace"))
        held.commit(last=list(texts)[-1], stale=())
    finally:
        held.abort()

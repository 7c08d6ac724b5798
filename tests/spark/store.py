"""A store that fsspec reads and nothing else: another protocol than ``file``, and no paths on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

PROTOCOL: Final = "stored"
_OBJECT: Final = ".object"
"""Ends the names of the files that hold the objects: under its own name nobody finds one on disk."""


class Store(AbstractFileSystem):  # type: ignore[misc]  # fsspec brings no types
    """The objects below a folder."""

    protocol = PROTOCOL
    root_marker = "/"

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """What lies in a folder, or the object of that name. Raises FileNotFoundError."""
        path = self._strip_protocol(path)
        file = Path(f"{path}{_OBJECT}")
        if not file.is_file() and not Path(path).is_dir():
            raise FileNotFoundError(path)
        found = [_entry(each) for each in ([file] if file.is_file() else Path(path).iterdir())]
        return found if detail else [each["name"] for each in found]

    def _open(self, path: str, mode: str = "rb", **more: Any) -> _Object:
        return _Object(self, path, mode, **more)


class _Object(AbstractBufferedFile):  # type: ignore[misc]  # fsspec brings no types
    """An object that is fetched in ranges, and has no file descriptor."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        with Path(f"{self.path}{_OBJECT}").open("rb") as file:
            file.seek(start)
            return file.read(end - start)


def _entry(file: Path) -> dict[str, Any]:
    if file.is_dir():
        return {"name": str(file), "size": 0, "type": "directory"}
    return {"name": str(file).removesuffix(_OBJECT), "size": file.stat().st_size, "type": "file"}


def stored(folder: Path, store: Path) -> str:
    """Put the files of a folder into a store in the folder ``store``, and give its URL."""
    for file in folder.rglob("*"):
        if file.is_file():
            there = store / file.relative_to(folder)
            there.parent.mkdir(parents=True, exist_ok=True)
            there.with_name(f"{there.name}{_OBJECT}").write_bytes(file.read_bytes())
    return f"{PROTOCOL}://{store}"


def write_plugin(site: Path) -> Path:
    """What an installed package leaves in ``site``, a folder of ``sys.path``, for fsspec to find the store by."""
    package = site / f"{PROTOCOL}-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PROTOCOL}\nVersion: 1\n")
    (package / "entry_points.txt").write_text(f"[fsspec.specs]\n{PROTOCOL} = {__name__}:Store\n")
    return site

"""The model on its way to the executors: sent to each of them once, loaded once in each of their processes."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from zeekml.scoring.bundle import MANIFEST, Bundle, find_bundle, load_bundle, read_manifest

_loaded: dict[str, Bundle] = {}
_MOST: Final = 2  # models that a process keeps: workers live longer than jobs


@dataclass(frozen=True, slots=True)
class ShippedModel:
    """The files of a bundle by name, and a hash of them all."""

    name: str
    files: dict[str, bytes]
    key: str

    @classmethod
    def of(cls, model: str | Path) -> ShippedModel:
        """The bundle that ``load_bundle`` finds by this name or folder. Raises BundleError or LayoutError."""
        load_bundle(model)
        folder = find_bundle(model)
        names = sorted({MANIFEST, *read_manifest(folder).files})
        files = {name: (folder / name).read_bytes() for name in names}
        hashed = hashlib.sha256()
        for name, content in files.items():
            hashed.update(f"{name}\0{len(content)}\0".encode())
            hashed.update(content)
        return cls(folder.name, files, hashed.hexdigest())

    def load(self) -> Bundle:
        """The bundle, loaded when this process first asks for it."""
        if self.key not in _loaded:
            with tempfile.TemporaryDirectory(prefix="zeekml-model-") as scratch:
                folder = Path(scratch) / self.name
                folder.mkdir()
                for name, content in self.files.items():
                    (folder / name).write_bytes(content)
                loaded = load_bundle(folder)
            while len(_loaded) >= _MOST:
                _loaded.pop(next(iter(_loaded)))
            _loaded[self.key] = loaded
        return _loaded[self.key]

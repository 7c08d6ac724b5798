"""Writes a bundle: whole under its name or not at all, and never through a link."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.numpy
import yaml
from numpy.typing import NDArray

from zeekml.drift.reference import Reference
from zeekml.errors import OutputError
from zeekml.features import Encoding
from zeekml.scoring.bundle import MANIFEST, WEIGHTS
from zeekml.scoring.manifest import FORMAT, Manifest
from zeekml.scoring.trees import Trees

if TYPE_CHECKING:
    from zeekml.networks import Network
    from zeekml.scoring.ensemble import Ensemble

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def arrays_of(
    network: Network | Ensemble,
    encoding: Encoding,
    coefficients: NDArray[np.float32],
    typical: NDArray[np.float32],
    trees: Trees | None = None,
    drift: Reference | None = None,
) -> dict[str, NDArray[np.float32]]:
    """The arrays of a bundle under the names that they are stored by."""
    arrays = {
        f"network.{name}": value.detach().numpy().copy() for name, value in network.state_dict().items()
    }
    if trees is not None:
        arrays |= {"trees.nodes": trees.nodes, "trees.leaves": trees.leaves}
    if drift is not None:
        arrays |= {"drift.shares": drift.shares, "drift.near": drift.near}
    return arrays | {
        "encoding.edges": encoding.edges,
        "reasons.coefficients": coefficients,
        "reasons.typical": typical,
    }


def check_target(folder: Path) -> None:
    """Raise OutputError unless a bundle can be written to ``folder``: new, empty, or an older bundle to replace."""
    with _failures(folder):
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise OutputError(f"{folder}: is a link or a file; give another --out or name")
        if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
            raise OutputError(f"{folder}: is there and is no bundle; give another --out or name")
        part = _part(folder)
        made = [path for path in (part, *part.parents) if not path.exists()]
        part.mkdir(parents=True)
        for path in made:
            path.rmdir()


def save_bundle(
    folder: Path, manifest: dict[str, Any], arrays: Mapping[str, NDArray[np.float32]], texts: dict[str, str]
) -> Manifest:
    """Write a bundle, hash its files into its manifest, and move it to ``folder``.

    Returns the checked manifest. Raises OutputError.
    """
    contents = {
        WEIGHTS: safetensors.numpy.save({name: np.ascontiguousarray(value) for name, value in arrays.items()})
    }
    return save_files(folder, manifest, contents | {file: text.encode() for file, text in texts.items()})


def save_files(folder: Path, manifest: Mapping[str, Any], contents: Mapping[str, bytes]) -> Manifest:
    """As ``save_bundle``, with the files as they are; the manifest's own ``files`` play no part."""
    check_target(folder)
    part = _part(folder)
    files = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
    checked = Manifest.model_validate({"format": FORMAT, **manifest, "files": files})
    text = yaml.safe_dump(checked.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110)
    try:
        with _failures(folder):
            part.mkdir(parents=True)
            for file, content in {**contents, MANIFEST: text.encode()}.items():
                _write(part / file, content)
        with _failures(folder):
            _replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return checked


def _part(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.{secrets.token_hex(8)}.part"


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, _CREATE, 0o644), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _replace(part: Path, folder: Path) -> None:
    """Move the new bundle into place; an older one gives way only once the new one is whole."""
    former = _part(folder)
    if folder.exists():
        folder.rename(former)
    try:
        part.rename(folder)
    except OSError:
        if former.exists():
            former.rename(folder)
        raise
    shutil.rmtree(former, ignore_errors=True)


@contextlib.contextmanager
def _failures(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{folder}: the bundle cannot be written: {error.strerror or error}; check the path and its rights, "
            "or give another --out"
        ) from error

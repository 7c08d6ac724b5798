"""Writes a bundle once more with its network as an ONNX graph beside the other files."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from zeekml.errors import ModelError
from zeekml.scoring.bundle import GRAPH, find_bundle, load_bundle, read_files
from zeekml.scoring.graph import graph_of
from zeekml.scoring.manifest import Manifest
from zeekml.scoring.store import check_target, save_files


def export_onnx(name: str | Path, folder: Path) -> Manifest:
    """Write the bundle ``name`` to ``folder`` with ``network.onnx``; its other files are the same to the byte.

    So the state of a watch with the one is that of a watch with the other. Returns the new manifest. Raises ModelError
    (no such bundle, it is damaged, or the package onnx is absent) and OutputError.
    """
    bundle = load_bundle(name)
    check_target(folder)
    if importlib.util.find_spec("onnx") is None:
        raise ModelError("an export to ONNX needs onnx, not installed here: pip install 'zeekml[onnx]'")
    contents = {file: content for file, content in read_files(find_bundle(name)).items() if file != GRAPH}
    graph = graph_of(bundle.manifest.network, bundle.weights).SerializeToString(deterministic=True)
    return save_files(folder, bundle.manifest.model_dump(), {**contents, GRAPH: graph})

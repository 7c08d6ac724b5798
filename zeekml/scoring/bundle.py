"""The model bundle: a folder with weights, what they mean, how good they are and where they must not be used.

``bundle.yaml`` (validated), ``weights.safetensors`` (network, encoding, reasons and what drift is told by, as plain
arrays; nothing in a bundle is executed or unpickled), ``metrics.json`` and ``MODEL_CARD.md``. ``bundle.yaml`` holds
the SHA-256 of the others. One that was exported holds its network as ``network.onnx`` too, and is run from that.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import safetensors
import safetensors.numpy
import yaml
from numpy.typing import NDArray
from pydantic import ValidationError

from zeekml.drift.bins import Bins
from zeekml.drift.reference import Reference
from zeekml.errors import BundleError, LayoutError
from zeekml.extras import need_torch
from zeekml.features import LAYOUT, Encoding
from zeekml.resources import data_folder
from zeekml.scoring.calibration import Calibration
from zeekml.scoring.manifest import FORMAT, Evidence, Manifest, Thresholds
from zeekml.scoring.shapes import weight_shapes
from zeekml.scoring.trees import FIELDS, MOST_LEAVES, Trees, pooled

if TYPE_CHECKING:
    from zeekml.networks import Network
    from zeekml.scoring.ensemble import Ensemble
    from zeekml.scoring.kernels.trees import CompiledTrees

MANIFEST, WEIGHTS, METRICS, CARD = "bundle.yaml", "weights.safetensors", "metrics.json", "MODEL_CARD.md"
GRAPH = "network.onnx"

_LARGEST_MANIFEST = 1 << 20
# The safe loader in C, where PyYAML has it, takes a tenth of the time.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_DRIFT = {"drift.shares", "drift.near"}
_ROUNDING = 1e-3


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle in memory: what ``bundle.yaml`` says, and the arrays.

    ``drift``: what drift is told by; None for a bundle that was made without it. ``graph``: the network as ONNX, for a
    bundle that was exported with it.
    """

    manifest: Manifest
    weights: Mapping[str, NDArray[np.float32]]
    encoding: Encoding
    trees: Trees | None
    reason_coefficients: NDArray[np.float32]
    reason_typical: NDArray[np.float32]
    drift: Reference | None = None
    graph: bytes | None = None

    @property
    def name(self) -> str:
        """The bundle's name, as in notices."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """The bundle's own version."""
        return self.manifest.version

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, Benign first."""
        return self.manifest.classes

    @cached_property
    def network(self) -> Network | Ensemble:
        """The network as a PyTorch module, made when it is first asked for: loading PyTorch takes seconds.

        Raises ModelError where PyTorch is not installed.
        """
        need_torch(f"the network of model {self.name}")
        from zeekml.scoring.rebuilt import network_of  # noqa: PLC0415 - brings PyTorch

        return network_of(self.manifest.network, self.weights)

    @property
    def thresholds(self) -> Thresholds:
        """Where verdicts begin."""
        return self.manifest.thresholds

    @property
    def evidence(self) -> Evidence:
        """How connections add up against a host."""
        return self.manifest.evidence

    def with_trees(self, odds: NDArray[np.float64], matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """The model's log odds (N,): the network's and what the trees say of the features (N, F), if there are any."""
        trees = self.of_trees(matrix)
        return odds if trees is None else pooled(odds, trees, self.trees_share)

    def of_trees(self, matrix: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """What the trees say of the features (N, F), as log odds (N,); None where the bundle has none."""
        return None if self.trees is None else self._compiled_trees.log_odds(matrix)

    @property
    def trees_share(self) -> float:
        """What the trees weigh in the mean of the log odds; 0 where the bundle has none."""
        return 0.0 if self.manifest.trees is None else self.manifest.trees.share

    @cached_property
    def _compiled_trees(self) -> CompiledTrees:
        from zeekml.scoring.kernels.trees import CompiledTrees  # noqa: PLC0415 - is compiled or loaded

        assert self.trees is not None  # noqa: S101 - for the type checker
        return CompiledTrees(self.trees)

    @property
    def features_used(self) -> NDArray[np.bool_]:
        """(F,) the features that the network or a tree sees."""
        used = self.encoding.used.copy()
        if self.trees is not None:
            used[self.trees.nodes[..., 0].astype(np.int64)] = True
        return used

    @property
    def calibration(self) -> Calibration:
        """From log odds to scores."""
        return Calibration(self.manifest.calibration.given, self.manifest.calibration.meant)


def list_bundles() -> dict[str, Manifest | BundleError]:
    """The manifests of the bundles that come with zeekml, by name; for one that is broken what is wrong with it."""
    return {path.parent.name: _manifest_or_error(path.parent) for path in _shipped()}


def _manifest_or_error(folder: Path) -> Manifest | BundleError:
    try:
        return _manifest(folder)
    except BundleError as error:
        return error


def load_bundle(name: str | Path) -> Bundle:
    """Load a bundle by name (one that comes with zeekml) or by folder, as ``find_bundle`` tells them apart.

    Raises BundleError (a file or field is absent, altered or wrong) or LayoutError (made for other features).
    """
    folder = find_bundle(name)
    manifest = _manifest(folder)
    _check_layout(manifest, folder)
    content = _checked_content(folder, manifest, WEIGHTS)
    try:
        arrays = safetensors.numpy.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"{folder / WEIGHTS}: is no safetensors file ({error}); get the bundle again"
        ) from error
    graph = _checked_content(folder, manifest, GRAPH) if GRAPH in manifest.files else None
    return replace(_assembled(folder, manifest, arrays), graph=graph)


def read_files(folder: Path) -> dict[str, bytes]:
    """The files of a bundle by name, but its manifest, each checked against its hash. Raises BundleError."""
    manifest = _manifest(folder)
    return {file: _checked_content(folder, manifest, file) for file in manifest.files}


def verify_bundle(name: str | Path) -> Manifest:
    """Check every file of a bundle against its hash, and that it loads; raises as ``load_bundle`` does."""
    folder = find_bundle(name)
    read_files(folder)
    return load_bundle(folder).manifest


def read_manifest(name: str | Path) -> Manifest:
    """What a bundle says of itself, its other files unread; raises BundleError."""
    return _manifest(find_bundle(name))


def read_metrics(name: str | Path) -> dict[str, Any]:
    """What ``metrics.json`` of a bundle says, checked against its hash; raises BundleError."""
    folder = find_bundle(name)
    content = _checked_content(folder, _manifest(folder), METRICS)
    try:
        found = json.loads(content)
    except ValueError as error:  # neither JSON nor text
        raise BundleError(f"{folder / METRICS}: is not valid JSON ({error}); get the bundle again") from error
    if not isinstance(found, dict):
        raise BundleError(
            f"{folder / METRICS}: expected an object, found {type(found).__name__}; get the bundle again"
        )
    return found


def find_bundle(name: str | Path) -> Path:
    """The folder of a bundle.

    A text with a slash in it, or a Path, is a folder. Any other text is the name of a bundle that comes with
    zeekml, whatever lies in the working directory. BundleError says which names there are when this is none.
    """
    if isinstance(name, Path) or os.sep in name:
        if Path(name).is_dir():
            return Path(name)
        raise BundleError(f"model {str(name)!r}: no such folder; name the folder of a bundle")
    shipped = {path.parent.name: path.parent for path in _shipped()}
    if name in shipped:
        return shipped[name]
    raise BundleError(
        f"model {name!r}: no such name (there are: {', '.join(shipped) or 'none'}); "
        f"a folder is written with a slash, as in {'./' + name!r}"
    )


def is_bundle(name: str) -> bool:
    """Whether a text names a bundle, by the rule of ``find_bundle``; a folder is one that has a manifest."""
    if os.sep in name:
        return (Path(name) / MANIFEST).is_file()
    return name in {path.parent.name for path in _shipped()}


def _shipped() -> list[Path]:
    """The manifests of the bundles that come with zeekml, by name."""
    return sorted(data_folder("models").glob(f"*/{MANIFEST}"))


def _manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        if path.stat().st_size > _LARGEST_MANIFEST:
            raise BundleError(f"{path}: is larger than {_LARGEST_MANIFEST} bytes; this is no bundle")
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one
    except OSError as error:
        raise BundleError(
            f"{path}: cannot be read ({error.strerror}); a bundle is a folder with this file"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: is not valid YAML ({error}); get the bundle again") from error
    if not isinstance(content, dict):
        raise BundleError(f"{path}: expected a mapping, found {type(content).__name__}; get the bundle again")
    if content.get("format") != FORMAT:
        raise BundleError(
            f"{path}: format: found {content.get('format')!r}, expected {FORMAT}: another zeekml made it"
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        wrong = "; ".join(_explained(dict(detail)) for detail in error.errors())
        raise BundleError(f"{path}: {wrong}; get the bundle again") from error


def _explained(detail: dict[str, Any]) -> str:
    place = ".".join(map(str, detail["loc"]))
    if detail["type"] == "missing":
        return f"{place}: the field is missing"
    found = repr(detail["input"])
    return f"{place}: {detail['msg']}, found {found if len(found) < 80 else found[:77] + '...'}"


def _check_layout(manifest: Manifest, folder: Path) -> None:
    said = manifest.layout
    if (said.name, said.version) == (LAYOUT.name, LAYOUT.version) and said.digest == LAYOUT.digest:
        return
    differences = LAYOUT.differences(said.features) or ["the same names, but another definition"]
    raise LayoutError(
        f"{folder / MANIFEST}: layout: the bundle was made for {said.name} version {said.version}, this zeekml "
        f"computes {LAYOUT.name} version {LAYOUT.version}: {'; '.join(differences[:5])}"
        f"{f' and {len(differences) - 5} more' if len(differences) > 5 else ''}. Use a bundle trained for this version."
    )


def _checked_content(folder: Path, manifest: Manifest, file: str) -> bytes:
    if file not in manifest.files:
        raise BundleError(f"{folder / MANIFEST}: files: the field {file!r} is missing; get the bundle again")
    if Path(file).name != file:
        raise BundleError(
            f"{folder / MANIFEST}: files: found {file!r}, expected the name of a file in the bundle"
        )
    path = folder / file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); get the bundle again") from error
    found = hashlib.sha256(content).hexdigest()
    if found != manifest.files[file]:
        raise BundleError(
            f"{path}: the file was altered: its SHA-256 is {found}, {MANIFEST} says {manifest.files[file]}; "
            "get the bundle again"
        )
    return content


def _assembled(folder: Path, manifest: Manifest, arrays: Mapping[str, NDArray[Any]]) -> Bundle:
    if manifest.network.classes != len(manifest.classes):
        raise BundleError(
            f"{folder / MANIFEST}: network.classes: found {manifest.network.classes}, expected {len(manifest.classes)} "
            "as in classes; get the bundle again"
        )
    encoding = _encoding(folder, manifest, arrays)
    flow = manifest.network.layout == "flow"
    if encoding.channels != (manifest.network.length if flow else manifest.network.channels):
        raise BundleError(
            f"{folder / MANIFEST}: network.{'length' if flow else 'channels'}: the encoding gives {encoding.channels} "
            "channels, which is not what the network takes; get the bundle again"
        )
    weights = {f"network.{name}": shape for name, shape in weight_shapes(manifest.network).items()}
    expected = weights | {
        "encoding.edges": (int(encoding.is_number.sum()), encoding.bins + 1),
        "reasons.coefficients": (encoding.channels,),
        "reasons.typical": (encoding.channels,),
    }
    if manifest.trees is not None:
        expected["trees.nodes"] = (manifest.trees.count, MOST_LEAVES - 1, FIELDS)
        expected["trees.leaves"] = (manifest.trees.count, MOST_LEAVES)
    bins = Bins.of(encoding)
    if told := _DRIFT & arrays.keys():
        expected |= {"drift.shares": (2, *bins.shape), "drift.near": (2,)}
    for name, shape in expected.items():
        _check_array(folder, name, arrays.get(name), shape)
    if extra := sorted(arrays.keys() - expected.keys()):
        raise BundleError(f"{folder / WEIGHTS}: {extra[0]}: no such array belongs here; get the bundle again")
    return Bundle(
        manifest,
        {name.removeprefix("network."): arrays[name] for name in weights},
        encoding,
        _trees(folder, arrays) if manifest.trees is not None else None,
        arrays["reasons.coefficients"],
        arrays["reasons.typical"],
        _drift(folder, bins, arrays) if told else None,
    )


def _drift(folder: Path, bins: Bins, arrays: Mapping[str, NDArray[Any]]) -> Reference:
    shares, near = arrays["drift.shares"], arrays["drift.near"]
    for name, values in (("drift.shares", shares), ("drift.near", near)):
        outside = values[(values < 0) | (values > 1)]
        if len(outside):
            raise BundleError(
                f"{folder / WEIGHTS}: {name}: found {outside[0]:g}, expected shares between 0 and 1; "
                "get the bundle again"
            )
    wrong = np.abs(shares.sum(axis=2) - 1) > _ROUNDING
    if wrong.any():
        raise BundleError(
            f"{folder / WEIGHTS}: drift.shares: found shares of {LAYOUT.names[np.argwhere(wrong)[0, 1]]} that sum to "
            f"{shares.sum(axis=2)[wrong][0]:g}, expected 1; get the bundle again"
        )
    return Reference(bins, shares, near)


def _trees(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> Trees:
    nodes = arrays["trees.nodes"]
    feature, first, stop, missing = (nodes[..., field] for field in (0, 2, 3, 4))
    for name, values, fits in (
        ("the feature of a node", feature, (feature >= 0) & (feature < len(LAYOUT.features))),
        ("the leaves left of a node", first, (first >= 0) & (first <= stop)),
        ("the leaves left of a node", stop, stop < MOST_LEAVES),
        ("the way of a missing value", missing, missing <= 1),
    ):
        wrong = ~fits | (values != np.floor(values)) | (values < 0)
        if wrong.any():
            raise BundleError(
                f"{folder / WEIGHTS}: trees.nodes: found {values[wrong][0]:g} for {name}, expected what {LAYOUT.name} "
                f"and trees of {MOST_LEAVES} leaves allow; get the bundle again"
            )
    return Trees(nodes, arrays["trees.leaves"])


def _check_array(folder: Path, name: str, array: NDArray[Any] | None, shape: tuple[int, ...]) -> None:
    if array is None:
        found = "nothing"
    elif tuple(array.shape) != shape:
        found = f"shape {tuple(array.shape)}"
    elif array.dtype != np.float32:
        found = str(array.dtype)
    elif not np.isfinite(array).all():
        found = "numbers that are not finite"
    else:
        return
    raise BundleError(
        f"{folder / WEIGHTS}: {name}: found {found}, expected finite float32 of shape {shape}; get the bundle again"
    )


def _encoding(folder: Path, manifest: Manifest, arrays: Mapping[str, NDArray[Any]]) -> Encoding:
    part = manifest.encoding
    numbers = sum(feature.kind == "number" for feature in LAYOUT.features)
    _check_array(folder, "encoding.edges", arrays.get("encoding.edges"), (numbers, part.bins + 1))
    unknown = sorted(set(part.used) - set(LAYOUT.names))
    if unknown:
        raise BundleError(
            f"{folder / MANIFEST}: encoding.used: {unknown[0]!r} is no feature of {LAYOUT.name}"
        )
    return Encoding(
        mode=part.mode,
        is_number=np.array([feature.kind == "number" for feature in LAYOUT.features]),
        used=np.array([name in part.used for name in LAYOUT.names]),
        edges=arrays["encoding.edges"],
    )

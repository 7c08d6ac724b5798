"""Bundles: they load as they were saved, and anything wrong is refused with a message that says what."""

from __future__ import annotations

import hashlib
import pickle
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
import yaml

from tests.builders import CLASSES, Floats, matrix_of, random_log, small_encoding, small_network, tiny_bundle
from zeekml.errors import BundleError, LayoutError
from zeekml.features import LAYOUT
from zeekml.resources import data_folder
from zeekml.scoring import Scorer, list_bundles, load_bundle, verify_bundle
from zeekml.scoring.bundle import CARD, MANIFEST, METRICS, WEIGHTS
from zeekml.scoring.calibration import Calibration
from zeekml.scoring.manifest import Manifest

FILES = (MANIFEST, WEIGHTS, METRICS, CARD)


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle that may be damaged."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "tiny"))


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change bundle.yaml."""
    content = yaml.safe_load((folder / MANIFEST).read_text(encoding="utf-8"))
    change(content)
    (folder / MANIFEST).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def put(folder: Path, name: str, content: bytes) -> None:
    """Replace a file, its hash as well."""
    (folder / name).write_bytes(content)
    edit(folder, lambda m: m["files"].update({name: hashlib.sha256(content).hexdigest()}))


def refusal(name: str | Path, kind: type[BundleError] | type[LayoutError] = BundleError) -> str:
    """The message with which a bundle is refused, by loading and by verifying alike."""
    with pytest.raises(kind) as loading:
        load_bundle(name)
    with pytest.raises(kind) as verifying:
        verify_bundle(name)
    assert str(loading.value) == str(verifying.value)
    return str(loading.value)


def test_a_bundle_is_four_files(tiny_folder: Path) -> None:
    assert {path.name for path in tiny_folder.iterdir()} == set(FILES)


def test_it_loads_as_it_was_saved(tiny_folder: Path) -> None:
    bundle = load_bundle(tiny_folder)
    assert (bundle.name, bundle.version, bundle.classes) == ("tiny", "1", CLASSES)
    assert (bundle.thresholds.connection, bundle.thresholds.host) == (0.5, 4.0)
    assert (bundle.evidence.floor, bundle.evidence.half_life) == (0.3, 3600.0)
    assert bundle.calibration == Calibration((0.0, 1.0), (-0.5, 1.0))
    encoding = small_encoding()
    network = small_network(encoding)
    for name, value in network.state_dict().items():
        assert torch.equal(value, bundle.network.state_dict()[name]), name
    np.testing.assert_array_equal(bundle.encoding.edges, encoding.edges)
    features = matrix_of(random_log(0, 20))
    np.testing.assert_array_equal(bundle.encoding.encode(features), encoding.encode(features))
    assert not bundle.network.training


def test_a_whole_bundle_is_verified(tiny_folder: Path) -> None:
    assert verify_bundle(tiny_folder).name == "tiny"


def test_saving_the_same_gives_the_same_bytes(tiny_folder: Path, tmp_path: Path) -> None:
    again = tiny_bundle(tmp_path / "again")
    for name in FILES:
        assert (again / name).read_bytes() == (tiny_folder / name).read_bytes()


def test_used_features_are_those_of_the_bundle(tmp_path: Path) -> None:
    used = LAYOUT.names[:20]

    def narrow(manifest: dict[str, Any]) -> None:
        manifest["encoding"]["used"] = used

    with pytest.raises(BundleError, match="channels"):  # the network was made for all of them
        load_bundle(tiny_bundle(tmp_path / "narrow", change=narrow))


def test_a_folder_has_a_slash(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_folder.parent)
    for name in ("./tiny", "tiny/", str(tiny_folder), Path("tiny"), Path("./tiny")):
        assert load_bundle(name).name == "tiny"
    monkeypatch.setattr("zeekml.scoring.bundle.data_folder", lambda _: tiny_folder / "no-models")
    assert refusal("tiny") == (
        "model 'tiny': no such name (there are: none); a folder is written with a slash, as in './tiny'"
    )
    assert refusal("./absent") == "model './absent': no such folder; name the folder of a bundle"


def test_a_folder_does_not_hide_a_shipped_bundle(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("zeekml.scoring.bundle.data_folder", lambda _: tiny_folder.parent)
    assert load_bundle("tiny").name == "tiny"


def test_a_broken_bundle_does_not_hide_the_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(folder, folder.parent / "another")
    (folder / MANIFEST).write_text("format: 7\n")
    monkeypatch.setattr("zeekml.scoring.bundle.data_folder", lambda _: folder.parent)
    another, broken = list_bundles().values()
    assert not isinstance(another, BundleError)
    assert isinstance(broken, BundleError)
    assert "another zeekml made it" in str(broken)


def test_shipped_bundles_are_found_by_name(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeekml.scoring.bundle.data_folder", lambda _: tiny_folder.parent)
    assert list(list_bundles()) == ["tiny"]
    assert load_bundle("tiny").name == "tiny"
    message = refusal("nope")
    assert "'nope'" in message
    assert "tiny" in message


@pytest.mark.parametrize("name", ["nope", "no/such/folder", "../models", ""])
def test_an_unknown_name_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError) as refused:
        load_bundle(name)
    assert repr(name) in str(refused.value) or MANIFEST in str(refused.value)


def test_every_shipped_bundle_is_whole() -> None:
    for path in data_folder("models").glob(f"*/{MANIFEST}"):
        verify_bundle(path.parent)


@pytest.mark.parametrize("place", [0, 8, 200, -1], ids=["length", "header", "in between", "last"])
def test_one_byte_of_the_weights_changed(folder: Path, place: int) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[place] ^= 1
    (folder / WEIGHTS).write_bytes(content)
    message = refusal(folder)
    assert str(folder / WEIGHTS) in message
    assert "altered" in message
    assert hashlib.sha256(content).hexdigest() in message


@pytest.mark.parametrize("name", [METRICS, CARD])
def test_another_file_altered_is_found_by_verifying(folder: Path, name: str) -> None:
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write(" ")
    with pytest.raises(BundleError, match=re.escape(name)):
        verify_bundle(folder)


@pytest.mark.parametrize("name", [WEIGHTS, MANIFEST])
def test_a_file_that_is_absent(folder: Path, name: str) -> None:
    (folder / name).unlink()
    message = refusal(folder)
    assert str(folder / name) in message
    assert "cannot be read" in message


def fields_of(content: dict[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all fields of bundle.yaml but those of the table of files."""
    for name, value in content.items():
        yield (*prefix, name)
        if isinstance(value, dict) and name != "files":
            yield from fields_of(value, (*prefix, name))


def manifest_fields() -> list[tuple[str, ...]]:
    """Every field that the schema names."""

    def below(model: Any, prefix: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for name, field in model.model_fields.items():
            yield (*prefix, name)
            if hasattr(field.annotation, "model_fields"):
                yield from below(field.annotation, (*prefix, name))

    return list(below(Manifest, ()))


FIELDS = manifest_fields()


def test_the_bundle_holds_every_field(tiny_folder: Path) -> None:
    content = yaml.safe_load((tiny_folder / MANIFEST).read_text(encoding="utf-8"))
    assert set(fields_of(content)) == set(FIELDS)


#: A bundle that was not fine-tuned need not say so.
REQUIRED = [path for path in FIELDS if path[0] != "tuning"]


@pytest.mark.parametrize("path", REQUIRED, ids=".".join)
def test_a_field_missing(folder: Path, path: tuple[str, ...]) -> None:
    def drop(content: dict[str, Any]) -> None:
        for name in path[:-1]:
            content = content[name]
        del content[path[-1]]

    edit(folder, drop)
    message = refusal(folder)
    assert str(folder / MANIFEST) in message
    assert ".".join(path) in message
    assert "missing" in message or "expected" in message


@pytest.mark.parametrize("field", ["name", "sha256"])
def test_a_field_of_a_training_log_missing(folder: Path, field: str) -> None:
    edit(folder, lambda m: m["training"]["logs"][0].pop(field))
    assert f"training.logs.0.{field}: the field is missing" in refusal(folder)


def test_the_hash_of_the_weights_missing(folder: Path) -> None:
    edit(folder, lambda m: m["files"].pop(WEIGHTS))
    message = refusal(folder)
    assert repr(WEIGHTS) in message
    assert "missing" in message


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("format", 3, "expected 4"),
        ("name", "../evil", "pattern"),
        ("classes", ["Benign"], "at least 2"),
        ("network.name", "Transformer", "Res-1DCNN-LSTM"),
        ("network.layout", "sideways", "window"),
        ("network.width", 0, "greater than or equal to 1"),
        ("network.width", "wide", "integer"),
        ("network.width", 10**9, "less than or equal to"),
        ("network.dropout", 1.5, "less than or equal to 1"),
        ("encoding.bins", 1, "greater than or equal to 2"),
        ("encoding.mode", "raw", "piecewise"),
        ("calibration.given", [0.0, 0.0], "rise"),
        ("calibration.given", [0.0], "at least 2"),
        ("calibration.meant", [1.0, 0.5], "rise"),
        ("calibration.meant", [0.0, float("nan")], "finite"),
        ("calibration", {"given": [0.0, 1.0], "meant": [0.0, 1.0, 2.0]}, "as long"),
        ("thresholds.connection", 1.0, "less than 1"),
        ("thresholds.connection", float("inf"), "finite"),
        ("thresholds.host_fpr", -0.1, "greater than or equal to 0"),
        ("evidence.half_life", 0, "greater than 0"),
        ("training.recipe_sha256", "abc", "pattern"),
        ("files", {WEIGHTS: "abc"}, "pattern"),
        ("surprise", 1, "not permitted"),
    ],
)
def test_a_field_that_is_wrong(folder: Path, path: str, value: object, expected: str) -> None:
    *parts, last = path.split(".")

    def change(content: dict[str, Any]) -> None:
        for name in parts:
            content = content[name]
        content[last] = value

    edit(folder, change)
    message = refusal(folder)
    assert path in message
    assert expected in message
    assert len(message) < 1000


def test_another_layout_version(folder: Path) -> None:
    edit(folder, lambda m: m["layout"].update(version=LAYOUT.version + 1, digest="0" * 64))
    message = refusal(folder, LayoutError)
    assert f"{LAYOUT.name} version {LAYOUT.version + 1}" in message
    assert f"computes {LAYOUT.name} version {LAYOUT.version}" in message


def test_another_layout_with_other_features(folder: Path) -> None:
    names = [*LAYOUT.names[1:], *(f"new_{i}" for i in range(9))]
    edit(folder, lambda m: m["layout"].update(name="conn-2", digest="0" * 64, features=names))
    message = refusal(folder, LayoutError)
    assert "conn-2" in message
    assert "'new_0'" in message
    assert "and 5 more" in message


def test_the_same_layout_with_another_definition(folder: Path) -> None:
    edit(folder, lambda m: m["layout"].update(digest="0" * 64))
    assert "another definition" in refusal(folder, LayoutError)


def test_another_number_of_classes(folder: Path) -> None:
    edit(folder, lambda m: m["classes"].append("DDoS"))
    message = refusal(folder)
    assert "network.classes: found 3, expected 4" in message


def test_a_feature_that_does_not_exist(folder: Path) -> None:
    edit(folder, lambda m: m["encoding"]["used"].append("moon_phase"))
    message = refusal(folder)
    assert "encoding.used" in message
    assert "'moon_phase'" in message


def test_a_network_of_another_size(folder: Path) -> None:
    edit(folder, lambda m: m["network"].update(width=9))
    message = refusal(folder)
    assert re.search(r"network\.\S+: found shape \(8, .*\), expected finite float32 of shape \(9, ", message)


def test_another_number_of_bins(folder: Path) -> None:
    edit(folder, lambda m: m["encoding"].update(bins=9))
    assert "encoding.edges" in refusal(folder)


@pytest.mark.parametrize("name", ["network.head.4.bias", "encoding.edges", "reasons.typical"])
def test_an_array_missing(tmp_path: Path, name: str) -> None:
    message = refusal(tiny_bundle(tmp_path / "tiny", arrays={name: None}))
    assert name in message
    assert "found nothing" in message


@pytest.mark.parametrize("name", ["network.head.4.bias", "encoding.edges", "reasons.coefficients"])
def test_an_array_of_another_shape(tmp_path: Path, name: str) -> None:
    message = refusal(tiny_bundle(tmp_path / "tiny", arrays={name: np.zeros((2, 2), np.float32)}))
    assert f"{name}: found shape (2, 2), expected finite float32 of shape" in message


def test_an_array_too_many(tmp_path: Path) -> None:
    message = refusal(tiny_bundle(tmp_path / "tiny", arrays={"stowaway": np.zeros(1, np.float32)}))
    assert "stowaway: no such array" in message


@pytest.mark.parametrize("name", ["network.head.4.bias", "encoding.edges", "reasons.coefficients"])
@pytest.mark.parametrize(
    "damage", [lambda a: a.astype(np.float64), lambda a: np.full_like(a, np.nan)], ids=["dtype", "nan"]
)
def test_an_array_of_another_kind(
    folder: Path, tmp_path: Path, name: str, damage: Callable[[Floats], Floats]
) -> None:
    held = safetensors.numpy.load((folder / WEIGHTS).read_bytes())
    message = refusal(tiny_bundle(tmp_path / "other", arrays={name: damage(held[name])}))
    assert name in message
    assert "expected" in message


class Evil:
    """Would leave a trace if it were unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.trace,))


def test_a_pickle_in_place_of_the_weights_is_refused_and_not_run(folder: Path, tmp_path: Path) -> None:
    put(folder, WEIGHTS, pickle.dumps(Evil(tmp_path / "trace")))
    assert "no safetensors file" in refusal(folder)
    assert not (tmp_path / "trace").exists()


def test_weights_that_torch_pickled_are_refused(folder: Path, tmp_path: Path) -> None:
    torch.save({"network.head.4.bias": torch.zeros(3)}, tmp_path / "weights.pt")
    put(folder, WEIGHTS, (tmp_path / "weights.pt").read_bytes())
    assert "no safetensors file" in refusal(folder)


@pytest.mark.parametrize("content", [b"", b"{}", b"\0" * 100, b"\xff" * 64])
def test_weights_that_are_something_else(folder: Path, content: bytes) -> None:
    put(folder, WEIGHTS, content)
    assert str(folder / WEIGHTS) in refusal(folder)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: [1, 2", "not valid YAML"),
        (b"\xff\xfe\x00", "not valid YAML"),
        (b"- 1\n- 2\n", "expected a mapping, found list"),
        (b"", "expected a mapping, found NoneType"),
        (b"x" * ((1 << 20) + 1), "larger than"),
        (b"!!python/object/apply:os.system ['touch trace']", "not valid YAML"),
    ],
    ids=["broken", "bytes", "list", "empty", "large", "python"],
)
def test_a_manifest_that_is_something_else(
    folder: Path, content: bytes, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / MANIFEST).write_bytes(content)
    message = refusal(folder)
    assert str(folder / MANIFEST) in message
    assert expected in message
    assert not (folder / "trace").exists()


def test_a_file_outside_the_bundle_is_not_read(folder: Path) -> None:
    edit(folder, lambda m: m["files"].update({"../other": "0" * 64}))
    with pytest.raises(BundleError, match="expected the name of a file"):
        verify_bundle(folder)


def test_a_bundle_scores(tiny_folder: Path) -> None:
    assert len(Scorer(load_bundle(tiny_folder)).score(random_log(0, 30), "a")) == 30

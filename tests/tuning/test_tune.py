"""Fine-tuning and calibration of a small model on made logs of a site, from the call to the bundle that comes of it."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.data import CLEAN, recipe_file, write_captures
from zeekml.config import Settings
from zeekml.errors import BundleError, ForgettingError, InputError, OutputError, RecipeError
from zeekml.evaluation.evaluate import trained_on
from zeekml.feedback import Verdict, add_verdict
from zeekml.records import read_logs
from zeekml.scoring import Detector, load_bundle, verify_bundle
from zeekml.scoring.bundle import CARD, MANIFEST, METRICS, WEIGHTS
from zeekml.simulate import Scenario, write_traffic
from zeekml.training.fit import Epoch
from zeekml.training.job import train
from zeekml.tuning import Asked, Tuned, read_site, recalibrate, tune
from zeekml.tuning.reference import FIGURES, lost

MADE = "2026-01-02T03:04:05+00:00"


class Quiet:
    """A watcher and a progress that keep what they are told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.stages: list[str] = []

    def begin(self, stage: Any, epochs: int = 0) -> None:
        self.stages.append(str(stage))

    def epoch(self, epoch: Epoch) -> None:
        pass

    def connections(self, source: str, count: int, line: int) -> None:
        pass

    def file_end(self, log: object) -> None:
        pass

    def problem(self, error: Exception) -> None:
        raise error

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def small(content: dict[str, Any]) -> None:
    content["fit"].update(epochs=4, patience=0, rate=0.01, ema=0.8)
    content["trees"] = {"share": 0.4, "count": 10, "leaves": 4, "draws": 1}
    content["made"] = {"behaviours": ["benign/browsing", "hostile/scan", "hostile/beacon"], "draws": 1}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Old captures, a model of them, and a site's log."""
    folder = write_captures(tmp_path_factory.mktemp("tuning"), connections=400)
    train(recipe_file(folder, small), folder, folder / "out", Quiet())
    write_traffic(folder / "conn.log", Scenario(connections=600, seed=77, hosts=12, patterns=CLEAN))
    return folder


@pytest.fixture(scope="module")
def parent(data: Path) -> Path:
    return data / "out" / "made"


def asked(root: Path, folder: Path, /, **changes: Any) -> Asked:
    given: dict[str, Any] = {
        "parent": str(root / "out" / "made"),
        "paths": [str(root / "conn.log")],
        "out": folder,
        "name": "made-site",
        "made": MADE,
        "recipe": root / "recipe.yaml",
        "epochs": 1,
        "most_lost": 1.0,
    }
    return Asked(**(given | changes))


def tuned(wanted: Asked, quiet: Quiet | None = None) -> Tuned:
    settings, told = Settings(), quiet or Quiet()
    return tune(read_site(wanted, settings, told), wanted, settings, told)


@pytest.fixture(scope="module")
def one(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """A model tuned with the old captures at hand."""
    return tuned(asked(data, tmp_path_factory.mktemp("one"), data=data))


def write_verdicts(
    path: Path, log: Path, word: str, rows: list[int], *, model: str = "x", score: float = 0.5
) -> Path:
    """A table of feedback that calls these rows of a log so."""
    (found,) = read_logs(log)
    for row in rows:
        connection = {
            name: found.frame[name].iloc[row]
            for name in ("uid", "id.orig_h", "id.resp_h", "id.resp_p", "proto", "conn_state")
        }
        add_verdict(path, Verdict(connection, word, "", MADE, model, score, "C&C"))
    return path


def test_the_network_changes_and_trees_and_encoding_stay(one: Tuned, parent: Path) -> None:
    before, after = load_bundle(parent), load_bundle(one.folder)
    assert any(not np.array_equal(before.weights[name], after.weights[name]) for name in before.weights)
    assert before.drift is not None
    assert after.drift is not None
    assert (before.drift.shares == after.drift.shares).all()
    assert before.trees is not None
    assert after.trees is not None
    assert (before.trees.leaves == after.trees.leaves).all()
    assert (before.trees.nodes == after.trees.nodes).all()
    assert (before.encoding.edges == after.encoding.edges).all()


def test_the_bundle_is_whole_and_scores(one: Tuned, data: Path) -> None:
    assert verify_bundle(one.folder).name == "made-site"
    (log,) = read_logs(data / "conn.log")
    found = Detector.load(one.folder).score(log.frame, reasons=True)
    assert ((found["score"] > 0) & (found["score"] < 1)).all()


def test_the_manifest_names_the_parent_and_the_site(one: Tuned, parent: Path, data: Path) -> None:
    tuning = load_bundle(one.folder).manifest.tuning
    assert tuning is not None
    assert (tuning.parent.name, tuning.parent.version) == ("made", "1")
    assert tuning.parent.manifest_sha256 == hashlib.sha256((parent / MANIFEST).read_bytes()).hexdigest()
    assert tuning.parent.weights_sha256 == hashlib.sha256((parent / WEIGHTS).read_bytes()).hexdigest()
    assert (tuning.made, tuning.fitted, tuning.rehearsed, tuning.epochs) == (MADE, "network", "captures", 1)
    (log,) = tuning.logs
    assert (log.name, log.connections, log.held_out) == ("conn.log", 600, 150)
    assert (log.benign, log.malicious) == (450, 0)
    assert log.first < log.last
    assert log.sha256 == (hashlib.sha256((data / "conn.log").read_bytes()).hexdigest(),)


def test_its_version_tells_it_from_its_parent_and_from_others(one: Tuned, data: Path, tmp_path: Path) -> None:
    other = tuned(asked(data, tmp_path, seed=1))
    versions = {load_bundle(folder).version for folder in (one.folder, other.folder)}
    assert len(versions) == 2
    assert all(version.startswith("1+") for version in versions)


def test_the_same_seed_gives_the_same_weights(data: Path, tmp_path: Path) -> None:
    first, second, third = (
        tuned(asked(data, tmp_path / str(at), seed=seed)).folder for at, seed in enumerate((3, 3, 4))
    )
    for file in (WEIGHTS, METRICS, CARD, MANIFEST):
        assert (first / file).read_bytes() == (second / file).read_bytes(), file
    assert (first / WEIGHTS).read_bytes() != (third / WEIGHTS).read_bytes()


def test_evaluate_knows_that_it_was_trained_on_the_site(one: Tuned, data: Path) -> None:
    content = hashlib.sha256((data / "conn.log").read_bytes()).hexdigest()
    log = {"capture": "x", "name": "renamed", "files": {"x": content}}
    manifest = load_bundle(one.folder).manifest
    assert trained_on(manifest, [log]) == [{"log": "x", "by": "content"}]
    assert trained_on(manifest, [{"capture": "y", "name": "bot-0", "files": {}}]) == [
        {"log": "y", "by": "name"}
    ]


def test_figures_of_both_models_stand_side_by_side(one: Tuned) -> None:
    figures = json.loads((one.folder / METRICS).read_text(encoding="utf-8"))
    assert figures == one.figures
    assert figures["reference"]["of"] == "old captures"
    for when in ("before", "after"):
        assert set(FIGURES) <= set(figures["reference"][when])
        assert figures["site"][when]["benign"] == 150
    assert figures["reference"]["before"]["connections"] == figures["reference"]["after"]["connections"]
    card = (one.folder / CARD).read_text(encoding="utf-8")
    assert card.startswith("# made-site\n")
    assert "| average precision |" in card
    assert "\n### made\n" in card


def test_tuning_lowers_what_the_site_scores(data: Path, tmp_path: Path) -> None:
    """A site on which a monitor calls in on a beat, as a bot does."""
    log = tmp_path / "beat.log"
    write_traffic(log, Scenario(connections=600, seed=8, hosts=12, patterns=(*CLEAN, "beacon-regular")))
    wanted = asked(data, tmp_path, paths=[str(log)], epochs=16, rate=0.01, share=0.5)
    found = tuned(wanted).figures["site"]
    assert found["after"]["mean_score"] < found["before"]["mean_score"]


def test_no_more_benign_connections_of_the_old_captures_alert(one: Tuned) -> None:
    found = one.figures["reference"]
    assert found["after"]["fpr"] <= found["before"]["fpr"]
    assert found["after"]["clean_named"] <= found["before"]["clean_named"]


def test_without_old_captures_made_hosts_stand_for_them(data: Path, tmp_path: Path) -> None:
    found = tuned(asked(data, tmp_path))
    assert found.figures["reference"]["of"] == "made hosts"
    manifest = load_bundle(found.folder).manifest
    assert manifest.tuning is not None
    assert manifest.tuning.rehearsed == "made hosts"


def test_a_model_that_forgets_is_refused_with_its_figures(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ForgettingError, match="has forgotten too much") as error:
        tuned(asked(data, tmp_path, data=data, rate=0.3, epochs=3, share=0.99, most_lost=0.0))
    assert "--most-lost" in str(error.value)
    assert error.value.figures["reference"]["of"] == "old captures"
    assert not (tmp_path / "made-site").exists()


def test_weights_that_run_away_are_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ForgettingError, match="grew beyond all bounds"):
        tuned(asked(data, tmp_path, rate=1e38))
    assert not (tmp_path / "made-site").exists()


def test_what_counts_as_lost() -> None:
    before = dict.fromkeys(FIGURES, 0.5)
    assert lost(before, dict.fromkeys(FIGURES, 0.46), 0.05) == []
    assert lost(before, before | {"average_precision": 0.4}, 0.05) == [
        "average precision from 0.500 to 0.400"
    ]
    assert lost(before | {"average_precision": None}, dict.fromkeys(FIGURES), 0.05) == []


def test_nothing_is_held_out_where_nothing_is_to_be(data: Path, tmp_path: Path) -> None:
    found = tuned(asked(data, tmp_path, hold_out=0.0))
    assert "site" not in found.figures
    manifest = load_bundle(found.folder).manifest
    assert manifest.tuning is not None
    assert manifest.tuning.logs[0].held_out == 0


def test_a_second_tuning_remembers_the_first_ones_logs(one: Tuned, data: Path, tmp_path: Path) -> None:
    other = tmp_path / "later.log"
    write_traffic(other, Scenario(connections=300, seed=5, hosts=12, patterns=CLEAN))
    found = tuned(asked(data, tmp_path, parent=str(one.folder), name="second", paths=[str(other)]))
    tuning = load_bundle(found.folder).manifest.tuning
    assert tuning is not None
    assert tuning.parent.name == "made-site"
    assert [log.name for log in tuning.earlier_logs] == ["conn.log"]
    assert [log.name for log in tuning.logs] == ["later.log"]


def test_a_malicious_verdict_is_trained_on_and_its_host_is_not_taken_as_clean(
    data: Path, tmp_path: Path
) -> None:
    (log,) = read_logs(data / "conn.log")
    host = log.frame["id.orig_h"].value_counts().index[0]
    rows = np.flatnonzero((log.frame["id.orig_h"] == host).to_numpy())[:4].tolist()
    table = write_verdicts(tmp_path / "f.csv", data / "conn.log", "C&C", rows)
    found = tuned(asked(data, tmp_path, feedback=(table,)))
    tuning = load_bundle(found.folder).manifest.tuning
    assert tuning is not None
    assert (tuning.feedback.verdicts, tuning.feedback.used, tuning.feedback.malicious) == (4, 4, 4)
    (entry,) = tuning.logs
    others = (log.frame["id.orig_h"] != host).to_numpy()[:450].sum()
    assert (entry.benign, entry.malicious) == (others, 4)


def test_a_labelled_log_goes_by_its_labels(data: Path, tmp_path: Path) -> None:
    bots = data / "logs" / "bot-0.conn.log.labeled"
    found = tuned(asked(data, tmp_path, paths=[str(bots)]))
    tuning = load_bundle(found.folder).manifest.tuning
    assert tuning is not None
    assert tuning.logs[0].malicious > 0
    assert found.figures["site"]["after"]["malicious"] > 0
    assert found.figures["site"]["after"]["infected_named"] is not None


def named_by_all(data: Path, folder: Path) -> Path:
    """A model that names every host: the parent with thresholds next to nothing."""
    from tests.tuning.models import changed

    return changed(
        data / "out" / "made", folder, thresholds={"connection": 1e-5, "host": 1e-3}, evidence=1e-6
    )


def test_hosts_that_the_parent_names_are_told(data: Path, tmp_path: Path) -> None:
    eager, quiet = named_by_all(data, tmp_path / "eager"), Quiet()
    read_site(asked(data, tmp_path, parent=str(eager)), Settings(), quiet)
    assert any("eager names" in text and "--leave-out-named" in text for text in quiet.warnings)


def test_hosts_that_the_parent_names_may_be_left_out(data: Path, tmp_path: Path) -> None:
    """Here these are all of them, so that nothing is left."""
    eager = named_by_all(data, tmp_path / "eager")
    with pytest.raises(InputError, match="nothing to train on"):
        read_site(asked(data, tmp_path, parent=str(eager), leave_out_named=True), Settings(), Quiet())


def test_a_log_that_is_not_taken_as_clean_needs_labels(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no connection before the part that is held out has a label"):
        tuned(asked(data, tmp_path, clean=False))


def test_malicious_connections_alone_are_not_enough(data: Path, tmp_path: Path) -> None:
    table = write_verdicts(tmp_path / "f.csv", data / "conn.log", "C&C", [0, 1])
    with pytest.raises(InputError, match="nothing benign to train on"):
        tuned(asked(data, tmp_path, clean=False, feedback=(table,)))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda folder: {"parent": str(folder / "nope") + "/"}, BundleError, "no such folder"),
        (lambda folder: {"paths": [str(folder / "nope.log")]}, InputError, "nope"),
        (lambda _: {"recipe": None}, RecipeError, "give the recipe that it was made by"),
        (lambda folder: {"out": folder / "out", "name": "made"}, OutputError, "is the model itself"),
    ],
)
def test_mistakes(
    data: Path,
    tmp_path: Path,
    change: Callable[[Path], dict[str, Any]],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        tuned(asked(data, tmp_path, **change(data)))


# --- calibration by verdicts ----------------------------------------------------------------------------------------


def scores(folder: Path, log: Path) -> np.ndarray:
    (found,) = read_logs(log)
    return np.asarray(Detector.load(folder).score(found.frame)["score"])


@pytest.mark.parametrize(("word", "sign"), [("Benign", -1), ("C&C", 1)])
def test_verdicts_move_the_scores_their_way(
    data: Path, parent: Path, tmp_path: Path, word: str, sign: int
) -> None:
    before = scores(parent, data / "conn.log")
    rows = np.argsort(-before)[:8].tolist()
    table = write_verdicts(tmp_path / "f.csv", data / "conn.log", word, rows)
    found = recalibrate(asked(data, tmp_path, feedback=(table,), prior=1.0), Quiet())
    moved = scores(found.folder, data / "conn.log") - before
    assert (sign * moved >= -1e-6).all()
    assert (sign * moved[rows]).max() > 1e-3


def test_calibration_leaves_weights_and_thresholds(data: Path, parent: Path, tmp_path: Path) -> None:
    table = write_verdicts(tmp_path / "f.csv", data / "conn.log", "Benign", [3, 4])
    found = recalibrate(asked(data, tmp_path, feedback=(table,)), Quiet())
    before, after = load_bundle(parent), load_bundle(found.folder)
    assert before.manifest.files[WEIGHTS] == after.manifest.files[WEIGHTS]
    assert before.thresholds == after.thresholds
    assert before.manifest.calibration != after.manifest.calibration
    tuning = after.manifest.tuning
    assert tuning is not None
    assert (tuning.fitted, tuning.rehearsed, tuning.epochs) == ("calibration", "nothing", 0)
    assert (tuning.feedback.used, tuning.feedback.benign) == (2, 2)
    assert verify_bundle(found.folder).version.startswith("1+")


def test_the_last_verdict_on_a_connection_holds(data: Path, tmp_path: Path) -> None:
    table = tmp_path / "f.csv"
    for word in ("C&C", "Benign"):
        write_verdicts(table, data / "conn.log", word, [5])
    write_verdicts(table, data / "conn.log", "C&C", [6])
    write_verdicts(table, data / "conn.log", "Unknown", [6])
    found = recalibrate(asked(data, tmp_path, feedback=(table,)), Quiet())
    assert found.figures["verdicts"]["after"]["benign"] == 1
    assert found.figures["verdicts"]["after"]["malicious"] == 0


def test_verdicts_outlive_their_logs(data: Path, parent: Path, tmp_path: Path) -> None:
    """Without the log the recorded score stands for the connection, if this very model gave it."""
    version = load_bundle(parent).version
    table = write_verdicts(
        tmp_path / "f.csv", data / "conn.log", "Benign", [1, 2], model=f"made {version}", score=0.7
    )
    found = recalibrate(asked(data, tmp_path, paths=[], feedback=(table,)), Quiet())
    assert found.figures["verdicts"]["recorded"] == 2
    assert found.figures["verdicts"]["before"]["benign_mean_score"] == pytest.approx(0.7, abs=1e-4)
    assert found.figures["verdicts"]["after"]["benign_mean_score"] < 0.7


def test_a_score_that_another_model_gave_is_not_taken(data: Path, tmp_path: Path) -> None:
    table = write_verdicts(tmp_path / "f.csv", data / "conn.log", "Benign", [1], model="other 3")
    with pytest.raises(InputError, match="none of the 1 verdicts can be used"):
        recalibrate(asked(data, tmp_path, paths=[], feedback=(table,)), Quiet())


def test_a_recorded_score_that_is_none(data: Path, parent: Path, tmp_path: Path) -> None:
    model = f"made {load_bundle(parent).version}"
    table = write_verdicts(tmp_path / "f.csv", data / "conn.log", "Benign", [1], model=model)
    with table.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    lines[1][lines[0].index("score")] = "high"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)
    with pytest.raises(RecipeError, match="score is 'high'"):
        recalibrate(asked(data, tmp_path, paths=[], feedback=(table,)), Quiet())

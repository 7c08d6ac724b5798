"""What the benchmark of reasons asks: every alert, in the past that its host had; and of what it tells the cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import reasons
from benchmarks.labelled import whole
from benchmarks.reasons import alerts_of, cost, histories
from tests.builders import tiny_bundle
from zeekml.config import load_settings
from zeekml.evaluation.verdicts import Judge
from zeekml.scoring import Bundle, Scorer, load_bundle
from zeekml.simulate import Scenario, write_traffic


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_traffic(folder / "made.conn.log", Scenario(connections=300, seed=3))
    (folder / "groups.csv").write_text("file,group\nmade.conn.log,home\n")
    (folder / "hosts.csv").write_text("file,host,infected,family,evidence\nmade,*,0,,made for a test\n")
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("model") / "tiny"))


def test_each_row_is_scored_in_its_hosts_own_past(data: Path, bundle: Bundle) -> None:
    frame, stream = whole(data / "made.conn.log")
    expected = Scorer(bundle, threads=1).score(frame, stream)
    assert expected.network_odds is not None
    rows = np.arange(0, len(frame), 7)
    with torch.inference_mode():
        found = sorted(
            (row, odds, reasons.whole_odds(bundle, features[None], past))
            for row, features, odds, past in histories(frame, rows, bundle.network, bundle)
        )
    assert [row for row, _, _ in found] == rows.tolist()
    np.testing.assert_allclose([odds for _, odds, _ in found], expected.network_odds[rows], atol=1e-4)
    np.testing.assert_allclose([odds for *_, odds in found], expected.network_odds[rows], atol=1e-4)


def test_every_alert_is_asked_for_its_reason(data: Path, bundle: Bundle) -> None:
    judge = Judge(bundle, load_settings(None))
    frame, _ = whole(data / "made.conn.log")
    verdicts = judge.judge(frame, "log")
    with torch.inference_mode():
        found = list(alerts_of(data / "made.conn.log", bundle, judge))
    assert len(found) >= int(verdicts.alerting.sum()) > 0
    assert all(alert.log == "made" and alert.why for alert in found)
    assert {alert.host for alert in found} <= set(frame["id.orig_h"].astype(str))


def test_one_connection_in_a_thousand_is_explained(bundle: Bundle, tmp_path: Path) -> None:
    spent = cost(bundle, tmp_path, 3000)
    assert (spent.connections, spent.explained) == (3000, 3)
    assert spent.whole > 0
    assert spent.scores > 0
    assert spent.reasons > 0


def test_the_page_says_what_was_found(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, page = str(tiny_bundle(tmp_path / "tiny")), tmp_path / "page.md"
    asked = ["--data", str(data), "--model", model, "--document", str(page), "--connections", "2000"]
    assert reasons.main(asked) == 0
    text = page.read_text()
    assert capsys.readouterr().out.endswith(text + "\n")
    assert "over 1 labelled logs" in text
    assert "Without a reason: 0." in text
    assert "one connection in a thousand (2), of\n  2,000 made ones" in text
    assert "| made | " in text
    assert " | clean: made for a test | " in text

"""A comparison as a whole on made tables: tables, page and figures; it resumes, and searches settings."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.comparison.tables import data_folder
from zeekml.comparison import Request, cells, compare, search, settings, splits, tune
from zeekml.comparison.cells import Cell, code_of, code_version, prepared
from zeekml.comparison.settings import NETWORK_NAMES, Search, Settings, Trial, Tuned, load_tuned
from zeekml.comparison.store import Store
from zeekml.errors import ConfigError, InputError, OutputError

SMALL = Settings(patch=2, width=4, depth=1, kernel=2, dropout=0.1, rate=0.01, weight_decay=0, class_power=0.5)


class Heard:
    def __init__(self) -> None:
        self.cells, self.fresh = 0, 0

    def begin(self, cells: int) -> None:
        self.cells = cells

    def cell(self, cell: Cell, result: dict[str, Any], before: bool) -> None:
        self.fresh += not before


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "EPOCHS", dict.fromkeys(splits.PROTOCOLS, 2))
    monkeypatch.setattr(cells, "TUNING_EPOCHS", 2)
    monkeypatch.setattr(tune, "candidates", lambda *_: [SMALL, SMALL.model_copy(update={"width": 6})])
    prepared.cache_clear()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_folder(tmp_path_factory.mktemp("data"), rows=30)


@pytest.fixture
def request_all(data: Path, tmp_path: Path) -> Request:
    out = tmp_path / "out"
    given = Request(
        data=data,
        out=out,
        document=tmp_path / "docs" / "evaluation.md",
        data_sets=("iot23", "unsw-nb15"),
        protocols=splits.PROTOCOLS,
        tasks=("binary", "multi"),
        seeds=1,
        processes=1,
        settings=out / "settings.json",
        command="zeekml compare --data DATA --out OUT",
    )
    out.mkdir()
    one = Search(trials=(Trial(settings=SMALL, macro_f1=0.5, accuracy=0.5, seconds=1),))
    found = Tuned(searches={name: dict.fromkeys(NETWORK_NAMES, one) for name in given.data_sets})
    (out / "settings.json").write_text(found.model_dump_json())
    return given


def test_a_search_keeps_every_trial(request_all: Request) -> None:
    assert request_all.settings is not None
    search(request_all, Heard())
    found = load_tuned(request_all.settings)
    assert set(found.searches) == {"iot23", "unsw-nb15"}
    for searches in found.searches.values():
        assert list(searches) == list(NETWORK_NAMES)
        for one in searches.values():
            assert [trial.settings.width for trial in one.trials] == [4, 6]
    again = Heard()
    search(request_all, again)
    assert (again.cells, again.fresh) == (20, 0)


def test_a_comparison_writes_tables_page_and_figures(request_all: Request) -> None:
    heard = Heard()
    outcome = compare(request_all, heard)
    # Three and two protocols, two tasks, six rows; four ablations under distinct.
    assert heard.cells == heard.fresh == 5 * 2 * 6 + 2 * 2 * 4
    assert len(outcome.tables) == 5
    for heads, rows in outcome.tables.values():
        assert len(heads) == 7
        assert all(re.fullmatch(r"\d+\.\d\d", figure) for row in rows for figure in row[1:])
    assert any(sentence.startswith("IoT-23: Res-1DCNN-LSTM ") for sentence in outcome.sentences)
    page = request_all.document.read_text()
    assert "–" not in page[page.index("## The tables") : page.index("## Sizes and times")]
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", page)
    assert len(pictures) == len(set(pictures)) == 1 + 2 + 5
    for picture in pictures:
        content = (request_all.document.parent / picture).read_bytes()
        assert content.startswith(b"<?xml")
        assert str(request_all.data).encode() not in content
    whole = json.loads((request_all.out / "results.json").read_text())
    assert len(whole["cells"]) == heard.cells
    assert whole["code"] == code_version()


def test_a_comparison_goes_on_where_it_was_stopped(
    request_all: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(request_all, data_sets=("unsw-nb15",), protocols=("random",), tasks=("multi",))
    done: list[str] = []
    work = cells.work_out

    def stopped(cell: Cell, data: Path) -> dict[str, Any]:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(cell.row)
        return work(cell, data)

    monkeypatch.setattr("zeekml.comparison.pool.work_out", stopped)
    with pytest.raises(KeyboardInterrupt):
        compare(asked, Heard())
    assert not asked.document.exists()
    monkeypatch.setattr("zeekml.comparison.pool.work_out", work)
    heard = Heard()
    first = compare(asked, heard)
    assert (heard.cells, heard.fresh) == (6, 4)
    figures = {path.name: path.read_bytes() for path in (asked.document.parent / "figures").iterdir()}
    heard = Heard()
    assert compare(asked, heard).tables == first.tables
    assert heard.fresh == 0
    # The same numbers give the same pictures, byte for byte.
    assert {p.name: p.read_bytes() for p in (asked.document.parent / "figures").iterdir()} == figures


def test_a_damaged_or_foreign_cell_is_worked_out_again(request_all: Request) -> None:
    asked = replace(request_all, data_sets=("unsw-nb15",), protocols=("random",), tasks=("binary",))
    compare(asked, Heard())
    kept = sorted((asked.out / "cells").glob("unsw-nb15-random-*.json"))
    kept[0].write_text('{"key": ')
    kept[1].write_text('{"key": "other"}')
    heard = Heard()
    compare(asked, heard)
    assert heard.fresh == 2


def test_cells_of_several_processes_are_those_of_one(request_all: Request, tmp_path: Path) -> None:
    asked = replace(
        request_all, data_sets=("unsw-nb15",), protocols=("random",), tasks=("binary",), out=tmp_path / "two"
    )
    trees = Cell("unsw-nb15", "random", "binary", "Boosted trees", 0, None)
    one = cells.work_out(trees, asked.data)
    # Spawned processes know nothing of what a test has changed: trees have no epochs.
    from zeekml.comparison.pool import finish

    store = Store(asked.out)
    digests = {"unsw-nb15": prepared("unsw-nb15", asked.data)[0].digest}
    two = [trees, Cell("unsw-nb15", "random", "multi", "Boosted trees", 0, None)]
    found = finish(two, digests, asked.data, store, 2, lambda *_: None)
    assert found[trees]["confusion"] == one["confusion"]
    assert len(list(asked.out.iterdir())) == 2


def test_the_key_of_a_cell_changes_with_everything_that_matters() -> None:
    cell = Cell("iot23", "random", "multi", "GRU", 0, SMALL)
    others = [
        replace(cell, data_set="unsw-nb15"),
        replace(cell, protocol="distinct"),
        replace(cell, task="binary"),
        replace(cell, row="Dense"),
        replace(cell, seed=1),
        replace(cell, settings=SMALL.model_copy(update={"rate": 0.02})),
        replace(cell, tuning=True),
    ]
    assert len({cell.key("a"), cell.key("b"), *(other.key("a") for other in others)}) == 9


def test_comments_are_no_code_and_code_is() -> None:
    plain = "def f(x):\n    return x + 1\n"
    assert code_of(plain) == code_of('"""About."""\ndef f( x ):  # why\n    """Adds."""\n    return x+1\n')
    assert code_of(plain) != code_of(plain.replace("1", "2"))


def test_what_cannot_be_compared_is_told(request_all: Request, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--protocol scenario does not go with --dataset unsw-nb15"):
        compare(replace(request_all, data_sets=("unsw-nb15",), protocols=("scenario",)), Heard())
    with pytest.raises(InputError, match="is not there"):
        compare(replace(request_all, data=tmp_path / "nowhere"), Heard())
    (tmp_path / "file").write_text("")
    asked = replace(request_all, out=tmp_path / "file", data_sets=("unsw-nb15",), protocols=("random",))
    with pytest.raises(OutputError):
        compare(asked, Heard())


def test_an_absent_extra_is_told(request_all: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"needs lightgbm and matplotlib.*pip install"):
        compare(request_all, Heard())


def test_settings_are_asked_for_whole_epochs() -> None:
    assert set(settings.EPOCHS) == set(splits.PROTOCOLS)

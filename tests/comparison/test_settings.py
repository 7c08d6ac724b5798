"""Settings: the search is fair, what is shipped is whole, a wrong file is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from zeekml.comparison.flow import ABLATIONS, RES
from zeekml.comparison.plan import planned
from zeekml.comparison.settings import (
    CONFIGURATIONS,
    NETWORK_NAMES,
    Search,
    Settings,
    Trial,
    Tuned,
    candidates,
    load_tuned,
)
from zeekml.comparison.tables import DATA_SETS
from zeekml.comparison.tune import tuning_cells
from zeekml.errors import ConfigError


def test_every_network_tries_ten_settings_of_the_same_draws() -> None:
    for data_set in DATA_SETS:
        tried = {network: candidates(data_set, network) for network in NETWORK_NAMES}
        assert all(len(set(settings)) == CONFIGURATIONS >= 10 for settings in tried.values())
        shared = [network for network in NETWORK_NAMES if network != "Dense"]
        assert all(tried[network] == tried[RES] for network in shared)
        for one, other in zip(tried["Dense"], tried[RES], strict=True):
            same = {"depth", "dropout", "rate", "weight_decay", "class_power"}
            assert one.model_dump(include=same) == other.model_dump(include=same)
    assert len(tuning_cells(list(DATA_SETS))) == len(DATA_SETS) * len(NETWORK_NAMES) * CONFIGURATIONS


def test_the_shipped_settings_are_those_of_a_whole_search() -> None:
    shipped = load_tuned()
    for data_set in DATA_SETS:
        for network in NETWORK_NAMES:
            tried = [trial.settings for trial in shipped.searches[data_set][network].trials]
            assert tried == candidates(data_set, network)


def trial(macro_f1: float, width: int) -> Trial:
    settings = Settings(
        patch=1, width=width, depth=1, kernel=3, dropout=0, rate=0.01, weight_decay=0, class_power=0.5
    )
    return Trial(settings=settings, macro_f1=macro_f1, accuracy=0.5, seconds=1)


def test_the_best_trial_is_chosen_the_first_of_equals() -> None:
    search = Search(trials=(trial(0.1, 8), trial(0.7, 9), trial(0.7, 10)))
    assert search.chosen == 1
    assert search.settings.width == 9


def test_ablations_keep_the_settings_of_the_whole_and_trees_have_none() -> None:
    searches = {name: Search(trials=(trial(0.5, 8 + at),)) for at, name in enumerate(NETWORK_NAMES)}
    cells = planned({"iot23": ("random", "distinct")}, ("multi",), 2, Tuned(searches={"iot23": searches}))
    assert len(cells) == len(set(cells)) == 2 * (6 + 6 + 4)
    by_row = {cell.row: cell for cell in cells if cell.protocol == "distinct"}
    assert all(by_row[name].settings == by_row[RES].settings for name in ABLATIONS)
    assert by_row["Boosted trees"].settings is None
    assert not any(cell.row in ABLATIONS for cell in cells if cell.protocol == "random")
    with pytest.raises(ConfigError, match="was not tuned on unsw-nb15"):
        planned({"unsw-nb15": ("random",)}, ("multi",), 1, Tuned(searches={"iot23": searches}))


@pytest.mark.parametrize("text", ["", "{}", '{"format": 1, "searches": {"iot23": {"GRU": {"trials": []}}}}'])
def test_a_wrong_file_of_settings_is_told(text: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    with pytest.raises(ConfigError, match="cannot be read"):
        load_tuned(path)
    path.write_text(text)
    with pytest.raises(ConfigError, match="no file that --tune wrote"):
        load_tuned(path)

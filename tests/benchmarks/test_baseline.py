"""What the benchmark of baselines counts, on a network and two bots whose evidence is known to the nat."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import baseline, baseline_rules
from benchmarks.baseline import Counts, Level, false_alerts, infected_hosts, page
from benchmarks.baseline_logs import baseline_of, by_group, levels, read_logs
from tests.baseline.made import POLICY
from tests.benchmarks.sites import BOT, HOST, made_logs
from tests.builders import tiny_bundle
from zeekml.scoring import Bundle, load_bundle
from zeekml.simulate import Scenario, write_traffic


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("model") / "tiny"))


def test_alerts_are_counted_with_a_baseline_and_without_and_so_is_who_is_lost(bundle: Bundle) -> None:
    logs = made_logs()
    groups = by_group(logs)
    assert {group: [log.name for log in mine] for group, mine in groups.items()} == {"site": ["home"]}
    baselines = {group: baseline_of(mine, bundle, POLICY) for group, mine in groups.items()}
    assert dict(baselines["site"].ordinary().failing) == {(HOST, 443, "tcp"): pytest.approx(0.9, abs=2e-4)}
    counts = list(false_alerts(groups, baselines, bundle, POLICY))
    assert counts == [Counts("site", (4, 0), (1, 0))]  # of eight days four are the later half
    found = infected_hosts(logs, baselines, bundle, POLICY)
    assert found.without == found.late == (f"mixed {BOT}", f"steady {BOT}")
    assert found.lost_after == {f"steady {BOT}": ("site",)}
    assert found.lost_late == (f"steady {BOT}",)
    text = page([Level("as they are", counts, found)], logs, "tiny 1")
    assert "| as they are | 4 | 0 | 1 | 0 | 2 | 1 | 2 | 1 |" in text
    assert "over 3\nlabelled logs: 1 benign ones in 1 groups, and 2 infected hosts." in text
    assert f"Lost after the baseline of a clean group: steady {BOT} (after site)." in text


def test_levels_only_ever_go_down() -> None:
    tried = [policy for _, policy in levels(POLICY)]
    assert tried[0] == POLICY
    assert [policy.host_threshold for policy in tried] == [10.0, 2.5, 0.625, 0.625, 0.625]
    assert [policy.evidence_floor for policy in tried] == [0.8, 0.8, 0.8, 0.5, 0.2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name, seed in (("clean", 1), ("bot", 2)):
        write_traffic(folder / f"{name}.conn.log", Scenario(connections=400, seed=seed))
    (folder / "groups.csv").write_text("file,group\nclean.conn.log,home\nbot.conn.log,bots\n")
    (folder / "hosts.csv").write_text("file,host,infected\nclean,*,0\nbot,192.168.1.20,1\n")
    return folder


def test_a_log_is_cut_in_halves_by_its_connections(data: Path, bundle: Bundle) -> None:
    clean, bot = read_logs(data, bundle)
    assert (clean.clean, clean.infected, bot.clean, bot.infected) == (True, (), False, ("192.168.1.20",))
    early, late = (clean.part(rows)[0]["ts"] for rows in clean.halves)
    assert len(early) + len(late) == len(clean.frame) <= 400
    assert early.max() <= clean.spans[1][0] <= late.min()


@pytest.mark.parametrize("benchmark", [baseline, baseline_rules])
def test_the_figures_come_between_their_marks_and_nothing_else_changes(
    data: Path, tmp_path: Path, benchmark: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    model, document = str(tiny_bundle(tmp_path / "tiny")), tmp_path / "page.md"
    begin, end = benchmark.MARKS
    document.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    for _ in range(2):
        asked = ["--data", str(data), "--model", model, "--document", str(document)]
        assert benchmark.main(asked) == 0
        shown = capsys.readouterr().out
        before, _, rest = document.read_text().partition(begin)
        text, _, after = rest.partition(end)
        assert (before, after) == ("before\n", "\nafter\n")
        assert text.strip().startswith("Written by `python benchmarks/")
        assert shown.endswith(text.lstrip("\n"))

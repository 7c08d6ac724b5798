"""What the parts print becomes the page, its tables and pictures; the parts themselves run on tiny logs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import bench, bench_figures, startup
from benchmarks.bars import Row
from benchmarks.bench_page import BLOCKS, all_bars, write_page
from benchmarks.live_figures import figures_of
from benchmarks.stages import STAGES
from tests.benchmarks.test_bars import row
from tests.builders import tiny_bundle

ROOT = Path(__file__).resolve().parents[2]
SOAK = """\
connections a second     19,998 for 60 s, after 1,000,001 others
lag, p50                  0.050 s
lag, p99                  0.250 s
lag, most                 0.300 s
processor                0.4100 cores
memory, by quarters  400 410 420 430 MiB
memory, peak                480 MiB
"""


def part(*figures: object) -> dict[str, Any]:
    machine = {
        "processors": 2,
        "usable_processors": 2,
        "processor": "made",
        "machine": "x86",
        "python": "3.11",
    }
    return {
        "date": "2026-01-01",
        "machine": machine,
        "versions": {"numpy": "2"},
        "seconds": 1,
        "figures": figures,
    }


def made_parts() -> dict[str, Any]:
    """Every part, with figures of our own making."""

    def rows(*given: Row) -> dict[str, Any]:
        return {"rows": [vars(one) for one in given]}

    peers = ("zeekml score", "zat, read only", "zat, random forest", "boosted trees")
    cost = {"connections": 1000, "alerting": 10, "explained": 20, "microseconds": dict.fromkeys(STAGES, 1.0)}
    network = {"matrix products": 0.2, "network, 1 host": 0.3, "network, 9 hosts": 0.8, "trees": 0.1}
    begun = startup.Startup(0.2, 0.2, ["numpy"], 1000, 2.0, 1.5, 250.0, 25.0, 40.0, 400.0)
    still = {"cores": 0.004, "memory_mib": [300.0, 300.0, 300.0, 310.0], "peak_mib": 320.0}
    return {
        "sizes": part(rows(*(row(tool, place + 4.0, alerting=1) for place, tool in enumerate(peers)))),
        "captures": part(
            rows(row(peers[0], 4.0, alerting=1), row(peers[2], 50.0, learnt="captures", note="wide"))
        ),
        "alerts": part(rows(row(peers[0], 4.0, alerting=1), row(peers[0], 5.0, malicious=0.1, alerting=100))),
        "formats": part(rows(row(peers[0], 4.0), row(peers[0], 5.0, form="json"))),
        "hosts": part(
            rows(row(peers[0], 4.0, hosts=1, hosts_seen=1), row(peers[0], 4.0, hosts=9, hosts_seen=8))
        ),
        "large": part(rows(row(peers[0], 4.0), row(peers[0], 30.0, 10_000))),
        "stages": part(cost, cost),
        "network": part({"multiplications": 16_672, "rounds": 15, "microseconds": network}),
        "startup": part(vars(begun) | {"repeat": 5}),
        "live": part(still | {"quiet_s": 30.0}, still | {"line_ms": 40.0}, figures_of(SOAK)),
    }


def test_what_a_watch_prints_is_understood() -> None:
    assert figures_of(SOAK) == {
        "rate": 19_998.0, "lag_p50_s": 0.05, "lag_p99_s": 0.25, "lag_most_s": 0.3, "cores": 0.41, "peak_mib": 480.0,
        "memory_mib": [400.0, 410.0, 420.0, 430.0],
    }  # fmt: skip
    assert figures_of("a line on an idle sensor: median 38 ms of 100, most 80 ms\n") == {"line_ms": 38.0}


def test_the_page_takes_its_tables_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "before\n" + "".join(f"<!-- bench: {name} -->\nold\n<!-- end -->\nbetween\n" for name in BLOCKS),
        encoding="utf-8",
    )
    write_page(page, made_parts())
    once = page.read_text(encoding="utf-8")
    assert once.startswith("before\n")
    assert "old" not in once
    assert once.count("between") == len(BLOCKS)
    for line in (
        "| random forest on zat / score, 1,000 connections | 1.5 | none |  |",
        "| random forest on zat, fitted on captures, / score, 1,000 connections | 12.5 | at least 10 | held |",
        "zat, random forest: wide.",
        "| a watch on which nothing happens, cores | 0.004 | at most 0.01 | held |",
        "| zeekml score | 1,000 | json | all |  |  | 1 | 5.00 | 5.00 | 200 | 300 | 1 | 0% |",
        "| all | 10.000 | 10.000 |",
        "| network, 1 host / the same multiplications as matrix products | 1.5 | at most 3 | held |",
        "| network, 9 hosts / the same multiplications as matrix products | 4 | at most 3 | **not held** |",
        "| network, 9 hosts | 0.800 | 4.00 |",
        "16,672 multiplications a connection.",
        "| 19,998 connections a second | 0.4100 | 400 410 420 430 | 480 | 0.05 / 0.25 / 0.30 |  |",
        "| `zeekml score`, 1,000 connections | 2.00 | 1.50 | 250 |",
        "| the same as the first run after an installation | 25.00 | 40.00 | 400 |",
        "Large packages that `--help` imports: numpy.",
    ):
        assert line in once
    assert ".svg" not in once
    write_page(page, made_parts())
    assert page.read_text(encoding="utf-8") == once
    bench_figures.draw(made_parts(), tmp_path / "figures")
    write_page(page, made_parts())
    for target in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        assert (tmp_path / target).exists()
    assert page.read_text(encoding="utf-8").count(".svg") == 3


def test_no_ratio_stands_twice() -> None:
    names = [bar.name for bar in all_bars(made_parts())]
    assert len(names) == len(set(names))
    assert all_bars({}) == []


def test_without_captures_no_forest_is_held_to_anything() -> None:
    parts = {name: figures for name, figures in made_parts().items() if name != "captures"}
    forests = [bar for bar in all_bars(parts) if "forest" in bar.name]
    assert [bar.held for bar in forests] == [None]


def test_the_page_of_the_documentation_has_a_place_for_every_table(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"<!-- bench: ([a-z]+) -->", text)) == sorted(BLOCKS)
    listed = re.findall(r"^\| ([a-z]+) \| [^|]+ \|$", text.split("## What each stage costs")[1], re.MULTILINE)
    assert listed[-len(STAGES) :] == list(STAGES)


def test_the_page_of_the_documentation_is_what_its_figures_make(tmp_path: Path) -> None:
    """Written once more, from the figures that are kept, it stays as it is, and shows no picture that is not there."""
    kept = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    page = tmp_path / "performance.md"
    page.write_text(kept, encoding="utf-8")
    assert bench.main(["--parts", "none", "--document", str(page)]) == 0
    assert page.read_text(encoding="utf-8") == kept
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", kept)
    assert sorted(shown) == sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("figures/*.svg"))
    assert all((ROOT / "docs" / picture).exists() for picture in shown)


def test_pictures_are_the_same_for_the_same_figures(tmp_path: Path) -> None:
    names = ["performance-growth.svg", "performance-peers.svg", "performance-stages.svg"]
    for folder in ("one", "two"):
        bench_figures.draw(made_parts(), tmp_path / folder)
        assert sorted(path.name for path in (tmp_path / folder).iterdir()) == names
    for name in names:
        text = (tmp_path / "one" / name).read_bytes()
        assert text == (tmp_path / "two" / name).read_bytes()
        assert len(text) < 60_000
    bench_figures.draw({}, tmp_path / "none")
    assert list((tmp_path / "none").iterdir()) == []


def test_the_forest_of_captures_is_a_part_where_they_are_given(tmp_path: Path) -> None:
    def names(*arguments: str) -> list[str]:
        return list(bench.parts(bench._options(arguments), tmp_path))

    assert [name for name in names("--captures", str(tmp_path)) if name not in names()] == ["captures"]
    (command,) = bench.parts(bench._options(["--captures", str(tmp_path)]), tmp_path)["captures"].commands
    assert command[command.index("--train") + 1] == str(tmp_path)


def test_parts_are_measured_kept_and_written(tmp_path: Path) -> None:
    page, results = tmp_path / "page.md", tmp_path / "results.json"
    page.write_text(
        "<!-- bench: startup -->\n<!-- end -->\n<!-- bench: sizes -->\n<!-- end -->\n", encoding="utf-8"
    )
    model = str(tiny_bundle(tmp_path / "tiny"))
    asked = ["--results", str(results), "--document", str(page), "--model", model, "--dir", str(tmp_path)]
    assert bench.main([*asked, "--parts", "large", "--connections", "600", "--largest", "900"]) == 0
    assert bench.main([*asked, "--parts", "none"]) == 0
    held = json.loads(results.read_text(encoding="utf-8"))["parts"]
    assert list(held) == ["large"]
    assert [one["connections"] for one in held["large"]["figures"][0]["rows"]] == [600, 900]
    assert "| zeekml score | 900 | tsv | 0.002 |" in page.read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="no part named magic"):
        bench.main(["--parts", "magic", "--results", str(results)])

"""The page in a real browser: it opens quickly, searches, sorts, follows its links, and runs nothing from a log."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.report.browser import WIDTH, asked_for, chromium, complaints, opened, picture
from tests.report.logs import HOSTILE, notice, scored
from tests.report.test_document import gathered, made
from zeekml.cli import main
from zeekml.drift.file import DriftFile
from zeekml.drift.report import DriftReport
from zeekml.errors import InputError
from zeekml.report import Source, document, render
from zeekml.report.used import Used
from zeekml.simulate import Scenario, write_traffic
from zeekml.sinks import notice_log, zeekml_log


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hosts, two of which share a server, and one without a notice."""
    folder = tmp_path_factory.mktemp("page")
    one, two, three, quiet = ({"id.orig_h": f"10.0.0.{i}"} for i in (1, 2, 3, 4))
    server = {"id.resp_h": "203.0.113.1", "id.resp_p": 6667}
    notices = [
        notice(60, class_name="C&C", evidence=31.5, n=4, why="every 300 s, same size", **one, **server),
        notice(4000, class_name="C&C", evidence=99.5, n=7, why="every 300 s, same size", **one, **server),
        notice(7200, class_name="C&C", evidence=45.0, n=5, why="every 60 s", **two, **server),
        *(notice(9000 + 10 * at, score=0.5 + at / 1000, n=at + 1, **three) for at in range(250)),
    ]
    lines = [
        *(scored(60 * at, class_name="C&C", **host, **server) for at in range(20) for host in (one, two)),
        *(scored(9000 + at, **three, **{"id.resp_h": f"198.51.100.{at}"}) for at in range(150)),
        scored(5000, score=0.7, **quiet),
    ]
    path = folder / "page.html"
    path.write_text(render(made(gathered(folder, notices, lines))), encoding="utf-8")
    return path


def column(browser: Chrome, table: str, name: str) -> list[str]:
    """The texts of a table's column."""
    heads = [each.text.strip() for each in browser.find_elements(By.CSS_SELECTOR, f"#{table} th")]
    return [
        each.text
        for each in browser.find_elements(
            By.CSS_SELECTOR, f"#{table} tbody td:nth-child({heads.index(name) + 1})"
        )
    ]


def words(browser: Chrome, place: str) -> str:
    return browser.find_element(By.ID, place).text


def head(browser: Chrome, table: str, name: str) -> WebElement:
    (found,) = [
        each for each in browser.find_elements(By.CSS_SELECTOR, f"#{table} th button") if each.text == name
    ]
    return found


def focus(browser: Chrome) -> str:
    """The id of the element that has the focus, asked for in one step: the page may put a new one in its place."""
    return str(browser.execute_script("return document.activeElement.id"))


def fragment(browser: Chrome) -> str:
    return str(browser.execute_script("return location.hash"))


def test_it_opens_without_a_complaint_and_asks_for_nothing(browser: Chrome, page: Path) -> None:
    opened(browser, page)
    assert complaints(browser) == []
    assert {address.split(":")[0] for address in asked_for(browser)} <= {"file", "about", "data"}
    assert "3 hosts named in 253 notices" in words(browser, "lead")
    assert column(browser, "hosts", "Host") == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert column(browser, "hosts", "Evidence") == ["99.5", "45", "–"]
    assert words(browser, "host-title") == "10.0.0.1"
    assert "every 300 s, same size" in words(browser, "reasons")
    assert "2 notices" in words(browser, "reasons")
    for place in ("health", "health-lead"):
        assert not browser.find_element(By.ID, place).is_displayed()


def test_what_was_wrong_with_a_log_stands_with_its_notices(browser: Chrome, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    told = [notice(0, more="sensor=bad-checksums,one-sided peers=10.0.0.9"), notice(1)]
    found = gathered(tmp_path, told, [scored(0, sensor=("bad-checksums",)), scored(1)])
    path.write_text(render(made(found)), encoding="utf-8")
    opened(browser, path, "#notices=ts")
    assert column(browser, "health-table", "What was wrong with the log") == ["bad-checksums", "one-sided"]
    assert column(browser, "health-table", "Notices") == ["1", "1"]
    assert column(browser, "health-table", "Connections") == ["1", "0"]
    assert words(browser, "health-lead").endswith(
        "always be trusted (bad-checksums, one-sided): see Sensor health."
    )
    browser.find_element(By.LINK_TEXT, "Sensor health").click()
    WebDriverWait(browser, 5).until(lambda now: focus(now) == "health-title")
    assert fragment(browser) == "#notices=ts"
    assert column(browser, "notices", "Why") == [
        "failed_share=0.98\npeers=10.0.0.9\nsensor: bad-checksums,one-sided",
        "failed_share=0.98",
    ]


def test_drift_stands_in_a_table_and_its_texts_run_nothing(browser: Chrome, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    found = gathered(tmp_path, [notice(0)])
    index = {"host_tries": 0.7, "duration": 0.2}
    logs = {"a.log": DriftReport(900, 0.0123, 0.01, index), HOSTILE: DriftReport(800, 0.5, None, {})}
    found.drift.append(DriftFile(HOSTILE, 1_700_000_000.0, logs))
    path.write_text(render(made(found)), encoding="utf-8")
    opened(browser, path, "")
    assert column(browser, "drift-table", "Scores near the threshold") == ["1.23%", "50.00%"]
    assert column(browser, "drift-table", "in training") == ["1.00%", "\u2013"]
    assert column(browser, "drift-table", "Features moved much") == ["1 of 2", "not available"]
    assert column(browser, "drift-table", "Most") == ["host_tries 0.70, duration 0.20", ""]
    assert browser.execute_script("return window.ran") is None
    path.write_text(render(made(gathered(tmp_path, [notice(0)]))), encoding="utf-8")
    opened(browser, path, "")
    assert not browser.find_element(By.ID, "drift").is_displayed()


def test_what_carries_the_evidence_stands_with_its_notices(browser: Chrome, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    lists = {"evidence_peers": ("198.51.100.7", "203.0.113.9"), "evidence_ports": ("23/tcp",)}
    path.write_text(render(made(gathered(tmp_path, [notice(0, **lists), notice(1)]))), encoding="utf-8")
    opened(browser, path, "#notices=ts")
    assert column(browser, "notices", "Carried by") == ["23/tcp\n198.51.100.7\n203.0.113.9", ""]


@pytest.mark.parametrize(
    ("notices", "lines", "lead"),
    [
        ([], [], "The logs hold no finding."),
        ([notice(0)], [], "1 host named in 1 notice; 1 suspicious connection of 1 host."),
        (
            [],
            [scored(0), scored(60)],
            "0 hosts named in 0 notices; 2 suspicious connections of 1 host, 2023-11-14",
        ),
        ([notice(0, note="Scan::Port_Scan")], [], "The logs hold no finding."),
    ],
    ids=["nothing", "notices", "connections", "others"],
)
def test_one_log_or_none_makes_a_page_too(
    browser: Chrome, tmp_path: Path, notices: list[dict[str, Any]], lines: list[dict[str, Any]], lead: str
) -> None:
    path = tmp_path / "page.html"
    path.write_text(render(made(gathered(tmp_path, notices, lines))), encoding="utf-8")
    opened(browser, path)
    assert words(browser, "lead").startswith(lead)
    assert complaints(browser) == []


def test_it_is_readable_at_laptop_width(browser: Chrome, page: Path) -> None:
    opened(browser, page)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= WIDTH


def test_the_search_narrows_hosts_and_notices(browser: Chrome, page: Path) -> None:
    opened(browser, page)
    browser.find_element(By.TAG_NAME, "body").send_keys("/")
    browser.switch_to.active_element.send_keys("same size")
    assert column(browser, "notices", "Host") == ["10.0.0.1", "10.0.0.1"]
    assert column(browser, "hosts", "Host") == ["10.0.0.1"]
    assert fragment(browser) == "#q=same+size"
    browser.switch_to.active_element.send_keys(Keys.CONTROL, "a")
    browser.switch_to.active_element.send_keys("203.0.113.1:6667")
    assert set(column(browser, "hosts", "Host")) == {"10.0.0.1", "10.0.0.2"}
    browser.switch_to.active_element.send_keys("nothing like it")
    assert column(browser, "notices", "Host") == column(browser, "hosts", "Host") == []


def test_columns_sort_both_ways_by_keyboard_and_by_mouse(browser: Chrome, page: Path) -> None:
    opened(browser, page)
    head(browser, "hosts", "Connections").click()
    assert column(browser, "hosts", "Connections") == ["150", "20", "20"]
    assert browser.switch_to.active_element.text == "Connections"
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert column(browser, "hosts", "Connections") == ["20", "20", "150"]
    assert fragment(browser) == "#hosts=n"
    sort = head(browser, "hosts", "Connections").find_element(By.XPATH, "..").get_attribute("aria-sort")
    assert sort == "ascending"
    head(browser, "hosts", "Host").click()
    assert column(browser, "hosts", "Host") == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    head(browser, "notices", "Evidence").click()  # what has none stands last both ways
    assert column(browser, "notices", "Evidence")[:4] == ["31.5", "45", "99.5", ""]


def test_a_link_carries_the_filters(browser: Chrome, page: Path) -> None:
    opened(browser, page, "#host=10.0.0.2&class=C%26C&notices=ts")
    assert column(browser, "notices", "Host") == ["10.0.0.2"]
    assert words(browser, "host-title") == "10.0.0.2"
    assert browser.find_element(By.ID, "class").get_attribute("value") == "C&C"
    assert browser.find_element(By.CSS_SELECTOR, "#hosts tr[aria-current]").text.startswith("10.0.0.2")
    chips = [each.text for each in browser.find_elements(By.CSS_SELECTOR, "#chips a")]
    assert chips == ["class: C&C ×", "host: 10.0.0.2 ×", "all filters ×"]
    browser.find_elements(By.CSS_SELECTOR, "#chips a")[-1].click()
    assert len(column(browser, "notices", "Host")) == 100
    browser.back()
    assert column(browser, "notices", "Host") == ["10.0.0.2"]


def test_links_lead_from_a_host_to_its_peers_and_to_who_else_talks_to_them(
    browser: Chrome, page: Path
) -> None:
    opened(browser, page)
    browser.find_element(By.LINK_TEXT, "10.0.0.2").click()
    assert fragment(browser) == "#host=10.0.0.2"
    WebDriverWait(browser, 5).until(lambda now: focus(now) == "host-title")
    assert column(browser, "peers", "Peer") == ["203.0.113.1 6667/tcp"]
    browser.find_element(By.CSS_SELECTOR, "#peers a").click()
    assert fragment(browser) == "#host=10.0.0.2&peer=203.0.113.1"
    opened(browser, page, "#peer=203.0.113.1")
    assert column(browser, "hosts", "Host") == ["10.0.0.1", "10.0.0.2"]
    on_map = [each.text for each in browser.find_elements(By.CSS_SELECTOR, "#map a")]
    assert on_map == ["10.0.0.1", "10.0.0.2", "203.0.113.1 6667/tcp (2 hosts)"]


def test_a_time_is_a_filter(browser: Chrome, page: Path) -> None:
    opened(browser, page)
    field = browser.find_element(By.ID, "to")
    field.send_keys("2023-11-14 22:15", Keys.ENTER)  # 100 s after the first line
    assert fragment(browser) == "#to=1700000100"
    assert column(browser, "notices", "Evidence") == ["31.5"]
    field = browser.find_element(By.ID, "to")
    field.clear()
    field.send_keys("soon", Keys.ENTER)
    assert field.get_attribute("aria-invalid") == "true"


def test_hosts_without_a_notice_are_shown_when_asked_for(browser: Chrome, page: Path) -> None:
    opened(browser, page)
    browser.find_element(By.ID, "all").click()
    assert "10.0.0.4" in column(browser, "hosts", "Host")
    assert fragment(browser) == "#all=1"


def test_long_tables_grow_on_demand_and_on_paper(browser: Chrome, page: Path) -> None:
    opened(browser, page)
    assert len(column(browser, "notices", "n")) == 100
    browser.find_element(By.CSS_SELECTOR, "#notices-more button").click()
    assert len(column(browser, "notices", "n")) == 200
    browser.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert len(column(browser, "notices", "n")) == 253
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not browser.find_element(By.ID, "q").is_displayed()
        assert browser.find_element(By.ID, "notices").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_stand_out_in_light_and_in_dark(browser: Chrome, page: Path, scheme: str) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    try:
        opened(browser, page)
        body = browser.find_element(By.TAG_NAME, "body")
        paper = luminance(body.value_of_css_property("background-color"))
        assert (paper > 0.5) == (scheme == "light")
        for place in ("body", ".soft", "td a", "th button", "#filters label"):
            ink = luminance(browser.find_element(By.CSS_SELECTOR, place).value_of_css_property("color"))
            low, high = sorted((ink, paper))
            assert (high + 0.05) / (low + 0.05) >= 4.5, f"{place} in {scheme}"
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1) of ``rgb(a)(r, g, b...)``."""
    parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def every_text(fields: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Markup in every field of a log that can hold a text, whatever the report reads of it."""
    texts: dict[str, Any] = {name: HOSTILE for name, kind in fields if kind in ("string", "addr", "enum")}
    return texts | {name: (HOSTILE, HOSTILE) for name, kind in fields if kind.startswith(("set", "vector"))}


def test_markup_in_any_field_is_text_and_runs_nothing(browser: Chrome, tmp_path: Path) -> None:
    told = every_text(notice_log.FIELDS) | {"note": "ZeekML::" + HOSTILE}
    facts = f"score=0.9 class={HOSTILE} evidence=31.0 model={HOSTILE} sensor={HOSTILE} why={HOSTILE}"
    logged = every_text(zeekml_log.FIELDS)
    found = gathered(
        tmp_path,
        [notice(0, **told), notice(1, **told | {"sub": facts}), notice(2, **{"id.orig_h": "__proto__"})],
        [scored(0, **logged), scored(1, **logged | {"class": "constructor"})],
    )
    content = document(
        found,
        [Source(HOSTILE, "notice.log", 3, 0, InputError(HOSTILE))],
        [Used(HOSTILE, 1, ((HOSTILE, HOSTILE),), 30.0)],
        made=0.0,
        version=HOSTILE,
    )
    path = tmp_path / "page.html"
    path.write_text(render(content), encoding="utf-8")
    for where in (
        "",
        "#host=__proto__",
        "#q=%3Cimg+src%3Dx+onerror%3D%22window.ran%3D1%22%3E",
        "#class=%22%3E%3Cscript%3Ewindow.ran%3D1",
    ):
        opened(browser, path, where)
        assert browser.execute_script("return window.ran") is None
        with pytest.raises(NoAlertPresentException):
            browser.switch_to.alert.accept()
        assert browser.find_elements(By.CSS_SELECTOR, "img, iframe, svg script, [onload], [onerror]") == []
        assert len(browser.find_elements(By.TAG_NAME, "script")) == 2
        assert complaints(browser) == []
    opened(browser, path)
    links = [each.get_dom_attribute("href") for each in browser.find_elements(By.CSS_SELECTOR, "a[href]")]
    assert links
    assert all(link.startswith("#") for link in links)
    shown_host = column(browser, "hosts", "Host")[0]
    assert "<script>window.ran=1;alert(1)</script>" in shown_host
    browser.find_element(By.CSS_SELECTOR, "#hosts a").click()
    assert words(browser, "host-title") == shown_host
    assert len(column(browser, "notices", "Host")) == 2
    assert {address.split(":")[0] for address in asked_for(browser)} <= {"file", "about", "data"}


def test_markup_that_became_an_element_would_not_run_either(browser: Chrome, page: Path) -> None:
    opened(browser, page)
    browser.execute_script(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"x\" onerror=\"window.ran=1\">');"
        "const own = document.createElement('script'); own.textContent = 'window.ran=1'; document.body.append(own);"
    )
    assert browser.execute_script("return window.ran") is None
    assert len([each for each in complaints(browser) if "Content Security Policy" in each]) >= 2


def test_it_opens_quickly_with_ten_thousand_notices(
    browser: Chrome, tmp_path: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    notices = [
        notice(
            at * 60.0,
            class_name=("C&C", "PortScan", "Spam", "DDoS")[at % 4],
            evidence=31.0 + at % 977 if at % 2 else None,
            n=1 + at % 50,
            why=f"{at % 97} of its last 100 connections went to new peers on {at % 13}/tcp and failed",
            **{"id.orig_h": f"10.0.{at % 11}.{at % 199}", "id.resp_h": f"198.51.{at % 113}.{at % 251}"},
        )
        for at in range(10_000)
    ]
    path = tmp_path / "page.html"
    path.write_text(render(made(gathered(tmp_path, notices))), encoding="utf-8")
    # The best of three: what else the machine does is no property of the page.
    took = min(opened(browser, path) for _ in range(3))
    record_testsuite_property("opened_ms", took)
    assert words(browser, "notices-words").startswith("10,000 notices of 10,000.")
    assert took < 2000


def saved(taken: bytes, name: str, tmp_path: Path) -> None:
    """Keep a picture: below docs/ where ZEEKML_PICTURES names it, else only for this run."""
    width, height = struct.unpack(">II", taken[16:24])
    assert taken.startswith(b"\x89PNG\r\n")
    assert (width, height >= 900) == (WIDTH, True)
    (Path(os.environ.get("ZEEKML_PICTURES", tmp_path)) / name).write_bytes(taken)


def reported(log: Path, folder: Path) -> Path:
    """The page of a log, scored by the shipped model."""
    for arguments in (
        ["score", log, "--out", folder / "out", "--quiet"],
        ["report", folder / "out", "--out", folder / "page.html", "--quiet"],
    ):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        assert stop.value.code == 0
    return folder / "page.html"


def test_a_picture_of_a_real_infection(browser: Chrome, shared_data: Path, tmp_path: Path) -> None:
    path = reported(shared_data / "zeek" / "iot23-34-1-mirai.conn.log.labeled.gz", tmp_path)
    opened(browser, path)
    assert "192.168.1.195" in column(browser, "hosts", "Host")
    assert "185.244.25.235" in words(browser, "map")  # its command server
    assert complaints(browser) == []
    saved(picture(browser, 1950), "report-mirai.png", tmp_path)


def test_a_picture_of_a_made_week(browser: Chrome, tmp_path: Path) -> None:
    patterns = (
        "ntp", "mirai-command", "mirai-scan", "beacon-regular", "beacon-jittered", "exfiltration", "downloads", "spam",
    )  # fmt: skip
    write_traffic(tmp_path / "conn.log", Scenario(connections=470_000, seed=7, hosts=200, patterns=patterns))
    opened(browser, reported(tmp_path / "conn.log", tmp_path))
    first, last = browser.execute_script(
        "return JSON.parse(document.getElementById('document').textContent).period"
    )
    assert last - first > 6.9 * 86_400
    assert len(column(browser, "hosts", "Host")) > 1
    assert complaints(browser) == []
    saved(picture(browser, 2440), "report-week.png", tmp_path)

"""Debian's Chromium without a window and without a network, driven over its own protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

WIDTH, HEIGHT = 1280, 800  # a laptop's


def needed() -> tuple[str, str]:
    """Where chromium and its driver are; skips, saying so, where one is absent."""
    places = [shutil.which("chromium"), shutil.which("chromedriver")]
    if not all(places):
        pytest.skip("no chromium or chromedriver: apt install chromium chromium-driver")
    return str(places[0]), str(places[1])


@contextmanager
def chromium(folder: Path) -> Iterator[Chrome]:
    """A browser that keeps all it writes in ``folder``."""
    binary, driver = needed()
    options = ChromeOptions()
    options.binary_location = binary
    for argument in (
        "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
        "--disable-extensions", "--no-first-run", "--hide-scrollbars", "--force-device-scale-factor=1",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
        f"--window-size={WIDTH},{HEIGHT}", f"--user-data-dir={folder / 'profile'}",
    ):  # fmt: skip
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # as root Chromium does not start otherwise
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = Service(driver, log_output=str(folder / "chromedriver.log"))
    browser = Chrome(options=options, service=service)
    try:
        browser.get("about:blank")
        log(browser, "performance")  # what the browser's own first page asked for
        yield browser
    finally:
        browser.quit()


def opened(browser: Chrome, page: Path, fragment: str = "") -> float:
    """Open a page anew; returns the milliseconds until it was drawn and loaded, as the browser itself measured."""
    browser.get("about:blank")
    browser.get(page.resolve().as_uri() + fragment)
    assert browser.execute_script("return document.documentElement.dataset.ready") == "1"
    took = browser.execute_script("return performance.getEntriesByType('navigation')[0].loadEventEnd")
    return float(took)


def log(browser: Chrome, kind: str) -> list[dict[str, Any]]:
    """One of the browser's logs, since this was last called."""
    entries: list[dict[str, Any]] = browser.get_log(kind)  # type: ignore[no-untyped-call]
    return entries


def asked_for(browser: Chrome) -> list[str]:
    """The addresses that pages asked for since this was last called."""
    entries = [json.loads(entry["message"])["message"] for entry in log(browser, "performance")]
    return [
        each["params"]["request"]["url"] for each in entries if each["method"] == "Network.requestWillBeSent"
    ]


def complaints(browser: Chrome) -> list[str]:
    """Errors of scripts and of the policy since this was last called."""
    return [entry["message"] for entry in log(browser, "browser")]


def picture(browser: Chrome, height: int, top: int = 0) -> bytes:
    """A PNG of the page, ``height`` pixels from ``top``."""
    clip: dict[str, Any] = {"x": 0, "y": top, "width": WIDTH, "height": height, "scale": 1}
    taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    return base64.b64decode(taken["data"])

"""Waking by file events, and by polling where there are none."""

from __future__ import annotations

import errno
import logging
import threading
import time
from pathlib import Path

import pytest

from zeekml.sensor import Wake, wake


def settled(waker: Wake) -> None:
    """Let the first wait pass, which only begins to watch."""
    while waker.wait(0.01):
        pass


def test_a_change_wakes_at_once(tmp_path: Path) -> None:
    with Wake(poll=20.0) as waker:
        assert waker.watching
        waker.watch([tmp_path])
        settled(waker)
        timer = threading.Timer(0.05, (tmp_path / "conn.log").write_text, ["x"])
        timer.start()
        started = time.monotonic()
        assert waker.wait()
        assert time.monotonic() - started < 5
        timer.join()


def test_a_log_that_is_written_is_polled_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "_BUSY_FOR", 0.1)
    with Wake(poll=20.0) as waker:
        waker.watch([tmp_path])
        settled(waker)
        (tmp_path / "conn.log").write_text("x")
        assert waker.wait(5)
        assert not waker.wait(5)  # a short poll, no event
        time.sleep(0.1)
        settled(waker)  # watches again
        (tmp_path / "conn.log").write_text("y")
        assert waker.wait(5)


def test_hidden_files_wake_nobody(tmp_path: Path) -> None:
    with Wake(poll=0.3) as waker:
        waker.watch([tmp_path])
        settled(waker)
        (tmp_path / ".shadow.conn.log").write_text("x")
        assert not waker.wait()


def test_the_poll_interval_is_the_longest_wait(tmp_path: Path) -> None:
    with Wake(poll=0.1) as waker:
        waker.watch([tmp_path, tmp_path / "absent"])
        settled(waker)
        started = time.monotonic()
        assert not waker.wait()
        assert time.monotonic() - started < 2


def test_wake_ends_a_wait_now_or_next(tmp_path: Path) -> None:
    with Wake(poll=20.0) as waker:
        waker.watch([tmp_path])
        settled(waker)
        waker.wake()
        assert waker.wait()
        timer = threading.Timer(0.05, waker.wake)
        timer.start()
        assert waker.wait()
        timer.join()


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENOSPC])
def test_without_file_events_there_is_one_warning_and_polling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    def refused(*args: object, **options: object) -> None:
        raise OSError(code, "inotify limit")

    if code == errno.EMFILE:
        monkeypatch.setattr(wake, "Observer", refused)
    with Wake(poll=0.05 + 0.01) as waker:
        if code == errno.ENOSPC:
            monkeypatch.setattr(waker._observer, "schedule", refused)
        waker.watch([tmp_path])
        settled(waker)
        (tmp_path / "conn.log").write_text("x")
        waker.wait()
        waker.watch([tmp_path / "other"])
        waker.wait()
        assert not waker.watching
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    assert "max_user_watches" in caplog.text


def test_what_watchdog_says_of_its_own_threads_calls_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """An event that comes while the folders are let go is an error to watchdog, and nothing to us."""
    Wake(poll=20.0).close()
    for name in ("watchdog.observers.inotify", "watchdog.observers.inotify_c"):
        logger = logging.getLogger(name)
        logger.error("InotifyEmitter.queue_events() called when the thread is inactive")
        logger.warning("Inotify queue overflowed; filesystem events were lost")
        logger.error("something else in %s", name)
    assert caplog.messages == [
        "something else in watchdog.observers.inotify",
        "something else in watchdog.observers.inotify_c",
    ]

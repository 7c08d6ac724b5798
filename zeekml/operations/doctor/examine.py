"""The order of the examination."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from zeekml.config import AllowlistEntry, Settings, load_settings
from zeekml.errors import ConfigError, ModelError
from zeekml.operations.doctor import host
from zeekml.operations.doctor.archives import check_archives
from zeekml.operations.doctor.finding import Finding, ok, warning, wrong
from zeekml.operations.doctor.folders import check_folder
from zeekml.operations.doctor.logs import check_path
from zeekml.operations.doctor.twins import check_twins
from zeekml.records import discover

_DAY = 86_400.0
_OLD_BASELINE = 90.0  # days


def examine(
    paths: Sequence[Path],
    out: Path | None,
    state: Path | None,
    config: Path | None,
    now: float,
    baseline: Path | None = None,
) -> Iterator[Finding]:
    """Look at what ``zeekml watch`` with these arguments needs; nothing is changed, nothing raised.

    ``now``: epoch seconds. ``baseline``: goes over the one that the settings name.
    """
    settings = Settings()
    try:
        settings = load_settings(config)
        yield ok("settings: " + ("the defaults" if config is None else f"{config} is right"))
    except ConfigError as error:
        yield wrong(f"settings: {error}", "correct it; the rest is looked at with the defaults")
    settings = settings.with_baseline(baseline)
    yield from _allowlist(settings, paths, now)
    yield _model(settings)
    if settings.alerts.baseline is not None:
        yield _baseline(settings, now)
    yield host.check_user()
    yield host.check_clock()
    yield host.check_files()
    for path in paths:
        yield from check_path(path, now)
    yield from check_twins(paths)
    yield from check_archives(paths, settings)
    # os.path's says no, where pathlib's raises, below a folder that may not be entered.
    yield host.check_inotify([path if os.path.isdir(path) else path.parent for path in paths])  # noqa: PTH112
    if out is not None:
        yield from check_folder("outputs", out, settings.metrics.min_free)
    if state is not None:
        yield from check_folder("state", state, settings.metrics.min_free, lasting=True)
        yield from _state(state, settings)
    yield host.check_listen(settings.metrics.listen)


def _model(settings: Settings) -> Finding:
    from zeekml.scoring import verify_bundle  # noqa: PLC0415  torch takes seconds; a wrong setting is told at once

    try:
        manifest = verify_bundle(settings.score.model)
    except ModelError as error:
        return wrong(f"model: {error}", "name another with score.model, or install zeekml again")
    return ok(f"model: {manifest.name} {manifest.version}, all hashes match")


def _baseline(settings: Settings, now: float) -> Finding:
    from zeekml.pipeline.batch import site_baseline  # noqa: PLC0415
    from zeekml.scoring import load_bundle  # noqa: PLC0415

    try:
        found = site_baseline(settings, load_bundle(settings.score.model))
    except ModelError as error:
        return wrong(f"baseline: not looked at, for the model is wrong: {error}", "put the model right first")
    except ConfigError as error:
        return wrong(f"baseline: {error}", "a watch refuses to start with it")
    if found is None:
        return ok("baseline: none")
    age = (now - dt.datetime.fromisoformat(found.about.last).timestamp()) / _DAY
    what = (
        f"baseline: {settings.alerts.baseline} is whole and of this model, learned up to {found.about.last}"
    )
    if age > _OLD_BASELINE:
        return warning(
            f"{what}, {age:.0f} days ago", "learn it again from newer logs: what is ordinary changes"
        )
    return ok(what)


def _state(state: Path, settings: Settings) -> Iterator[Finding]:
    from zeekml.operations.doctor.state import check_state  # noqa: PLC0415
    from zeekml.scoring import load_bundle  # noqa: PLC0415

    with contextlib.suppress(ModelError):  # told before
        yield check_state(state, load_bundle(settings.score.model))


def _allowlist(settings: Settings, paths: Sequence[Path], now: float) -> Iterator[Finding]:
    today = dt.datetime.fromtimestamp(now, dt.UTC).date()
    for entry in settings.alerts.allowlist:
        if entry.expires is not None and entry.expires <= today:
            yield warning(
                f"allowlist: the entry {entry.reason!r} expired on {entry.expires}",
                "remove it, or give it a later day",
            )
    patterned = [entry for entry in settings.alerts.allowlist if entry.sensors]
    if patterned:
        yield from _sensors(patterned, paths)


def _sensors(entries: Sequence[AllowlistEntry], paths: Sequence[Path]) -> Iterator[Finding]:
    """The entries for sensors that none of these logs is of."""
    from zeekml.alerts.sensors import matches_any  # noqa: PLC0415
    from zeekml.pipeline.batch import sensors_here  # noqa: PLC0415

    here = sensors_here()
    streams = [stream.name for stream in discover([str(path) for path in paths if path.is_dir()]).streams]
    streams += [str(path) for path in paths if not path.is_dir()]
    for entry in entries:
        if not any(matches_any(here.names(stream), entry.sensors) for stream in streams):
            yield warning(
                f"allowlist: the entry {entry.reason!r} is for the sensors {', '.join(entry.sensors)}, and none of "
                "these logs is of such a one",
                "a sensor goes by this machine's host name, or by a folder in the path of its log",
            )

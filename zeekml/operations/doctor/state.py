"""The state folder: whole, and made with the model that is to go on from it."""

from __future__ import annotations

from pathlib import Path

from zeekml.errors import StateError
from zeekml.journal.folder import find
from zeekml.journal.snapshot import Maker, load_snapshot
from zeekml.operations.doctor.finding import Finding, ok, wrong
from zeekml.scoring import Bundle


def check_state(folder: Path, bundle: Bundle) -> Finding:
    """Read the state as a start would, changing nothing."""
    try:
        found = find(folder)
        snapshot = None if found.snapshot is None else load_snapshot(found.snapshot, Maker.of(bundle))
        steps = sum(1 for _ in found.steps())
    except StateError as error:
        return wrong(f"state: {error}", "a watch refuses to start with it")
    except FileNotFoundError:  # a watch has just made a newer one
        return ok(f"state: {folder} is in use")
    if snapshot is None:
        return ok("state: none yet, a watch begins anew")
    logs = len(snapshot.facts.get("positions", {}))
    return ok(
        f"state: whole, of this model; it knows its place in {logs} logs, {steps} steps are to be read again"
    )

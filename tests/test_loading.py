"""The collector of cycles while things are loaded."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from zeekml.loading import loading


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.parametrize("stays", [False, True])
def test_nothing_is_collected_while_loading(stays: bool) -> None:
    frozen = gc.get_freeze_count()
    with loading(stays=stays):
        assert not gc.isenabled()
        with loading(stays=True):
            assert not gc.isenabled()
        assert not gc.isenabled(), "the inner one is part of the outer one"
    assert gc.isenabled()
    assert (gc.get_freeze_count() > frozen) == stays


def test_an_error_ends_it() -> None:
    with pytest.raises(ValueError, match="broken"), loading():
        raise ValueError("broken")
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off() -> None:
    gc.disable()
    with loading(stays=True):
        pass
    assert not gc.isenabled()

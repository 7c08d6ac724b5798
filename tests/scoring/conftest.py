"""Fixtures for the tests of scoring."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.builders import tiny_bundle
from zeekml.scoring import Bundle, load_bundle


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> Iterator[None]:
    """Networks this small are faster so."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="package")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with an untrained network; not to be changed."""
    return tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="package")
def bundle(tiny_folder: Path) -> Bundle:
    """That bundle, loaded."""
    return load_bundle(tiny_folder)

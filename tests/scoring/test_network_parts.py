"""What each group of features adds to a sum over encoded features, against the encoding itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from tests.builders import matrix_of, random_log
from zeekml.features import LAYOUT, Encoding
from zeekml.scoring.network_parts import NetworkParts

GROUPS = 5


@pytest.mark.parametrize("mode", ["piecewise", "quantile"])
@pytest.mark.parametrize("bins", [1, 4, 8])
def test_parts_are_those_of_the_encoding(mode: Literal["piecewise", "quantile"], bins: int) -> None:
    rng = np.random.default_rng(bins)
    matrix = matrix_of(random_log(3, 200))
    encoding = Encoding.fit(matrix, LAYOUT, mode=mode, bins=bins)
    encoding = replace(encoding, used=rng.random(len(LAYOUT.features)) < 0.8)
    groups = np.where(encoding.used, rng.integers(0, GROUPS, len(encoding.used)), -1)
    coefficients, typical = rng.normal(size=(2, encoding.channels)).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.05] = np.nan
    matrix[:, ~encoding.is_number] = np.nan_to_num(matrix[:, ~encoding.is_number])
    matrix[0, encoding.is_number], matrix[1, encoding.is_number] = 1e9, -1e9

    found = NetworkParts(encoding, groups, GROUPS, coefficients, typical)(matrix)
    each = (encoding.encode(matrix) - typical) * coefficients
    of_channel = groups[encoding.feature_of_channel()]
    expected = np.stack([each[:, of_channel == group].sum(axis=1) for group in range(GROUPS)], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-4)

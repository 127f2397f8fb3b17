"""L2 normalization of rows: precision, zeros, and values that are not finite."""

import numpy as np
import pytest

from simemb.encoder.unit_vectors import refuse_infinite, unit
from simemb.errors import ModelError


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_have_length_1_in_the_precision_that_they_had(dtype: type[np.float32] | type[np.float64]):
    x = np.random.default_rng(0).normal(size=(50, 7)).astype(dtype)
    rows = unit(x)
    assert rows.dtype == dtype
    wide = x.astype(np.float64)
    # The norm rounds once for each of its 7 terms, and the quotient once.
    rounding = 8 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(rows, wide / np.sqrt(np.square(wide).sum(axis=1, keepdims=True)), rtol=rounding)


def test_a_row_of_zeros_stays_and_the_input_too():
    x = np.array([[0.0, 0.0], [0.0, -5.0]])
    assert unit(x).tolist() == [[0, 0], [0, -1]]
    assert x.tolist() == [[0, 0], [0, -5]]


def test_a_row_with_nan_is_nan_and_does_not_pass_for_zeros():
    assert np.isnan(unit(np.array([[np.nan, 1.0], [3.0, 4.0]]))).tolist() == [[True, True], [False, False]]


def test_no_rows_are_none():
    assert unit(np.empty((0, 3), np.float32)).shape == (0, 3)


def test_vectors_that_are_not_finite_are_counted_and_refused():
    vectors = np.array([[1.0, 2.0], [np.inf, 0.0], [0.0, np.nan]])
    refuse_infinite(vectors[:1], ["a man"], "mini")
    with pytest.raises(ModelError, match=r"mini .*2 of 3 texts have a vector that is not finite .*'a dog'"):
        refuse_infinite(vectors, ["a man", "a dog", "a cat"], "mini")

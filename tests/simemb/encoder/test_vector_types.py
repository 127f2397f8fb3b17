"""How vectors are stored, against definitions in loops."""

import numpy as np
import pytest

from simemb.encoder.vector_types import STORED, arrow_type, check, packed, scales_of, unpacked
from simemb.errors import DataError

VECTORS = np.random.default_rng(0).normal(size=(50, 13)).astype(np.float32) * np.linspace(0.01, 3, 13, dtype=np.float32)


def test_int8_is_the_nearest_step_and_saturates() -> None:
    sample = VECTORS[:30]
    scales = scales_of(sample)
    numbers = packed(VECTORS, "int8", scales)
    for row, vector in enumerate(VECTORS):
        for place, value in enumerate(vector):
            step = max(abs(float(other)) for other in sample[:, place]) / 127
            assert scales[place] == pytest.approx(step, rel=1e-5)
            assert numbers[row, place] == max(-127, min(127, round(float(value) / scales[place])))
    back = unpacked(numbers, "int8", scales, 13)
    assert back.dtype == np.float32
    assert np.all(np.abs(back[:30] - sample) <= np.asarray(scales) * 0.51)


def test_binary_is_the_sign_of_each_dimension() -> None:
    numbers = packed(VECTORS, "binary", ())
    assert numbers.shape == (50, 2)
    for row, vector in enumerate(VECTORS):
        bits = "".join("1" if value > 0 else "0" for value in vector) + "000"
        assert [int(bits[:8], 2), int(bits[8:], 2)] == numbers[row].tolist()
    np.testing.assert_array_equal(unpacked(numbers, "binary", (), 13), np.where(VECTORS > 0, 1.0, -1.0))


@pytest.mark.parametrize(("stored", "error"), [("float32", 0.0), ("float16", 2**-11)])
def test_floats_are_kept(stored: str, error: float) -> None:
    back = unpacked(packed(VECTORS, stored, ()), stored, (), 13)
    assert np.all(np.abs(back - VECTORS) <= error * np.abs(VECTORS) + 1e-7)


def test_arrow_has_a_list_of_fixed_size() -> None:
    assert [str(arrow_type(stored, 13).value_type) for stored in STORED] == ["float", "halffloat", "int8", "uint8"]
    assert [arrow_type(stored, 13).list_size for stored in STORED] == [13, 13, 13, 2]


def test_an_unknown_type_is_answered_with_the_nearest() -> None:
    with pytest.raises(DataError, match="unknown dtype 'float61': did you mean 'float16'"):
        check("float61")

"""The annotations of shapes are checked while the tests run."""

import pytest
import torch
from jaxtyping import TypeCheckError
from shapes import checked

from simemb.evaluation.metrics import effective_rank
from simemb.method.objectives import cosines


@pytest.mark.parametrize("function", [lambda: cosines(torch.zeros(3), torch.zeros(2, 3)), lambda: effective_rank(1.0)])
def test_an_array_of_another_shape_is_refused(function):
    with pytest.raises(TypeCheckError):
        function()


def test_a_function_without_shapes_is_left_alone():
    def plain(number: int) -> int:
        return number

    assert checked(plain) is plain

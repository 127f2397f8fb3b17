"""What messages call the kinds of values."""

from datetime import date
from decimal import Decimal

import pytest

from simemb.corpus.table import MISSING, kind_of


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (date(2020, 1, 1), "a value of type date"),
        (object(), "a value of type object"),
        (Decimal("1.5"), "the number 1.5"),
        (3, "the number 3"),
        (True, "a boolean"),
        (None, "null"),
        (MISSING, "nothing"),
    ],
)
def test_only_a_number_is_called_a_number(value: object, kind: str):
    assert kind_of(value) == kind

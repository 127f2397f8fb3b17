"""Requests with mistakes of every kind, some hundreds: a refusal, never a failure, and the server goes on.

`python -m tests.trials.serving` sends ten thousand and more.
"""

import random
from collections import Counter
from urllib.parse import urlsplit

import httpx2
import numpy as np
import pytest

from tests.trials.requests_of_all_kinds import answered, request


def test_nothing_that_is_sent_makes_the_server_fail(url: str, caplog: pytest.LogCaptureFixture) -> None:
    place = urlsplit(url)
    dice, found = random.Random(0), Counter[str]()
    for _ in range(400):
        found[answered((place.hostname or "", place.port or 0), request(dice))] += 1
    assert [status for status in found if status.startswith("5")] == []
    assert {"200", "400"} <= found.keys()
    assert sum(status.startswith("4") for status in found) >= 2
    assert not [record for record in caplog.records if "defect" in record.getMessage()]
    assert np.shape(httpx2.post(f"{url}/embed", json={"inputs": "a"}).json()) == (1, 256)

"""What the tests of other libraries share: directories that simemb saved, and what it makes of their texts."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def specimens() -> Path:
    """The folder of `specimens.py`; the tests run where simemb need not be installed."""
    place = os.environ.get("SIMEMB_SPECIMENS")
    if place is None:
        pytest.skip("needs another library in an environment of its own, and SIMEMB_SPECIMENS: .ci/ecosystem")
    return Path(place)


@pytest.fixture
def texts(specimens: Path) -> list[str]:
    """The texts of the vectors."""
    return json.loads((specimens / "texts.json").read_text(encoding="utf-8"))


@pytest.fixture
def vectors(specimens: Path) -> Callable[..., np.ndarray]:
    """What simemb makes of the texts: `vectors(specimen)`, or after a prompt, `vectors("prompts", "query")`."""

    def read(name: str, prompt: str = "vectors") -> np.ndarray:
        return np.load(specimens / f"{name}.npz")[prompt]

    return read

"""Fixtures that several tests share: the data and models outside the project, and tiny models made here."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SIMEMB_SHARED", ROOT.parent / "shared"))
DATA = Path(os.environ.get("SIMEMB_DATA", SHARED / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The corpora in the `$SIMEMB_DATA` layout."""
    if not (DATA / "sts").is_dir():
        pytest.skip(f"needs the corpora: set SIMEMB_DATA (looked in {DATA})")
    return DATA


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of real models (minilm-l4-mlm, potion-base-4M)."""
    if not (SHARED / "models").is_dir():
        pytest.skip(f"needs the models: set SIMEMB_SHARED (looked in {SHARED})")
    return SHARED / "models"

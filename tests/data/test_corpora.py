"""Every corpus of the data package is found, is what it says, and opens."""

import logging
import re
from pathlib import Path

import pytest

from simemb import sources
from simemb.rows import open_rows

ROWS = {
    "wiki": 250_000,
    "nli": 47_365,
    "captions": 85_198,
    "stsb": 5_749,
    "stsb_dev": 1_500,
    "stsb_test": 1_379,
    "sickr": 4_500,
    "sickr_dev": 500,
    "sickr_test": 4_927,
    "zh_wiki": 50_000,
    "zh_nli": 12_622,
    "sample": 20_000,
    "sample_triplets": 10_000,
}
RANGES = {"sickr": (1, 5), "sample": (0, 5), "stsb": (0, 5)}


@pytest.fixture(params=sources.corpora())
def source(request, monkeypatch, tmp_path: Path) -> sources.Source:
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path))
    return sources.get(request.param)


def test_the_expected_corpora_are_there():
    assert set(ROWS) | {"sample_dev", "sample_test"} <= set(sources.corpora())


def test_a_corpus_states_what_it_is(source: sources.Source):
    assert re.fullmatch(r"[a-z][a-z_]*", source.name)
    assert 1 <= len(source.columns) <= 3
    for fact in (source.description, source.license, source.citation):
        assert fact
        assert "\n" not in fact
    assert (source.path is None) == (source.sha256 is None) == (source.generate is not None)
    if source.sha256:
        assert re.fullmatch(r"[0-9a-f]{64}", source.sha256)
    if source.hub:
        assert re.fullmatch(r"[0-9a-f]{40}", source.hub.revision)
        assert len(source.hub.columns) == len(source.columns)
        assert (source.hub.score is None) == (source.score is None)


def test_a_corpus_opens_and_is_whole(source: sources.Source, request, monkeypatch, caplog):
    if source.generate is None:
        monkeypatch.setenv("SIMEMB_DATA", str(request.getfixturevalue("shared_data")))
    with caplog.at_level(logging.WARNING, "simemb"):
        rows = open_rows(source.name)
    assert not caplog.records  # the checksum is the recorded one
    assert (rows.name, rows.columns, rows.score) == (source.name, source.columns, source.score)
    count = 0
    for texts in rows.texts():
        assert all(text.strip() for text in texts)
        count += 1
    assert count == ROWS.get(source.name, count)
    if source.score:
        low, high = RANGES[source.name.split("_")[0]]
        scores = [score for _, _, score in rows.scored()]
        assert low <= min(scores) < max(scores) <= high

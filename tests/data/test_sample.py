"""The files of the sample corpus, which are installed, are what the grammar makes, which is not."""

import gzip
from pathlib import Path

import pytest
from simemb.data.sample_grammar import files

from simemb.corpus.rows import open_rows

ROOT = Path(__file__).resolve().parent.parent.parent
DIGESTS = {
    "sample": "019a94d31774f4bf",
    "sample_triplets": "865286b1560e1469",
    "sample_pairs": "6b0e6fbc9bb0cc5a",
    "sample_stories": "e4cf3dc300af024f",
    "sample_dev": "4c167458221fab36",
    "sample_test": "9115401d5d54a918",
}


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    return {name: text.encode() for name, text in files.contents().items()}


def test_the_grammar_makes_the_files_byte_for_byte(contents):
    """The bytes of the texts: how gzip packs them differs between versions of zlib."""
    folder = ROOT / "data" / "sample"
    assert {path.name: gzip.decompress(path.read_bytes()) for path in folder.iterdir()} == {
        f"{name}.gz": text for name, text in contents.items()
    }


def test_what_is_written_is_what_is_there_and_bears_no_time(contents, tmp_path):
    files.write(tmp_path)
    assert {path.name: gzip.decompress(path.read_bytes()) for path in tmp_path.iterdir()} == {
        f"{name}.gz": text for name, text in contents.items()
    }
    assert {path.read_bytes()[4:8] for path in tmp_path.iterdir()} == {bytes(4)}


@pytest.mark.parametrize("name", DIGESTS)
def test_a_corpus_has_the_digest_that_records_of_runs_hold(name):
    assert open_rows(name).digest().startswith(DIGESTS[name])

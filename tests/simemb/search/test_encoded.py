"""An index of vectors that are there already is the index that encoding would make."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simemb import Encoder, Index, encode_shards, index_vectors
from simemb.errors import DataError, SearchError

WORDS = ("man", "woman", "dog", "cat", "child", "bird", "horse", "cook", "guitar", "apple")
TEXTS = [f"the {WORDS[row % 10]} sees a {WORDS[row // 10 % 10]}" for row in range(100)]
QUERIES = ["a dog", "the guitar and the cook", "a bird sees a man"]


@pytest.fixture(scope="module")
def encoder(tiny_base: Path) -> Encoder:
    return Encoder.load(tiny_base)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    pq.write_table(pa.table({"_id": [f"t{row}" for row in range(100)], "text": TEXTS}), tmp_path / "texts.parquet")
    return tmp_path / "texts.parquet"


@pytest.mark.parametrize("kind", ["exact", "ivf"])
@pytest.mark.parametrize("truncate_dim", [None, 16])
def test_it_is_the_index_that_encoding_makes(
    kind: str, truncate_dim: int | None, encoder: Encoder, file: Path, tmp_path: Path
) -> None:
    ids = [f"t{row}" for row in range(100)]
    Index.build(encoder, TEXTS, ids=ids, kind=kind, truncate_dim=truncate_dim, path=tmp_path / "one")
    encode_shards(encoder, file, tmp_path / "vectors", shards=3)
    done: list[int] = []
    two = index_vectors(
        tmp_path / "vectors", tmp_path / "two", kind=kind, truncate_dim=truncate_dim, progress=done.append
    )
    assert done == [100]
    assert two.origin == Index.load(tmp_path / "one").origin
    for mine, others in zip(two.search_batch(QUERIES), Index.load(tmp_path / "one").search_batch(QUERIES), strict=True):
        assert [hit.id for hit in mine] == [hit.id for hit in others]
        assert [hit.score for hit in mine] == pytest.approx([hit.score for hit in others], abs=1e-6)


def test_vectors_that_were_cut_are_searched_cut(encoder: Encoder, file: Path, tmp_path: Path) -> None:
    encode_shards(encoder, file, tmp_path / "vectors", shards=2, truncate_dim=16, dtype="int8", ids="none")
    index = index_vectors(tmp_path / "vectors", tmp_path / "index")
    assert (index.origin.kept, len(index)) == (16, 100)
    assert index.search(TEXTS[42], 1)[0].id == "42"
    with pytest.raises(DataError, match="truncate_dim must be in 1 to 16"):
        index_vectors(tmp_path / "vectors", tmp_path / "other", truncate_dim=17)


def test_texts_that_were_not_encoded_as_documents_are_refused(tiny_base: Path, file: Path, tmp_path: Path) -> None:
    encoder = Encoder.load(tiny_base)
    encoder.set_prompts({"query": "a ", "document": "the "})
    encode_shards(encoder, file, tmp_path / "plain", shards=1)
    with pytest.raises(SearchError, match="encoded with nothing before them, and the encoder puts 'the ' before"):
        index_vectors(tmp_path / "plain", tmp_path / "index")
    assert not (tmp_path / "index").exists()
    encode_shards(encoder, file, tmp_path / "prompted", shards=1, prompt_name="document")
    assert index_vectors(tmp_path / "prompted", tmp_path / "index").origin.prompts == {
        "query": "a ",
        "document": "the ",
    }


def test_a_folder_that_is_not_whole_is_refused(encoder: Encoder, file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    with pytest.raises(DataError, match="no folder of vectors: simemb encode MODEL INPUT --output FOLDER makes one"):
        index_vectors(folder, tmp_path / "index")
    encode_shards(encoder, file, folder, shards=4, shard=1)
    with pytest.raises(DataError, match=r"3 of 4 shards are missing \(00000-of-00004\.parquet, 00002-of.*resume"):
        index_vectors(folder, tmp_path / "index")
    encode_shards(encoder, file, folder, shards=4, resume=True)
    encode_shards(encoder, file, tmp_path / "other", shards=4, dtype="float16")
    (tmp_path / "other" / "00002-of-00004.parquet").replace(folder / "00002-of-00004.parquet")
    with pytest.raises(DataError, match=r"00002-of-00004\.parquet: its vectors have dtype 'float16', not 'float32'"):
        index_vectors(folder, tmp_path / "index")
    (folder / "mine.parquet").write_bytes(file.read_bytes())
    with pytest.raises(DataError, match=r"mine\.parquet: no shard of these vectors"):
        index_vectors(folder, tmp_path / "index")
    assert not (tmp_path / "index").exists()

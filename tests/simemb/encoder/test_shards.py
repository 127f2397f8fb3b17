"""Shards: files that are whole or absent, the same whoever writes them, and never mixed."""

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simemb import Encoder, encode_shards
from simemb.encoder.shard_plan import path_of, read_header
from simemb.encoder.vector_folder import VectorFolder
from simemb.errors import BusyError, DataError
from simemb.files import writing

WORDS = ("man", "woman", "dog", "cat", "child", "bird", "horse", "cook", "guitar", "apple")
TEXTS = [f"the {WORDS[row % 10]} sees a {WORDS[row // 10 % 10]}" for row in range(50)]


@pytest.fixture(scope="module")
def encoder(tiny_base: Path) -> Encoder:
    return Encoder.load(tiny_base)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """50 texts with ids in three files."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for place, (start, stop) in enumerate(((0, 20), (20, 21), (21, 50))):
        table = pa.table({"id": [f"t{row}" for row in range(start, stop)], "text": TEXTS[start:stop]})
        pq.write_table(table, folder / f"{place}.parquet", row_group_size=7)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


def whole(folder: Path) -> Any:
    return pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("*.parquet"))])


@pytest.mark.parametrize("shards", [1, 3, 7, 60])
def test_all_shards_in_order_are_the_corpus(shards: int, encoder: Encoder, corpus: Path, tmp_path: Path) -> None:
    assert encode_shards(encoder, corpus, tmp_path / "vectors", shards=shards, normalize=True) == 50
    table = whole(tmp_path / "vectors")
    assert table.schema.names == ["id", "text", "embedding"]
    assert table.schema.field("embedding").type == pa.list_(pa.float32(), encoder.dim)
    assert table["id"].to_pylist() == [f"t{row}" for row in range(50)]
    assert table["text"].to_pylist() == TEXTS
    vectors = np.array(table["embedding"].to_pylist(), np.float32)
    np.testing.assert_allclose(vectors, encoder.encode(TEXTS, normalize=True), atol=1e-6)
    names = [path.name for path in sorted((tmp_path / "vectors").iterdir())]
    assert names == [*(f"{shard:05d}-of-{shards:05d}.parquet" for shard in range(shards)), "plan.json"]


def test_each_process_writes_its_share_and_the_files_are_the_same(
    encoder: Encoder, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode_shards(encoder, corpus, tmp_path / "one", shards=5)
    encode_shards(encoder, corpus, tmp_path / "named", shards=5, shard=3)
    assert [path.name for path in (tmp_path / "named").glob("*.parquet")] == ["00003-of-00005.parquet"]
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in (1, 0):
        monkeypatch.setenv("RANK", str(rank))
        encode_shards(encoder, corpus, tmp_path / "two", shards=5)
        encode_shards(encoder, corpus, tmp_path / "default")
    assert content(tmp_path / "two") == content(tmp_path / "one")
    assert sorted(content(tmp_path / "default")) == ["00000-of-00002.parquet", "00001-of-00002.parquet"]
    assert content(tmp_path / "named").items() <= content(tmp_path / "one").items()


def test_resume_writes_what_is_missing_and_nothing_else(encoder: Encoder, corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    encode_shards(encoder, corpus, folder, shards=4)
    before = content(folder)
    path_of(folder, 2, 4).unlink()
    times = {path: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}
    assert encode_shards(encoder, corpus, folder, resume=True) == 12  # the number of shards is the folder's
    assert content(folder) == before
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    (folder / "plan.json").unlink()
    assert encode_shards(encoder, corpus, folder, shards=4, resume=True) == 0


def test_a_folder_is_of_one_encoder_one_corpus_and_one_kind(encoder: Encoder, corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    encode_shards(encoder, corpus, folder, shards=2)
    other = Encoder.load("mini")
    for given, line in (
        ({"model": other}, r"vectors are of the encoder .* \(fingerprint .*\), not of mini: give another --output"),
        ({"data": corpus / "0.parquet"}, r"its vectors are of other texts \(50 there, 20 here\)"),
        ({"column": "id", "ids": "none"}, "its vectors are of other texts"),
        ({"dtype": "int8"}, "its vectors have dtype 'float32', not 'int8'"),
        ({"normalize": True}, "its vectors have normalize False, not True"),
        ({"truncate_dim": 4}, "its vectors have truncate_dim None, not 4"),
        ({"prompt": "a "}, "its vectors have prompt '', not 'a '"),
        ({"shards": 3}, "holds 00000-of-00002.parquet, and not shards of 3"),
        ({"resume": False}, r"00000-of-00002\.parquet exists: --resume goes on with what is missing, --overwrite"),
        ({"overwrite": True}, "--resume keeps the shards that are there, and --overwrite"),
    ):
        before = content(folder)
        call = {"model": encoder, "data": corpus, "output": folder, "shards": 2, "resume": True}
        with pytest.raises(DataError, match=line) as caught:
            encode_shards(**{**call, **given})
        assert "\n" not in str(caught.value)
        assert content(folder) == before
    # Without the plan the shards themselves say it.
    (folder / "plan.json").unlink()
    with pytest.raises(DataError, match=r"00000-of-00002\.parquet: its vectors have dtype"):
        encode_shards(encoder, corpus, folder, shards=2, resume=True, dtype="float16")


def test_overwrite_takes_the_place_of_everything(encoder: Encoder, corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    encode_shards(encoder, corpus, folder, shards=7)
    encode_shards(encoder, corpus, folder, shards=2, dtype="binary", overwrite=True)
    encode_shards(encoder, corpus, tmp_path / "new", shards=2, dtype="binary")
    assert content(folder) == content(tmp_path / "new")


def test_changed_texts_are_noticed(encoder: Encoder, corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    encode_shards(encoder, corpus, folder, shards=3, shard=0)
    pq.write_table(pa.table({"id": ["t20"], "text": ["a cat"]}), corpus / "1.parquet")
    with pytest.raises(DataError, match="its vectors are of other texts"):
        encode_shards(encoder, corpus, folder, shards=3, resume=True)


@pytest.mark.parametrize("dtype", ["float16", "int8", "binary"])
def test_small_vectors_are_near_and_read_back(dtype: Any, encoder: Encoder, corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    encode_shards(encoder, corpus, folder, shards=3, dtype=dtype, truncate_dim=30, normalize=True)
    exact = encoder.encode(TEXTS, truncate_dim=30, normalize=True)
    back = np.concatenate(list(VectorFolder(folder).vectors()))
    cosines = np.einsum("ij,ij->i", exact, back) / np.linalg.norm(back, axis=1)
    assert cosines.min() > {"float16": 0.99999, "int8": 0.999, "binary": 0.5}[dtype]
    headers = [read_header(path) for path in sorted(folder.glob("*.parquet"))]
    assert len({header.plan.scales for header in headers}) == 1
    assert len(headers[0].plan.scales) == (30 if dtype == "int8" else 0)


def test_a_shard_that_another_writes_is_left_to_it(encoder: Encoder, corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    raised: list[BaseException] = []

    def second(**given: Any) -> None:
        try:
            encode_shards(encoder, corpus, folder, shards=3, **given)
        except BusyError as error:
            raised.append(error)

    with writing(path_of(folder, 1, 3)):
        for given in ({"resume": True}, {"shard": 1}):
            thread = threading.Thread(target=second, kwargs=given)
            thread.start()
            thread.join()
    assert [str(error).partition(" is ")[0] for error in raised] == [str(path_of(folder, 1, 3))]
    assert sorted(content(folder)) == ["00000-of-00003.parquet", "00002-of-00003.parquet"]


def test_a_damaged_shard_is_refused_by_name(encoder: Encoder, corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    encode_shards(encoder, corpus, folder, shards=3)
    place = path_of(folder, 1, 3)
    place.write_bytes(place.read_bytes()[:200])
    line = r"00001-of-00003\.parquet: no whole shard of vectors .*: remove it, and encode again with --resume"
    with pytest.raises(DataError, match=line):
        encode_shards(encoder, corpus, folder, shards=3, resume=True)
    pq.write_table(pa.table({"x": [1]}), place)
    with pytest.raises(DataError, match="nothing in it says which encoder made it"):
        VectorFolder(folder)


def test_outputs_that_cannot_be_are_refused(encoder: Encoder, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match="a file, where the folder of the shards should be"):
        encode_shards(encoder, corpus, tmp_path / "file")
    with pytest.raises(DataError, match="the texts are in this folder"):
        encode_shards(encoder, corpus, corpus)
    assert not [path for path in corpus.iterdir() if path.name.startswith(".")]
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "plan.json").write_text(json.dumps({"plan": {}}))
    with pytest.raises(DataError, match=r"plan\.json: no plan of shards"):
        encode_shards(encoder, corpus, tmp_path / "bad")


def test_what_comes_before_a_shard_is_not_read(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, read = tmp_path / "texts.parquet", list[int]()
    pq.write_table(pa.table({"text": TEXTS * 20}), place, row_group_size=50)
    batches = pq.ParquetFile.iter_batches

    def watched(file: Any, **given: Any) -> Any:
        for batch in batches(file, **given):
            read.append(batch.num_rows)
            yield batch

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", watched)
    encode_shards(encoder, place, tmp_path / "vectors", shards=200, shard=199)
    monkeypatch.undo()
    assert pq.read_table(path_of(tmp_path / "vectors", 199, 200))["text"].to_pylist() == TEXTS[-5:]
    assert sum(read) <= 600  # of 1,000: some of the first rows, whenever the file is opened, and the last group

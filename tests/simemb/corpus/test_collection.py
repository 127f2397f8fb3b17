"""Collections: one numbering of the documents of many files, and any range of them."""

import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simemb.corpus.collection import Collection, Columns, Reader, absolute
from simemb.errors import DataError


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Files of every format: 7 rows in groups of 3, 4 lines with a blank one, 3 records, 2 objects."""
    folder = tmp_path / "corpus"
    (folder / "deep").mkdir(parents=True)
    pq.write_table(pa.table({"text": [f"a{row}" for row in range(7)]}), folder / "a.parquet", row_group_size=3)
    (folder / "b.txt").write_text("b0\n\nb2\nb3\n\n")
    with gzip.open(folder / "c.csv.gz", "wt") as file:
        file.write('text,more\nc0,1\n"c1, and",2\nc2,3\n')
    (folder / "deep" / "d.jsonl").write_text('{"text": "d0"}\n{"text": "d1"}\n')
    for name in ("_SUCCESS", ".hidden.txt", "README.md"):
        (folder / name).write_text("nothing of this")
    return folder


ALL = ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "b0", "", "b2", "b3", "c0", "c1, and", "c2", "d0", "d1"]


def texts(collection: Collection, start: int, stop: int) -> list[str]:
    return [document.text for document in Reader(collection).documents(start, stop)]


def test_any_range_is_that_of_all_files_in_a_row(corpus: Path, caplog: pytest.LogCaptureFixture) -> None:
    collection = Collection(corpus)
    assert [part.count for part in collection.parts] == [7, 4, 3, 2]
    assert collection.count == len(ALL)
    for start in range(len(ALL)):
        for stop in range(start, len(ALL) + 1):
            assert texts(collection, start, stop) == ALL[start:stop]
    assert "files of other formats are left out: README.md" in caplog.text


def test_a_reader_reads_on_and_goes_anywhere(corpus: Path) -> None:
    reader = Reader(Collection(corpus))
    for start, stop in ((0, 3), (3, 9), (12, 15), (1, 2), (2, 16)):
        assert [document.text for document in reader.documents(start, stop)] == ALL[start:stop]


def test_a_pattern_a_list_and_a_uri_name_the_same_files(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Collection(corpus).digest()
    files = sorted(path for path in corpus.rglob("*") if path.is_file() and path.name[0] in "abcd")
    assert Collection(f"{corpus}/**/[a-d].*").digest() == whole
    assert Collection(files).digest() == whole
    remote = Collection(f"file://{corpus}")
    assert remote.digest() == whole
    assert texts(remote, 5, 13) == ALL[5:13]
    assert texts(Collection(f"file://{corpus}/b.txt"), 0, 4) == ALL[7:11]
    monkeypatch.chdir(corpus.parent)
    assert absolute(["corpus", "sample", "file:///x"]) == [str(corpus), "sample", "file:///x"]


def test_a_corpus_of_the_registry_is_a_collection() -> None:
    collection = Collection("sample_search")
    assert texts(collection, 1, 3) == [document.text for document in collection.documents(1)][:2]


def test_parts_are_looked_through_once(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from simemb import files

    first = Collection(corpus)
    monkeypatch.setattr(files, "sha256_of", lambda path: pytest.fail(f"{path} was read again"))
    assert Collection(corpus, known=first.parts).parts == first.parts
    monkeypatch.undo()
    place = corpus / "b.txt"
    place.write_text("b0\n\nbX\nb3\n\n")
    os.utime(place, ns=(1, 1))
    assert Collection(corpus, known=first.parts).digest() != first.digest()


def test_ids_are_in_all_files_or_in_none_and_differ(tmp_path: Path) -> None:
    for name, ids in (("a", ["1", "2"]), ("b", ["2", "3"])):
        rows = ({"id": id_, "text": f"text {id_}"} for id_ in ids)
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    collection = Collection(tmp_path)
    assert collection.has_ids
    assert [document.id for document in Reader(collection).documents(0, 2)] == ["1", "2"]
    with pytest.raises(DataError, match="the id '2' occurs twice"):
        texts(collection, 0, 4)
    (tmp_path / "c.txt").write_text("without\n")
    with pytest.raises(DataError, match=r"a\.jsonl has ids and .*c\.txt none: --ids none leaves them out"):
        Collection(tmp_path)
    assert Collection(tmp_path, Columns(ids="none")).count == 5


def test_a_sample_is_of_every_part(corpus: Path) -> None:
    assert Collection(corpus).sample(8) == ["a0", "a1", "a2", "a3", "b0", "", "c0", "c1, and"]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("-", "data must name files, not standard input"),
        ([], "data must name files, not nothing"),
        ("nowhere", "no file or corpus 'nowhere'"),
        ("*.parquet", r"\*\.parquet: no file there of a known format \(\.txt"),
        ("file:///nowhere", "file:///nowhere: no file there|cannot be read"),
        ("s3x://bucket", "s3x://bucket: cannot be read: "),
    ],
)
def test_what_is_no_collection_is_refused(
    data: str | list[str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=line):
        Collection(data)

"""`simemb encode`: what its output replaces, and which row belongs to which line."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from simemb.cli import main
from simemb.commands import encode
from simemb.commands.parsing import UsageError
from simemb.encoder import streaming
from simemb.errors import DataError
from simemb.files import writing


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_vectors_never_replace_the_texts_they_are_from(tiny_base: Path, sentences_file: Path) -> None:
    Path("a.txt").write_text(sentences_file.read_text())
    Path("a.npy").symlink_to("a.txt")
    with pytest.raises(UsageError, match="is the input too"):
        encode.run([str(tiny_base), "a.txt", "--output", "a.npy"])
    assert Path("a.txt").read_text() == sentences_file.read_text()


def test_vectors_replace_older_vectors_only_when_asked(tiny_base: Path, sentences_file: Path) -> None:
    Path("a.npy").write_text("old")
    with pytest.raises(DataError, match=r"a\.npy exists \(a file of 3 bytes\): --overwrite"):
        encode.run(["no-model", "no-texts.txt", "--output", "a.npy"])  # before either is looked for
    assert Path("a.npy").read_text() == "old"
    encode.run([str(tiny_base), str(sentences_file), "--output", "a.npy", "--overwrite"])
    assert Path("a.npy").read_bytes().startswith(b"\x93NUMPY")
    assert [path.name for path in Path().iterdir()] == ["a.npy"]


def test_row_n_is_of_line_n_and_blank_lines_are_said(tiny_base: Path, caplog: pytest.LogCaptureFixture) -> None:
    Path("a.txt").write_text("a cat\n\nthe dog\n\n")
    encode.run([str(tiny_base), "a.txt", "--output", "a.npy"])
    vectors = np.load("a.npy")
    Path("b.txt").write_text("a cat\nthe dog\n")
    encode.run([str(tiny_base), "b.txt", "--output", "b.npy"])
    assert len(vectors) == 3
    np.testing.assert_allclose(vectors[[0, 2]], np.load("b.npy"), atol=1e-6)
    assert "a.txt: 1 text is blank and has the vector of an empty text: line 2" in caplog.text


def test_parquet_keeps_the_ids_and_npy_says_it_does_not(tiny_base: Path, caplog: pytest.LogCaptureFixture) -> None:
    Path("a.jsonl").write_text('{"_id": 7, "title": "Cats", "text": "a cat"}\n{"_id": "x", "text": "the dog"}\n')
    encode.run([str(tiny_base), "a.jsonl", "--output", "a.parquet"])
    table = pyarrow.parquet.read_table("a.parquet")
    assert table.column_names == ["id", "text", "embedding"]
    assert table.select(["id", "text"]).to_pylist() == [
        {"id": "7", "text": "Cats a cat"},
        {"id": "x", "text": "the dog"},
    ]
    caplog.set_level("INFO")
    encode.run([str(tiny_base), "a.jsonl", "--output", "a.npy"])
    assert "a.jsonl: not used: column _id" in caplog.text
    with pytest.raises(UsageError, match=r"--ids is for an --output that ends in \.parquet"):
        encode.run([str(tiny_base), "a.jsonl", "--ids", "_id", "--output", "a.npy"])


def test_a_dimension_above_the_model_is_refused_with_the_range(tiny_base: Path) -> None:
    Path("a.txt").write_text("a cat\n")
    with pytest.raises(
        DataError, match=r"^--truncate-dim must be in 1 to \d+, the dimensions of the vectors, not 99999"
    ):
        encode.run([str(tiny_base), "a.txt", "--truncate-dim", "99999", "--output", "a.npy"])
    assert not Path("a.npy").exists()


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_leaves_the_older_vectors_and_nothing_beside_them(
    sent: int, code: int, tiny_base: Path, sentences_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        assert len(list(Path().iterdir())) > 1  # the partial file and the lock
        os.kill(os.getpid(), sent)

    Path("a.npy").write_text("old")
    monkeypatch.setattr(streaming, "_finish", killed)
    assert main(["encode", str(tiny_base), str(sentences_file), "--output", "a.npy", "--overwrite"]) == code
    assert [path.name for path in Path().iterdir()] == ["a.npy"]
    assert Path("a.npy").read_text() == "old"
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_what_a_killed_encode_left_goes_with_the_next(tiny_base: Path, sentences_file: Path) -> None:
    Path(f".a.npy.{'1f' * 16}.partial").mkdir()
    Path(".a.npy.simemb.lock").write_text("1 elsewhere")
    encode.run([str(tiny_base), str(sentences_file), "--output", "a.npy"])
    assert [path.name for path in Path().iterdir()] == ["a.npy"]


def test_vectors_that_another_thread_writes_are_refused(
    tiny_base: Path, sentences_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from threading import Thread

    codes: list[int] = []
    with writing(Path("a.npy")):
        words = ["encode", str(tiny_base), str(sentences_file), "--output", "a.npy"]
        thread = Thread(target=lambda: codes.append(main(words)))
        thread.start()
        thread.join()
    assert codes == [2]
    line = f"simemb: a.npy is being written by process {os.getpid()}; choose another --output\n"
    assert capsys.readouterr().err.endswith(line)
    assert list(Path().iterdir()) == []


def test_a_name_without_ending_is_a_folder_of_shards(
    tiny_base: Path, sentences_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["encode", str(tiny_base), str(sentences_file), "--output", "vectors"]
    assert main([*words, "--shard", "1/3"]) == 0
    assert "vectors: 30 more vectors; 1 of 3 shards are there\n" in capsys.readouterr().err
    assert main([*words, "--resume"]) == 0
    assert "next: simemb index vectors --output DIR" in capsys.readouterr().err
    assert main(["index", "vectors", "--output", "vectors.index"]) == 0
    assert main(["search", "vectors.index", "a dog", "-k", "2"]) == 0


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["vectors.npy", "--shards", "2"], "shards are files in a folder: vectors.npy is the name of one"),
        (["vectors", "--shard", "2"], "--shard 2: give a shard and how many there are, as 0/64"),
        (["vectors", "--shard", "2/2"], "shards are numbered from 0: 2 is not in 0 to 1"),
        (["vectors", "--shard", "1/2", "--shards", "3"], "--shard 1/2 and --shards 3 disagree"),
        (["vectors", "--resume", "--overwrite"], "--resume keeps the shards that are there"),
        (["vectors", "--dtype", "int4"], "unknown value of --dtype 'int4': did you mean 'int8'"),
        (["vectors", "--workers", "2"], "--workers is for --engine ray"),
        (["vectors", "--engine", "ray", "--shard", "1/2"], "leave out --shard and --devices"),
    ],
)
def test_shards_that_cannot_be_are_refused_at_once(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["encode", "no-model", "no-texts.txt", "--output", *words]) == 2
    assert line in capsys.readouterr().err
    assert list(Path().iterdir()) == []

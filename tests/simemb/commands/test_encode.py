"""`simemb encode`: what its output replaces."""

from pathlib import Path

import pytest

from simemb.commands import encode
from simemb.commands.parsing import UsageError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_vectors_never_replace_the_texts_they_are_from(tiny_base: Path, sentences_file: Path) -> None:
    Path("a.txt").write_text(sentences_file.read_text())
    Path("a.npy").symlink_to("a.txt")
    with pytest.raises(UsageError, match="is the input too"):
        encode.run([str(tiny_base), "a.txt", "--output", "a.npy"])
    assert Path("a.txt").read_text() == sentences_file.read_text()


def test_vectors_replace_older_vectors(tiny_base: Path, sentences_file: Path) -> None:
    Path("a.npy").write_text("old")
    encode.run([str(tiny_base), str(sentences_file), "--output", "a.npy"])
    assert Path("a.npy").read_bytes().startswith(b"\x93NUMPY")
    assert [path.name for path in Path().iterdir()] == ["a.npy"]

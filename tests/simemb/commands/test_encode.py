"""`simemb encode`: what its output replaces."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from simemb.cli import main
from simemb.commands import encode
from simemb.commands.parsing import UsageError
from simemb.encoder import streaming
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


def test_vectors_replace_older_vectors(tiny_base: Path, sentences_file: Path) -> None:
    Path("a.npy").write_text("old")
    encode.run([str(tiny_base), str(sentences_file), "--output", "a.npy"])
    assert Path("a.npy").read_bytes().startswith(b"\x93NUMPY")
    assert [path.name for path in Path().iterdir()] == ["a.npy"]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_leaves_the_older_vectors_and_nothing_beside_them(
    sent: int, code: int, tiny_base: Path, sentences_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        assert len(list(Path().iterdir())) > 1  # the partial file and the lock
        os.kill(os.getpid(), sent)

    Path("a.npy").write_text("old")
    monkeypatch.setattr(streaming, "_finish", killed)
    assert main(["encode", str(tiny_base), str(sentences_file), "--output", "a.npy"]) == code
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

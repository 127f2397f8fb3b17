"""Files and directories appear whole or not at all, whatever happens and whoever else writes."""

import threading
from pathlib import Path

import pytest

from simemb import files


class Crash(BaseException):
    """Like the end of the process: nothing may catch it."""


def content(directory: Path) -> dict[str, str]:
    return {str(file.relative_to(directory)): file.read_text() for file in directory.rglob("*") if file.is_file()}


def fill(directory: Path, word: str) -> None:
    (directory / "inner").mkdir()
    (directory / "one.txt").write_text(word)
    (directory / "inner" / "two.txt").write_text(word)


def whole(word: str) -> dict[str, str]:
    return {"one.txt": word, "inner/two.txt": word}


@pytest.fixture
def old(tmp_path) -> Path:
    """A directory with the content of an earlier run."""
    path = tmp_path / "model"
    path.mkdir()
    fill(path, "old")
    return path


# ---- files ---------------------------------------------------------------------------------------------


def test_a_file_appears_with_its_parents_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "a" / "b" / "file.txt"
    with files.new_file(path) as partial:
        partial.write_text("new")
        assert not path.exists()
        assert partial.parent == path.parent
    assert content(tmp_path) == {"a/b/file.txt": "new"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Crash])
def test_an_error_while_writing_a_file_leaves_the_older_one_whole(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write() -> None:
        with files.new_file(path) as partial:
            partial.write_text("ne")
            raise error

    with pytest.raises(error):
        write()
    assert content(tmp_path) == {"file.txt": "old"}


def test_write_text_replaces_in_one_step(tmp_path):
    path = tmp_path / "file.txt"
    files.write_text(path, "old")
    files.write_text(path, "naïve 猫")
    assert path.read_text(encoding="utf-8") == "naïve 猫"
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]


def test_two_writers_of_one_file_have_their_own_temporary_names(tmp_path):
    path = tmp_path / "file.txt"
    with files.new_file(path) as first, files.new_file(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert content(tmp_path) == {"file.txt": "first"}


def test_many_threads_that_write_one_file_leave_one_whole_version(tmp_path):
    path = tmp_path / "file.txt"
    versions = [str(number) * 20_000 for number in range(8)]
    errors = []

    def write(text: str) -> None:
        try:
            files.write_text(path, text)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(text,)) for text in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert path.read_text() in versions
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]


# ---- directories ---------------------------------------------------------------------------------------


def test_a_directory_appears_with_its_parents_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "runs" / "model"
    with files.new_directory(path) as partial:
        fill(partial, "new")
        assert not path.exists()
    assert content(path) == whole("new")
    assert list(path.parent.iterdir()) == [path]


def test_a_directory_takes_the_place_of_the_older_one_completely(old):
    (old / "left over").write_text("old")
    with files.new_directory(old) as partial:
        fill(partial, "new")
        assert content(old)["one.txt"] == "old"
    assert content(old) == whole("new")
    assert list(old.parent.iterdir()) == [old]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Crash])
def test_an_error_while_writing_a_directory_leaves_the_older_one_whole(old, error):
    def write() -> None:
        with files.new_directory(old) as partial:
            (partial / "one.txt").write_text("ne")
            raise error

    with pytest.raises(error):
        write()
    assert content(old) == whole("old")
    assert list(old.parent.iterdir()) == [old]


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_after_a_crash_at_any_rename_recovery_finds_one_whole_version(old, monkeypatch, renames):
    """Crash before the first rename, between the two, and after the second."""
    done = 0
    rename = Path.replace

    def crash_after(self: Path, target: Path) -> Path:
        nonlocal done
        if done == renames:
            raise Crash
        done += 1
        return rename(self, target)

    def write() -> None:
        with files.new_directory(old) as partial:
            fill(partial, "new")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", crash_after)
        # a dead process tidies nothing up
        patch.setattr(files.shutil, "rmtree", lambda *_, **__: None)
        if renames < 2:
            with pytest.raises(Crash):
                write()
        else:
            write()
    files.recover(old)
    assert content(old) == whole("new" if renames == 2 else "old")
    with files.new_directory(old) as partial:
        fill(partial, "newer")
    assert content(old) == whole("newer")


def test_a_second_rename_that_fails_puts_the_older_directory_back(old, monkeypatch):
    rename = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if self.name.endswith(".partial"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space left"), files.new_directory(old) as partial:
        fill(partial, "new")
    assert content(old) == whole("old")
    assert list(old.parent.iterdir()) == [old]


def test_recovering_where_nothing_happened_changes_nothing(old):
    files.recover(old)
    files.recover(old.with_name("never written"))
    assert content(old) == whole("old")
    assert list(old.parent.iterdir()) == [old]


def test_two_threads_write_two_directories_side_by_side(tmp_path):
    meet = threading.Barrier(2, timeout=10)

    def write(name: str) -> None:
        with files.new_directory(tmp_path / name) as partial:
            meet.wait()
            fill(partial, name)
            meet.wait()

    threads = [threading.Thread(target=write, args=(name,)) for name in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path.name: content(path) for path in tmp_path.iterdir()} == {n: whole(n) for n in ("left", "right")}


def test_what_cannot_be_written_is_known_before_and_nothing_is_left(tmp_path):
    files.probe(tmp_path / "new" / "file.json")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file" / "x.json", tmp_path / "new"):
        with pytest.raises((FileExistsError, NotADirectoryError, IsADirectoryError)):
            files.probe(path)
    files.probe(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "in the way"


def test_the_cache_folder_has_a_default(monkeypatch, tmp_path: Path):
    monkeypatch.delenv("SIMEMB_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert files.cache_folder() == tmp_path / ".cache" / "simemb"

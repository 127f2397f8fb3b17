"""Files and directories appear whole or not at all, whatever happens and whoever else writes."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from errno import EACCES, ENOSPC
from pathlib import Path
from typing import Any

import pytest
from safetensors import SafetensorError

from simemb import files, json_files
from simemb.errors import DataError


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
        assert partial.name == path.name  # whatever depends on the ending
        assert partial.parent.parent == path.parent
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


def write_until(directory: Path, steps: int, monkeypatch: pytest.MonkeyPatch, *, exchange: bool) -> bool:
    """Replace a directory, dying before the n-th step; whether it died. exchange: whether the disk can swap."""
    done = 0

    def counted(step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **keywords: Any) -> Any:
            nonlocal done
            if done >= steps:  # a dead process tidies nothing up
                raise Crash
            done += 1
            return step(*arguments, **keywords)

        return run

    with monkeypatch.context() as patch:
        patch.setattr(files, "_exchange", counted(files._exchange) if exchange else lambda *_: False)
        patch.setattr(Path, "replace", counted(Path.replace))
        patch.setattr(files.shutil, "rmtree", counted(files.shutil.rmtree))
        try:
            with files.new_directory(directory) as partial:
                fill(partial, "new")
        except Crash:
            return True
    return False


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("steps", range(4))
def test_after_a_crash_at_any_step_one_whole_version_is_there(old, monkeypatch, steps, exchange):
    crashed = write_until(old, steps, monkeypatch, exchange=exchange)
    if exchange:
        assert content(old) in (whole("old"), whole("new"))
    with files.writing(old):
        assert content(old) == whole("old" if crashed and steps < (1 if exchange else 2) else "new")
    assert list(old.parent.iterdir()) == [old]


def test_a_second_rename_that_fails_puts_the_older_directory_back(old, monkeypatch):
    rename = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if self.name.endswith(".partial"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(files, "_exchange", lambda *_: False)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space left"), files.new_directory(old) as partial:
        fill(partial, "new")
    assert content(old) == whole("old")
    assert list(old.parent.iterdir()) == [old]


def test_what_killed_writers_left_goes_with_the_next_one_and_nothing_else_does(old):
    stray, number = f".model.{'0' * 32}.partial", "1f" * 16
    (old.parent / stray).mkdir()
    (old.parent / f".model.{number}.partial").write_text("of an earlier release")
    kept = [f".other.{number}.partial", ".model.partial", f".model.{number[1:]}.partial", "model.old", ".model.old"]
    for name in kept:
        (old.parent / name).mkdir()
    with files.new_directory(old) as partial:
        fill(partial, "new")
    assert {path.name for path in old.parent.iterdir()} == {"model", *kept}


def test_a_reader_learns_where_the_earlier_directory_is_and_moves_nothing(old):
    aside = old.with_name(f".model.{'1f' * 16}.replaced")
    assert files.replaced(old) is None
    old.rename(aside)
    assert files.replaced(old) == aside
    assert list(aside.parent.iterdir()) == [aside]


def test_tidying_where_nothing_happened_changes_nothing(old):
    files.tidy(old)
    files.tidy(old.with_name("never written"))
    files.tidy_inside(old)
    assert content(old) == whole("old")
    assert list(old.parent.iterdir()) == [old]


# ---- links, permissions, and what is no file --------------------------------------------------------------


def test_a_file_is_written_to_the_end_of_a_link(tmp_path):
    (tmp_path / "far").mkdir()
    for target in ("far/file.txt", "far/new.txt"):
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(target)
        files.write_text(tmp_path / "link", target)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / target).read_text() == target
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["far", "file.txt", "link", "new.txt"]


def test_a_directory_is_written_to_the_end_of_a_link(old, tmp_path):
    (tmp_path / "link").symlink_to(old)
    with files.new_directory(tmp_path / "link") as partial:
        fill(partial, "new")
    assert (tmp_path / "link").is_symlink()
    assert content(old) == whole("new")


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_follow_the_umask_whatever_a_library_gives(tmp_path, umask, mode):
    def write(folder: Path) -> None:
        file = folder / "weights"
        file.touch(mode=0o600)

    before = os.umask(umask)
    try:
        with files.new_directory(tmp_path / "model") as partial:
            write(partial)
        with files.new_file(tmp_path / "weights") as partial:
            write(partial.parent)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("weights")} == {mode}


def test_what_is_no_regular_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(OSError, match="no regular file"):
            files.write_text(tmp_path / name, "text")
    assert (tmp_path / "pipe").is_fifo()


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


def test_what_killed_commands_left_in_the_cache_goes_and_what_is_being_written_stays(tmp_path: Path):
    number = "1f" * 16
    for name in (f".one.npy.{number}.partial", "mine.partial", ".mine.simemb.lock.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "inner").write_text("half")
    (tmp_path / ".three.npy.simemb.lock").write_text("4711 elsewhere")
    (tmp_path / "one.npy").write_text("whole")
    holding, done = threading.Event(), threading.Event()

    def write() -> None:
        with files.writing(tmp_path / "two.npy"):
            (tmp_path / f".two.npy.{number}.partial").mkdir()
            holding.set()
            done.wait(60)

    thread = threading.Thread(target=write)
    thread.start()
    holding.wait(60)
    files.sweep(tmp_path)
    kept = {f".two.npy.{number}.partial", ".two.npy.simemb.lock", "mine.partial", ".mine.simemb.lock.old", "one.npy"}
    assert {path.name for path in tmp_path.iterdir()} == kept
    done.set()
    thread.join()
    files.sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"mine.partial", ".mine.simemb.lock.old", "one.npy"}
    files.sweep(tmp_path / "nothing")


# ---- JSON ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ("[" * 101 + "1" + "]" * 101, "more than 100 levels"),
        ("9" * 5000, "more than 64 bits"),
        ('{"a": 18446744073709551616}', "more than 64 bits"),
        ('{"a": "\\ud800"}', "half of a surrogate pair"),
        ("{", "Expecting property name"),
        ("", "Expecting value"),
    ],
)
def test_json_that_cannot_be_read_raises_one_kind_of_error(text: str, words: str, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        json_files.load_json(path)
    path.write_text(f"{'[' * 100}-{2**63}, {2**64 - 1}{']' * 100}")
    json_files.load_json(path)
    path.write_text('{"a": "\\ud83d\\ude00"}')
    assert json_files.load_json(path) == {"a": "\N{GRINNING FACE}"}


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Error in void faiss::write_index"),
        OSError(ENOSPC, "Detail: x"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_no_room_is_said_in_the_words_of_the_system_whichever_library_met_it(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path, content: bytes) -> int:
        raise OSError(ENOSPC, "no room")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left on device") as caught, files.new_file(tmp_path / "a"):
        raise error
    assert caught.value.filename == str(tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir() if path.name != ".a.simemb.lock"] == []


@pytest.mark.parametrize("error", [RuntimeError("something else"), OSError(EACCES, "no"), DataError("a line")])
def test_where_there_is_room_an_error_stays_what_it_is(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error)) as caught, files.new_file(tmp_path / "a"):
        raise error
    assert caught.value is error


@dataclass(frozen=True)
class Size:
    bytes: int


@pytest.mark.parametrize(
    ("text", "words"),
    [("[]", "it must be an object, not a list"), ('{"bytes": "1"}', "bytes must be a whole number, not '1'")],
)
def test_json_of_another_shape_is_refused_with_its_place(text: str, words: str, tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text(text)
    for read in (json_files.read_json, json_files.read_object):
        with pytest.raises(DataError, match=f"a.json: {words}"):
            read(path, lambda reason: DataError(f"a.json: {reason}"), Size)
    path.write_text('{"bytes": 1, "more": 2}')
    assert json_files.read_json(path, DataError, Size) == Size(1)
    assert json_files.read_object(path, DataError, Size) == {"bytes": 1, "more": 2}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_in_the_place_of_json_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(OSError, match="no regular file"):
        json_files.load_json(tmp_path / "a.json")

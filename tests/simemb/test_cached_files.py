"""Files of the cache: what is not what was written there is never believed, whatever kind of file it is."""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from simemb.cached_files import cached, checksum_path, is_intact, new_cached_file
from simemb.errors import DataError

Change = Callable[[Path], object]

CHANGES: dict[str, Change] = {
    "one bit": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 4]) + path.read_bytes()[1:]),
    "cut short": lambda path: os.truncate(path, 7),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "empty": lambda path: os.truncate(path, 0),
    "other content of the same length": lambda path: path.write_bytes(bytes(len(path.read_bytes()))),
    "without its checksum": lambda path: checksum_path(path).unlink(),
    "with a checksum that is none": lambda path: checksum_path(path).write_bytes(b"\xff\0"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "with a pipe as its checksum": lambda path: (checksum_path(path).unlink(), os.mkfifo(checksum_path(path))),
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def written(path: Path, content: bytes = b"what was computed") -> Path:
    with new_cached_file(path) as partial:
        partial.write_bytes(content)
    return path


def test_what_was_written_is_intact_wherever_the_cache_lies(cache: Path, monkeypatch: pytest.MonkeyPatch):
    written(cache / "kind" / "file")
    assert is_intact(cache / "kind" / "file")
    cache.rename(cache.with_name("moved"))
    monkeypatch.setenv("SIMEMB_CACHE", str(cache.with_name("moved")))
    assert is_intact(cache.with_name("moved") / "kind" / "file")


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_was_changed_is_not(cache: Path, caplog: pytest.LogCaptureFixture, change: str):
    path = written(cache / "kind" / "file")
    CHANGES[change](path)
    assert not is_intact(path)
    assert caplog.text.count("it is made anew") == 1


def test_a_cache_of_an_earlier_release_is_told_once(cache: Path, caplog: pytest.LogCaptureFixture):
    paths = [written(cache / "kind" / name) for name in ("one", "two", "three")]
    shutil.rmtree(cache / "checksums")
    assert not any(map(is_intact, paths))
    assert caplog.text.count("made anew") == 1
    assert "damaged" not in caplog.text


def test_a_file_under_the_name_of_another_is_not(cache: Path):
    one, two = written(cache / "kind" / "one"), written(cache / "kind" / "two")
    shutil.copy(one, two)
    assert is_intact(two)  # the content is the same
    written(one, b"another text, as long")
    for source, target in ((one, two), (checksum_path(one), checksum_path(two))):
        shutil.copy(source, target)
    assert is_intact(one)
    assert not is_intact(two)


def test_what_is_absent_is_no_notice(cache: Path, caplog: pytest.LogCaptureFixture):
    assert not is_intact(cache / "kind" / "file")
    assert not caplog.text


def test_a_file_that_was_not_finished_leaves_nothing(cache: Path):
    with suppress(ZeroDivisionError), new_cached_file(cache / "file") as partial:
        partial.write_bytes(b"half")
        raise ZeroDivisionError
    assert not [path for path in cache.rglob("*") if path.is_file()]


def blocked(cache: Path) -> None:
    cache.touch()


def read_only(cache: Path) -> None:
    cache.symlink_to("/proc")  # which cannot be written even by root


def in_the_place(cache: Path) -> None:
    (cache / "kind" / "file").mkdir(parents=True)


@pytest.mark.parametrize("spoil", [blocked, read_only, in_the_place])
def test_a_cache_that_cannot_be_written_is_said_once_and_done_without(
    cache: Path, tmp_path: Path, spoil: Change, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    spoil(cache)
    for _ in range(2):
        content = cached(cache / "kind" / "file", make=lambda path: path.write_bytes(b"made"), read=Path.read_bytes)
        assert content == b"made"
    assert caplog.text.count("it is done without") == 1
    assert not list((tmp_path / "temporary").iterdir())


def test_what_cannot_be_written_anywhere_is_one_line(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone" / "file"))
    for place in (cache, tmp_path / "gone"):
        place.touch()
    with pytest.raises(
        DataError, match=r"cannot be written \(Not a directory\), nor can .*/gone/file .*set SIMEMB_CACHE"
    ):
        cached(cache / "kind" / "file", make=lambda path: path.write_bytes(b"made"), read=Path.read_bytes)
    assert not caplog.text

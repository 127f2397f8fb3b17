"""The files of an index: what is saved is loaded, what is damaged is named, and no failure harms an index."""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import faiss
import pyarrow as pa
import pytest
from trigrams import DIM, Trigrams, sentences

import simemb.search.saved
from simemb.errors import BusyError, SearchError
from simemb.search.index import Index
from simemb.search.segments import Segments

KINDS = ("exact", "ivf", "hnsw")


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture(scope="module")
def encoder() -> Trigrams:
    return Trigrams()


@pytest.fixture(scope="module")
def queries() -> list[str]:
    return [text[3:] for text in sentences(300)]


@pytest.fixture
def saved(tmp_path: Path, encoder: Trigrams) -> Path:
    Index.build(encoder, sentences(50), path=tmp_path / "saved")
    return tmp_path / "saved"


def file_of(directory: Path, pattern: str) -> Path:
    (path,) = directory.glob(pattern)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_index_gives_the_same_bits(kind: str, encoder: Trigrams, queries: list[str], tmp_path: Path) -> None:
    index = Index.build(encoder, sentences(3000), kind=kind, effort=7)
    before = index.search_batch(queries)
    index.save(tmp_path / "first")
    index.save(tmp_path / "copy")
    for folder in ("first", "copy"):
        loaded = Index.load(tmp_path / folder, encoder=encoder)
        assert (len(loaded), loaded.kind, loaded.effort, loaded.segments[0].kind) == (3000, kind, 7, kind)
        assert loaded.search_batch(queries) == before
    assert index.search_batch(queries) == before


def test_the_description_says_how_the_index_was_made(saved: Path, encoder: Trigrams) -> None:
    description = json.loads((saved / "index.json").read_text(encoding="utf-8"))
    assert description["format"] == 2
    assert description["encoder"] == {
        "name": "trigrams",
        "fingerprint": encoder.fingerprint(),
        "dim": DIM,
        "truncate_dim": None,
        "prompts": {},
    }
    assert (description["count"], description["kind"], description["effort"]) == (50, "auto", 128)
    assert description["parts"][0]["kind"] == "exact"
    assert description["parts"][0]["vectors"]["bytes"] == file_of(saved, "*.faiss").stat().st_size


def test_an_encoder_in_a_directory_is_recorded_with_its_full_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    assert Index.build(Trigrams("model"), ["a"]).origin.name == str(tmp_path / "model")


def test_the_encoder_of_another_index_is_refused_with_both_names(saved: Path, encoder: Trigrams) -> None:
    other = Trigrams("other", seed=1)
    line = rf"of trigrams \(dim 32, fingerprint {encoder.fingerprint()[:12]}\), not of other \(dim 32, "
    with pytest.raises(SearchError, match=line):
        Index.load(saved, encoder=other)
    with pytest.raises(SearchError, match=r"not of short \(dim 16"):
        Index.load(saved).encoder = Trigrams("short", dim=16)
    index = Index.load(saved)
    index.encoder = Trigrams("the same, moved")
    assert len(index.search("anything")) == 5


def test_vectors_can_be_searched_without_the_encoder(saved: Path, encoder: Trigrams) -> None:
    query = encoder.encode(["anything"])[0]
    assert Index.load(saved).search(query) == Index.load(saved, encoder=encoder).search(query)


def test_an_encoder_that_is_not_there_is_named(saved: Path, tmp_path: Path) -> None:
    description = json.loads((saved / "index.json").read_text(encoding="utf-8"))
    description["encoder"]["name"] = str(tmp_path / "gone")
    (saved / "index.json").write_text(json.dumps(description), encoding="utf-8")
    with pytest.raises(SearchError, match=r"the encoder of the index cannot be used: .*gone"):
        Index.load(saved).search("anything")


def test_the_encoder_is_loaded_by_its_name_at_the_first_text(shared_models: Path, tmp_path: Path) -> None:
    from simemb.encoder.encoder import Encoder

    encoder = Encoder.load(shared_models / "minilm-l4-mlm")
    index = Index.build(encoder, ["A man plays a guitar.", "The stock market fell."], path=tmp_path / "index")
    loaded = Index.load(tmp_path / "index")
    assert loaded.search("A man plays a guitar.") == index.search("A man plays a guitar.")
    assert loaded.search("A man plays a guitar.", k=1)[0].score == pytest.approx(1)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def corrupt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("pattern", ["vectors-*.faiss", "texts-*.arrow"])
@pytest.mark.parametrize(
    ("damage", "line"),
    [(Path.unlink, "missing"), (truncate, "bytes instead of"), (corrupt, "checksum")],
)
def test_a_damaged_file_is_named(damage: Callable[[Path], None], line: str, pattern: str, saved: Path) -> None:
    path = file_of(saved, pattern)
    damage(path)
    with pytest.raises(SearchError, match=rf"{path.name}: .*{line}"):
        Index.load(saved)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "damaged, or not the description of an index"),
        ('{"format": 1, "enc', "damaged, or not the description of an index"),
        ("[]", "damaged, or not the description of an index"),
        ('{"format": 99}', "format 99; this simemb reads formats 1 and 2"),
        ('{"format": 1}', "damaged"),
    ],
)
def test_a_damaged_description_is_named(text: str, line: str, saved: Path) -> None:
    (saved / "index.json").write_text(text, encoding="utf-8")
    with pytest.raises(SearchError, match=rf"index\.json: {line}"):
        Index.load(saved)
    with pytest.raises(SearchError, match=r"exists \(an index\)"):
        Index.build(Trigrams(), ["new"], path=saved)
    Index.build(Trigrams(), ["new"], path=saved, overwrite=True)
    assert len(Index.load(saved)) == 1


@pytest.mark.parametrize("kind", ["vectors", "texts"])
@pytest.mark.parametrize("place", ["../moved/{}", "{folder}/moved/{}", "..\\moved\\{}", "inside/{}", "other.faiss"])
def test_a_file_outside_of_the_index_is_not_followed(saved: Path, place: str, kind: str) -> None:
    shutil.copytree(saved, saved.parent / "moved")
    shutil.copytree(saved, saved / "inside")
    description = json.loads((saved / "index.json").read_text(encoding="utf-8"))
    file = description["parts"][0][kind]
    shutil.copy(saved / file["name"], saved / "other.faiss")
    file["name"] = place.format(file["name"], folder=saved.parent)
    (saved / "index.json").write_text(json.dumps(description), encoding="utf-8")
    with pytest.raises(SearchError, match=r"index\.json: names '.*', which is no file of an index"):
        Index.load(saved)


@pytest.mark.parametrize("way", ["/etc", "C:\\models", "\\\\server\\share", "\0"])
def test_the_way_to_an_encoder_begins_at_the_index(saved: Path, way: str) -> None:
    description = json.loads((saved / "index.json").read_text(encoding="utf-8"))
    (saved / "index.json").write_text(json.dumps(description | {"beside": way}), encoding="utf-8")
    with pytest.raises(SearchError, match=r"beside is .*, which is not the way from here to an encoder"):
        Index.load(saved)


def test_files_of_two_indexes_do_not_mix(saved: Path, tmp_path: Path, encoder: Trigrams) -> None:
    Index.build(encoder, sentences(7), path=tmp_path / "other")
    one, two = (json.loads((f / "index.json").read_text(encoding="utf-8")) for f in (saved, tmp_path / "other"))
    texts = two["parts"][0]["texts"]
    (saved / texts["name"]).write_bytes((tmp_path / "other" / texts["name"]).read_bytes())
    one["parts"][0]["texts"] = texts
    (saved / "index.json").write_text(json.dumps(one), encoding="utf-8")
    with pytest.raises(SearchError, match="does not belong to"):
        Index.load(saved)


def test_a_place_without_an_index_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("absent", "empty"):
        with pytest.raises(SearchError, match=f"{name}: no index here"):
            Index.load(tmp_path / name)


def test_an_index_is_replaced_only_when_asked(saved: Path, encoder: Trigrams) -> None:
    before = content(saved)
    with pytest.raises(SearchError, match=r"exists \(an index\): --overwrite"):
        Index.build(encoder, ["new"], path=saved)
    with pytest.raises(SearchError, match=r"exists \(an index\): --overwrite"):
        Index.build(encoder, ["new"]).save(saved)
    assert content(saved) == before
    Index.build(encoder, ["new"]).save(saved, overwrite=True)
    assert len(Index.load(saved)) == 1
    assert len(list(saved.iterdir())) == 3


def test_a_directory_of_other_things_is_never_overwritten(tmp_path: Path, encoder: Trigrams) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(SearchError, match=r"holds 'thesis\.txt' and no index"):
        Index.build(encoder, ["new"], path=tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_place_that_cannot_be_a_directory_is_named(tmp_path: Path, encoder: Trigrams) -> None:
    (tmp_path / "file").write_text("text", encoding="utf-8")
    with pytest.raises(SearchError, match="file: a file, where the directory of the index should be"):
        Index.build(encoder, ["new"], path=tmp_path / "file", overwrite=True)
    with pytest.raises(SearchError, match="cannot make the directory"):
        Index.build(encoder, ["new"]).save(tmp_path / "file" / "index")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "text"


@pytest.mark.parametrize("failure", [RuntimeError("disk full"), OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("last", [False, True])
def test_a_save_that_fails_leaves_the_old_index_whole(
    failure: BaseException, last: bool, saved: Path, encoder: Trigrams, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise failure

    before = content(saved)
    index = Index.load(saved, encoder=encoder)
    index.add(["new"])
    with monkeypatch.context() as patch:
        patch.setattr(*((simemb.search.saved, "write_manifest") if last else (faiss, "write_index")), fail)
        expected = type(failure) if last or isinstance(failure, KeyboardInterrupt) else SearchError
        with pytest.raises(expected):
            index.save(saved, overwrite=True)
        with pytest.raises(expected):
            index.save(saved.parent / "elsewhere")
    assert content(saved) == before
    assert not (saved.parent / "elsewhere").exists()
    assert index.search("new")[0].text == "new"
    index.save(saved, overwrite=True)
    assert len(Index.load(saved, encoder=encoder)) == 51


def test_a_save_that_was_killed_leaves_nothing_behind_after_the_next(saved: Path, encoder: Trigrams) -> None:
    number = "1f" * 16
    for name in (f"vectors-{number}.faiss", f"texts-{number}.arrow", f".texts-{number}.arrow.{number}.partial"):
        (saved / name).write_bytes(b"half")
    assert len(Index.load(saved)) == 50
    Index.load(saved).save(saved, overwrite=True)
    assert len(list(saved.iterdir())) == 3
    (saved / "index.json").unlink()
    Index.build(encoder, ["new"], path=saved, overwrite=True)
    assert len(list(saved.iterdir())) == 3


def test_what_cannot_be_removed_does_not_fail_an_index_that_is_written(saved: Path, encoder: Trigrams) -> None:
    folder = saved / f"texts-{'1f' * 16}.arrow"
    folder.mkdir()
    Index.build(encoder, ["new"], path=saved, overwrite=True)
    assert len(Index.load(saved)) == 1
    assert folder.is_dir()


def test_a_mapped_index_outlives_its_replacement(saved: Path, encoder: Trigrams) -> None:
    old = Index.load(saved, encoder=encoder)
    before = old.search("anything", k=50)
    Index.build(encoder, ["new"], path=saved, overwrite=True)
    assert old.search("anything", k=50) == before
    with pytest.raises(SearchError, match="was changed since it was loaded"):
        old.save(saved, overwrite=True)
    assert len(Index.load(saved)) == 1


def test_of_two_handles_the_second_does_not_undo_what_the_first_saved(saved: Path, encoder: Trigrams) -> None:
    first, second = (Index.load(saved, encoder=encoder) for _ in range(2))
    for handle in (first, second):
        handle.add(["one more"], ids=["mine"])
    first.save(saved, overwrite=True)
    first.add(["another"], ids=["its own"])
    first.save(saved, overwrite=True)
    with pytest.raises(SearchError, match=r"saved: the index was changed since it was loaded: load it again"):
        second.save(saved, overwrite=True)
    assert len(Index.load(saved)) == 52
    second.save(saved.parent / "elsewhere")
    assert len(Index.load(saved.parent / "elsewhere")) == 51


def test_a_stored_index_is_mapped_and_not_read(saved: Path) -> None:
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("needs /proc to see what is mapped")
    index = Index.load(saved)
    mapped = maps.read_text(encoding="utf-8")
    stored = index.segments[0].stored
    assert stored is not None
    assert all(str(saved / file.name) in mapped for file in stored.files.values())


def test_an_index_that_moved_with_its_model_finds_it(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from simemb.encoder.encoder import Encoder

    shutil.copytree(tiny_base, tmp_path / "here" / "model")
    monkeypatch.chdir(tmp_path / "here")
    Index.build(Encoder.load("model"), ["the man sees a dog", "a red boat"], path="index")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").rename(tmp_path / "there")
    moved = Index.load("there/index")
    assert moved.search("a red boat", k=1)[0].text == "a red boat"
    moved.save("there/index", overwrite=True)
    saved = json.loads(Path("there/index/index.json").read_text(encoding="utf-8"))
    assert (saved["encoder"]["name"], saved["beside"]) == (str(tmp_path / "there" / "model"), "../model")


def test_an_index_that_moved_alone_takes_its_encoder_by_name_even_beside_another(
    tiny_base: Path, tmp_path: Path
) -> None:
    from simemb.encoder.encoder import Encoder

    shutil.copytree(tiny_base, tmp_path / "here" / "model")
    Index.build(Encoder.load(tmp_path / "here" / "model"), ["a red boat"], path=tmp_path / "here" / "index")
    shutil.copytree(tmp_path / "here" / "index", tmp_path / "there" / "index")
    Encoder.load(tiny_base, pooling="cls").save(tmp_path / "there" / "model")
    assert len(Index.load(tmp_path / "there" / "index").search("a red boat")) == 1


def test_a_second_build_is_refused_while_the_first_goes_on(tmp_path: Path, encoder: Trigrams) -> None:
    found: list[str] = []

    def second() -> None:
        try:
            Index.build(encoder, ["second"], path=tmp_path / "index", overwrite=True)
        except BusyError as error:
            found.append(str(error))

    def texts() -> Iterator[str]:
        yield "first"
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()

    Index.build(encoder, texts(), path=tmp_path / "index")
    assert found == [f"{tmp_path / 'index'} is being written by process {os.getpid()}; choose another --output"]
    assert Index.load(tmp_path / "index", encoder=encoder).search("first")[0].text == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_an_index_json_of_something_else_is_not_overwritten(tmp_path: Path, encoder: Trigrams) -> None:
    (tmp_path / "index.json").write_text('{"name": "a web page"}', encoding="utf-8")
    with pytest.raises(SearchError, match=r"holds 'index\.json' and no index"):
        Index.build(encoder, ["new"], path=tmp_path, overwrite=True)


def test_a_file_of_the_user_in_an_index_stays(saved: Path, encoder: Trigrams) -> None:
    (saved / "vectors-mine.faiss").write_text("years of work", encoding="utf-8")
    Index.build(encoder, ["new"], path=saved, overwrite=True)
    assert (saved / "vectors-mine.faiss").exists()


def test_a_pipe_in_the_place_of_the_description_is_not_waited_for(saved: Path) -> None:
    (saved / "index.json").unlink()
    os.mkfifo(saved / "index.json")
    with pytest.raises(SearchError, match="no index here"):
        Index.load(saved)


def test_a_text_that_is_null_is_damage(saved: Path) -> None:
    path = file_of(saved, "texts-*.arrow")
    table = pa.ipc.open_file(path.read_bytes()).read_all()
    texts = pa.array([None, *table["text"].to_pylist()[1:]], table.schema.field("text").type)
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(pa.table([table["id"], texts], schema=table.schema))
    description = json.loads((saved / "index.json").read_text(encoding="utf-8"))
    content = path.read_bytes()
    description["parts"][0]["texts"] |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (saved / "index.json").write_text(json.dumps(description), encoding="utf-8")
    with pytest.raises(SearchError, match="damaged, build the index again"):
        Index.load(saved)


def test_a_pipe_in_the_place_of_index_json_is_refused_before_anything_is_written(
    saved: Path, encoder: Trigrams
) -> None:
    (saved / "index.json").unlink()
    os.mkfifo(saved / "index.json")
    before = sorted(saved.iterdir())
    with pytest.raises(SearchError, match=r"index\.json: no regular file"):
        Index.build(encoder, sentences(50), path=saved, overwrite=True)
    assert sorted(saved.iterdir()) == before


def test_vectors_that_lead_to_no_text_are_damage(saved: Path, encoder: Trigrams) -> None:
    """Files of the right size are read without their checksums if that is asked for."""
    index = Index.load(saved, encoder=encoder, verify=False)
    (segment,) = index.segments
    index._segments = Segments("auto", (replace(segment, texts=segment.texts.slice(0, 9)),))
    with pytest.raises(SearchError, match="the vectors of the index do not fit its texts"):
        index.search_batch([text[3:] for text in sentences(50)], 9)

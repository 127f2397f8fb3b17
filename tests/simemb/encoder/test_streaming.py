"""Texts in, vectors out: order, kinds of input, odd texts, and files that appear whole or not at all."""

import logging
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from families import SENTENCES, make_encoder
from hypothesis import given, settings
from hypothesis import strategies as st

from simemb.encoder import batching, streaming
from simemb.encoder.encoder import Encoder
from simemb.errors import DataError

TEXTS = list(SENTENCES)
ENCODER = make_encoder()
ODD = {
    "empty": "",
    "blank": " \t\n ",
    "zero width": "\u200b\u200d\ufeff",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 🙂",
    "right to left": "שלום עולם \u202e مرحبا",
    "NUL": "a\x00man\x00",
    "only NUL": "\x00",
    "control": "\x01\x02\x7f",
    "half a surrogate pair": "a \ud83d man",
    "the other half": "\udc00",
    "Chinese": "一个男人在弹吉他",
    "combining": "e\u0301" * 40,
    "unknown to the tokenizer": "ᚠᚢᚦ",
    "one word without end": "a" * 5000,
    "special tokens": "[CLS] [SEP] [PAD] [MASK]",
}


@pytest.fixture
def encoder() -> Encoder:
    return ENCODER


@pytest.fixture
def small_chunks(monkeypatch) -> None:
    """Chunks of three texts and batches of forty tokens, so that a few texts make many of both."""
    monkeypatch.setattr(batching, "CHUNK", 3)
    monkeypatch.setattr(batching, "TOKENS", 40)


def one_by_one(encoder: Encoder, texts: list[str]) -> np.ndarray:
    return np.stack([encoder.encode(text) for text in texts])


def interrupted(texts: list[str]) -> Iterator[str]:
    yield from texts
    raise RuntimeError("the stream broke")


# ---- kinds of input and order --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        list,
        tuple,
        iter,
        lambda texts: (text for text in texts),
        lambda texts: datasets.Dataset.from_dict({"t": texts})["t"],
    ],
    ids=["list", "tuple", "iterator", "generator", "column of a dataset"],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_order_is_kept_for_every_kind_of_input(encoder, kind, chunked, request):
    expected = one_by_one(encoder, TEXTS)
    if chunked:
        request.getfixturevalue("small_chunks")
    vectors = encoder.encode(kind(TEXTS))
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), encoder.dim)
    np.testing.assert_allclose(vectors, expected, atol=1e-5, rtol=0)


def test_a_single_string_gives_a_single_vector(encoder):
    vector = encoder.encode("a man plays")
    assert vector.shape == (encoder.dim,)
    assert vector.dtype == np.float32
    np.testing.assert_allclose(vector, encoder.encode(["a man plays"])[0], atol=1e-6)


@pytest.mark.parametrize("texts", [[], (), iter([])])
@pytest.mark.parametrize("truncate_dim", [None, 5])
def test_no_texts_give_no_rows_of_the_right_width(encoder, texts, truncate_dim):
    vectors = encoder.encode(texts, truncate_dim=truncate_dim)
    assert vectors.shape == (0, truncate_dim or encoder.dim)
    assert vectors.dtype == np.float32


def test_equal_texts_give_equal_vectors(encoder):
    vectors = encoder.encode(["a dog", "the sky", "a dog", "a dog"])
    np.testing.assert_allclose(vectors[[2, 3]], vectors[[0, 0]], atol=1e-6, rtol=0)


# ---- options -------------------------------------------------------------------------------------------


def test_normalizing_gives_unit_length_in_the_same_direction(encoder):
    plain, unit = encoder.encode(TEXTS), encoder.encode(TEXTS, normalize=True)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(unit * np.linalg.norm(plain, axis=1, keepdims=True), plain, atol=1e-5)


def test_truncation_comes_before_normalizing(encoder):
    short = encoder.encode(TEXTS, truncate_dim=7)
    np.testing.assert_array_equal(short, encoder.encode(TEXTS)[:, :7])
    unit = encoder.encode(TEXTS, truncate_dim=7, normalize=True)
    np.testing.assert_allclose(unit, short / np.linalg.norm(short, axis=1, keepdims=True), atol=1e-6)


def test_a_zero_vector_survives_normalizing():
    class Zeros(streaming.Encodes):
        dim = 4

        def tokenize(self, texts, prompt=""):  # noqa: ARG002
            return [[1] for _ in texts], 0

        def embed(self, sentences, prompt=""):  # noqa: ARG002
            return np.zeros((len(sentences), 4), np.float32)

    np.testing.assert_array_equal(Zeros().encode(["a", "b"], normalize=True), np.zeros((2, 4)))


@pytest.mark.parametrize("name", ["truncate_dim", "batch_size"])
@pytest.mark.parametrize("value", [0, -3])
def test_an_option_below_one_is_refused(encoder, name, value):
    with pytest.raises(DataError, match=f"{name} must be at least 1, not {value}"):
        encoder.encode(TEXTS, **{name: value})


@given(st.lists(st.integers(1, 60), max_size=30), st.none() | st.integers(1, 7))
@settings(deadline=None)
def test_batches_hold_every_row_once_within_both_limits(lengths, batch_size):
    batches = list(batching.batches(lengths, 50, batch_size))
    assert sorted(row for rows in batches for row in rows) == list(range(len(lengths)))
    for rows in batches:
        assert batch_size is None or len(rows) <= batch_size
        assert sum(lengths[row] for row in rows) <= 50 or len(rows) == 1


@pytest.mark.parametrize("shown", [True, False, None])
def test_progress_changes_no_vector_and_stays_off_standard_output(encoder, shown, capsys):
    np.testing.assert_array_equal(encoder.encode(TEXTS, progress=shown), encoder.encode(TEXTS))
    output = capsys.readouterr()
    assert output.out == ""
    assert shown or output.err == ""


# ---- odd texts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_an_odd_text_gives_a_finite_vector(encoder, text):
    assert np.isfinite(encoder.encode(text)).all()
    np.testing.assert_allclose(encoder.encode(["a dog", text])[0], encoder.encode("a dog"), atol=1e-5, rtol=0)


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_text_at_all_gives_a_finite_vector(text):
    assert np.isfinite(ENCODER.encode(text)).all()


def test_a_text_without_any_token_gives_a_finite_vector():
    encoder = make_encoder()
    encoder.tokenizer.backend_tokenizer.post_processor = None
    sentences, cut = encoder.tokenize(["", "a dog", " "])
    assert sentences == [[encoder.tokenizer.unk_token_id], sentences[1], [encoder.tokenizer.unk_token_id]]
    assert cut == 0
    assert np.isfinite(encoder.encode(["", "a dog"])).all()


def test_long_texts_are_cut_counted_and_reported_once_over_all_chunks(encoder, caplog, small_chunks):
    long = "a dog " * 16_667
    texts = [long, "a", long, "b", "c", "d", "e", long]
    with caplog.at_level(logging.WARNING, "simemb"):
        vectors = encoder.encode(texts)
    assert np.isfinite(vectors).all()
    assert [record.getMessage() for record in caplog.records] == [
        "3 of 8 texts were longer than 32 tokens and were cut"
    ]
    np.testing.assert_allclose(vectors[0], encoder.encode("a dog " * 15), atol=1e-5, rtol=0)


def test_a_text_that_just_fits_is_not_reported(encoder, caplog):
    with caplog.at_level(logging.WARNING, "simemb"):
        encoder.encode(["a " * 30])
    assert not caplog.records
    encoder.encode(["a " * 31])
    assert len(caplog.records) == 1


@pytest.mark.parametrize("wrong", [None, 3, 1.5, b"bytes", ["a list"], np.float64("nan")])
def test_what_is_not_a_string_is_refused_with_its_position(encoder, wrong, small_chunks):
    with pytest.raises(DataError) as caught:
        encoder.encode(iter(["a", "b", "c", "d", wrong, "e"]))
    assert str(caught.value).startswith("text 5 is ")
    assert "not a string" in str(caught.value)
    assert "\n" not in str(caught.value)


# ---- to a file -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"normalize": True, "truncate_dim": 6}, {"batch_size": 2}])
def test_a_npy_file_holds_bit_for_bit_what_encode_gives_and_maps_into_memory(encoder, tmp_path, options, small_chunks):
    count = encoder.encode_to_file(TEXTS, tmp_path / "vectors.npy", **options)
    vectors = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    assert isinstance(vectors, np.memmap)
    assert count == len(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, encoder.encode(TEXTS, **options))


def test_a_parquet_file_holds_texts_and_vectors(encoder, tmp_path, small_chunks):
    texts = [*TEXTS, *(text for text in ODD.values() if "\ud83d" not in text and "\udc00" not in text)]
    assert encoder.encode_to_file(texts, tmp_path / "vectors.parquet") == len(texts)
    table = pq.read_table(tmp_path / "vectors.parquet")
    assert table.column_names == ["text", "embedding"]
    assert table["text"].to_pylist() == texts
    assert str(table.schema.field("embedding").type) == f"fixed_size_list<element: float>[{encoder.dim}]"
    np.testing.assert_array_equal(np.array(table["embedding"].to_pylist(), np.float32), encoder.encode(texts))


def test_half_a_surrogate_pair_is_replaced_with_a_notice(encoder, tmp_path, caplog):
    np.testing.assert_array_equal(encoder.encode("a \ud83d man"), encoder.encode("a \ufffd man"))
    caplog.clear()
    encoder.encode_to_file(["a \ud83d man", "a man", "\udc00"], tmp_path / "vectors.parquet")
    assert pq.read_table(tmp_path / "vectors.parquet")["text"].to_pylist() == ["a \ufffd man", "a man", "\ufffd"]
    assert caplog.messages == ["2 of 3 texts hold half of a surrogate pair: U+FFFD is read in its place"]


@pytest.mark.parametrize("suffix", [".npy", ".parquet"])
def test_a_generator_of_unknown_length_streams_to_a_file(encoder, tmp_path, suffix, small_chunks):
    count = encoder.encode_to_file((f"dog {number}" for number in range(100)), tmp_path / f"vectors{suffix}")
    assert count == 100
    rows = np.load(tmp_path / "vectors.npy") if suffix == ".npy" else pq.read_table(tmp_path / "vectors.parquet")
    assert len(rows) == 100


@pytest.mark.parametrize("suffix", [".npy", ".parquet"])
def test_no_texts_make_a_file_without_rows(encoder, tmp_path, suffix):
    assert encoder.encode_to_file([], tmp_path / f"vectors{suffix}") == 0
    if suffix == ".npy":
        assert np.load(tmp_path / "vectors.npy").shape == (0, encoder.dim)
    else:
        assert pq.read_table(tmp_path / "vectors.parquet").num_rows == 0


@pytest.mark.parametrize("suffix", [".npy", ".parquet"])
@pytest.mark.parametrize("older", [None, b"older content"])
def test_an_iterator_that_breaks_leaves_no_file_and_an_older_one_whole(encoder, tmp_path, suffix, older, small_chunks):
    path = tmp_path / f"vectors{suffix}"
    if older:
        path.write_bytes(older)
    with pytest.raises(RuntimeError, match="the stream broke"):
        encoder.encode_to_file(interrupted(TEXTS), path, overwrite=True)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == ({path.name: older} if older else {})


@pytest.mark.parametrize("name", ["vectors.txt", "vectors", "vectors.npy.gz"])
def test_another_kind_of_file_is_refused_before_anything_is_computed(encoder, tmp_path, name):
    texts = iter(TEXTS)
    with pytest.raises(DataError, match=r"\.npy or \.parquet"):
        encoder.encode_to_file(texts, tmp_path / name)
    assert next(texts) == TEXTS[0]
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_place_of_the_file_is_a_line_and_leaves_nothing(encoder, tmp_path):
    (tmp_path / "vectors.npy").mkdir()
    with pytest.raises(DataError, match=r"vectors\.npy: is a directory"):
        encoder.encode_to_file(TEXTS, tmp_path / "vectors.npy")
    assert [file.name for file in tmp_path.iterdir()] == ["vectors.npy"]


def test_an_error_of_the_source_names_the_source(encoder, tmp_path):
    def unreadable() -> Iterator[str]:
        yield "a"
        raise FileNotFoundError(2, "No such file or directory", "corpus.txt")

    with pytest.raises(DataError, match=r"corpus\.txt"):
        encoder.encode_to_file(unreadable(), tmp_path / "vectors.npy")
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_the_number_of_texts(tmp_path, monkeypatch):
    """The vectors alone would take 40 megabytes."""

    class Wide(streaming.Encodes):
        dim = 10_000

        def tokenize(self, texts, prompt=""):  # noqa: ARG002
            return [[1]] * len(texts), 0

        def embed(self, sentences, prompt=""):  # noqa: ARG002
            return np.ones((len(sentences), self.dim), np.float32)

    monkeypatch.setattr(batching, "CHUNK", 20)
    tracemalloc.start()
    try:
        Wide().encode_to_file((str(i) for i in range(1000)), tmp_path / "v.npy")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert np.load(tmp_path / "v.npy", mmap_mode="r").shape == (1000, 10_000)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read where Linux keeps it")
def test_twenty_times_the_texts_take_no_more_than_24_megabytes_more(encoder, tmp_path, monkeypatch):
    """Of the process's own memory; the vectors of the larger file and their texts would take 40 megabytes."""
    monkeypatch.setattr(batching, "CHUNK", 256)
    padding = " " * 2_000

    def private() -> float:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024

    def peak(count: int) -> float:
        seen: list[float] = []

        def texts() -> Iterator[str]:
            for number in range(count):
                if number % 256 == 0:
                    seen.append(private())
                yield f"a dog {number}{padding}"

        assert encoder.encode_to_file(texts(), tmp_path / f"{count}.npy", progress=False) == count
        return max(seen)

    few = peak(1_000)
    assert peak(20_000) - few < 24

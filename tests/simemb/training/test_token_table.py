"""The token cache: the tokenizer's own ids, shared between runs, safe, in bounded memory and fast."""

import pickle
import resource
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizer, PreTrainedTokenizerFast

from simemb.corpus.rows import Rows, open_rows
from simemb.errors import DataError, ModelError
from simemb.training import token_table as tokens
from simemb.training.token_table import token_table

WORDS = ["the", "a", "man", "woman", "dog", "cat", "plays", "eats", "runs", "guitar", "fast", "slowly", "red"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
TRIPLES = [("the man plays", "a man plays fast", "the dog eats"), ("", "zzz", "a cat " * 20), ("a", "a", "a")]


def make_tokenizer(*, special: bool = True, words: list[str] = WORDS) -> PreTrainedTokenizerFast:
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *words])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if special:
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


class LetterTokenizer(PreTrainedTokenizer):
    """A tokenizer in Python: one token a letter."""

    def __init__(self) -> None:
        self.letters = {letter: number for number, letter in enumerate(["?", *"abcdefghijklmnopqrstuvwxyz"])}
        super().__init__(unk_token="?", pad_token="?")

    @property
    def vocab_size(self) -> int:
        return len(self.letters)

    def get_vocab(self) -> dict[str, int]:
        return dict(self.letters)

    def _tokenize(self, text: str) -> list[str]:
        return list(text)

    def _convert_token_to_id(self, token: str) -> int:
        return self.letters.get(token, 0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tokens"


def listed(table: tokens.TokenTable, column: int) -> list[list[int]]:
    return [row.tolist() for row in table.ids(column, range(len(table)))]


@pytest.mark.parametrize("max_length", [3, 6, 512])
def test_the_ids_are_those_of_the_tokenizer(max_length: int):
    tokenizer = make_tokenizer()
    table = token_table(open_rows(TRIPLES), tokenizer, max_length=max_length)
    assert (len(table), table.columns) == (3, ("anchor", "positive", "negative"))
    for column, texts in enumerate(zip(*TRIPLES, strict=True)):
        expected = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
        assert listed(table, column) == expected
    longer = sum(len(tokenizer(text)["input_ids"]) > max_length for row in TRIPLES for text in row)
    assert table.truncated == longer
    assert token_table(open_rows(TRIPLES), tokenizer, max_length=max_length).truncated == longer


def test_a_real_tokenizer_and_a_real_corpus_agree(shared_data: Path, shared_models: Path):
    tokenizer = AutoTokenizer.from_pretrained(shared_models / "minilm-l4-mlm")
    rows = open_rows(shared_data / "sts/stsb/train.tsv")
    table = token_table(rows, tokenizer, max_length=32)
    assert len(table) == 5749
    firsts = [first for first, _ in rows.texts()]
    chosen = [5748, 0, 4095, 4096, 4097, 0, 17]
    expected = tokenizer([firsts[row] for row in chosen], truncation=True, max_length=32)["input_ids"]
    assert [ids.tolist() for ids in table.ids(0, chosen)] == expected


def test_the_ids_are_views_of_the_mapped_file(cache: Path):
    table = token_table(open_rows(["the man", "a dog"]), make_tokenizer(), max_length=8)
    first, second = table.ids(0, [0, 1])
    assert first.dtype == np.int32
    assert not first.flags.owndata
    assert not first.flags.writeable
    distance = second.__array_interface__["data"][0] - first.__array_interface__["data"][0]
    assert distance == first.nbytes  # one text lies behind the other
    maps = [part.path for part in psutil.Process().memory_maps(grouped=False)]
    assert str(table.path) in maps
    assert table.path.parent == cache


def test_many_chunks_are_one_table(monkeypatch):
    texts = [" ".join(WORDS[: 1 + number % 7]) for number in range(1000)]
    whole = listed(token_table(open_rows(texts), make_tokenizer(), max_length=9), 0)
    monkeypatch.setattr(tokens, "CHUNK_ROWS", 7)
    monkeypatch.setattr(tokens, "CHUNK_CHARACTERS", 100)
    monkeypatch.setattr(tokens, "FORMAT_VERSION", 0)  # so that the whole one is not found
    table = token_table(open_rows(texts), make_tokenizer(), max_length=9)
    assert listed(table, 0) == whole
    order = np.random.default_rng(0).permutation(1000)
    assert [row.tolist() for row in table.ids(0, order)] == [whole[number] for number in order]


@pytest.mark.parametrize("wanted", [[-1], [0, 3], [99]])
def test_a_row_out_of_range_is_an_error(wanted: list[int]):
    table = token_table(open_rows(TRIPLES), make_tokenizer(), max_length=8)
    assert table.ids(0, []) == []
    with pytest.raises(IndexError, match="row out of range: 3 rows"):
        table.ids(0, wanted)


def test_a_second_run_finds_the_file_and_reads_no_row_again(monkeypatch, cache: Path):
    first = token_table(open_rows(TRIPLES), make_tokenizer(), max_length=8)
    used = make_tokenizer()
    used("the man", truncation=True, max_length=2, padding="max_length")  # leaves its settings behind
    monkeypatch.setattr(Rows, "texts", lambda _: pytest.fail("the rows were read again"))
    again = token_table(open_rows(TRIPLES), used, max_length=8)
    assert (again.path, listed(again, 1)) == (first.path, listed(first, 1))
    assert len(list(cache.iterdir())) == 1


def test_other_texts_tokenizers_and_lengths_have_their_own_files(cache: Path):
    left = make_tokenizer()
    left.truncation_side = "left"
    paths = {
        token_table(open_rows(TRIPLES), make_tokenizer(), max_length=8).path,
        token_table(open_rows(TRIPLES), make_tokenizer(), max_length=9).path,
        token_table(open_rows(TRIPLES[::-1]), make_tokenizer(), max_length=8).path,
        token_table(open_rows(TRIPLES), make_tokenizer(special=False), max_length=8).path,
        token_table(open_rows(TRIPLES), make_tokenizer(words=WORDS[::-1]), max_length=8).path,
        token_table(open_rows(TRIPLES), left, max_length=8).path,
    }
    assert len(paths) == 6 == len(list(cache.iterdir()))


def test_a_text_without_any_token_becomes_the_unknown_token():
    bare = make_tokenizer(special=False)
    assert listed(token_table(open_rows(["", "the", " "]), bare, max_length=4), 0) == [[1], [4], [1]]
    bare.unk_token = None
    assert listed(token_table(open_rows(["", "the"]), bare, max_length=4), 0) == [[0], [4]]
    bare.pad_token = None
    with pytest.raises(ModelError, match="neither an unknown nor a padding token"):
        token_table(open_rows(["", "the"]), bare, max_length=4)


def test_a_tokenizer_in_python_works_the_same():
    tokenizer = LetterTokenizer()
    assert not tokenizer.is_fast
    table = token_table(open_rows(["abc", "a", "", "abcdef", "abcd"]), tokenizer, max_length=4)
    assert listed(table, 0) == [[1, 2, 3], [1], [0], [1, 2, 3, 4], [1, 2, 3, 4]]
    assert table.truncated == 1
    assert token_table(open_rows(["abc"]), LetterTokenizer(), max_length=4).truncated == 0


@pytest.mark.parametrize("max_length", [0, 1, 2])
def test_a_length_without_room_for_text_is_refused(max_length: int):
    with pytest.raises(DataError, match=f"max_length {max_length} leaves no room .* adds 2 special .* use 3 or"):
        token_table(open_rows(TRIPLES), make_tokenizer(), max_length=max_length)


def test_a_damaged_file_is_made_anew(caplog: pytest.LogCaptureFixture):
    expected = token_table(open_rows(TRIPLES), make_tokenizer(), max_length=8)
    whole, path = expected.path.read_bytes(), expected.path
    ids = listed(expected, 2)
    damages = [b"", b"ARROW1", whole[: len(whole) // 2], whole[:-7], bytes(len(whole)), b"x" * len(whole)]
    for damaged in damages:
        path.unlink()
        path.write_bytes(damaged)
        assert listed(token_table(open_rows(TRIPLES), make_tokenizer(), max_length=8), 2) == ids
        assert path.read_bytes() == whole
    assert caplog.text.count("it is made anew") == len(damages)


def test_one_bit_anywhere_is_noticed():
    expected = token_table(open_rows(TRIPLES), make_tokenizer(), max_length=8)
    whole, path, ids = expected.path.read_bytes(), expected.path, listed(expected, 0)
    for place in range(0, len(whole), len(whole) // 40):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.unlink()
        path.write_bytes(damaged)
        assert listed(token_table(open_rows(TRIPLES), make_tokenizer(), max_length=8), 0) == ids
        assert path.read_bytes() == whole


def test_the_table_of_other_texts_is_not_read_under_this_name():
    other = token_table(open_rows(TRIPLES[::-1]), make_tokenizer(), max_length=8)
    table = token_table(open_rows(TRIPLES), make_tokenizer(), max_length=8)
    ids = listed(table, 0)
    shutil.copy(other.path, table.path)
    assert listed(token_table(open_rows(TRIPLES), make_tokenizer(), max_length=8), 0) == ids


def test_a_bad_row_leaves_no_file_behind(tmp_path: Path, cache: Path):
    path = tmp_path / "a.tsv"
    path.write_text("anchor\tpositive\n" + "a\tb\n" * 5000 + "a\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 5002 has 1 column"):
        token_table(open_rows(path), make_tokenizer(), max_length=8)
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_said_and_done_without(
    tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture
):
    expected = listed(token_table(open_rows(TRIPLES), make_tokenizer(), max_length=8), 2)
    shutil.rmtree(cache.parent)
    cache.parent.touch()
    table = token_table(open_rows(TRIPLES), make_tokenizer(), max_length=8)
    assert listed(table, 2) == expected
    assert table.truncated == 1
    assert caplog.text.count("cannot be written (Not a directory): it is done without") == 1


def test_a_full_disk_is_said_where_there_is_no_other_place(cache: Path):
    rows = open_rows(["the man plays a guitar"] * 5000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # to a writer, a disk that is full
    try:
        with pytest.raises(
            DataError, match=r"the cache .*tokens cannot be written \(.*\), nor can .*; make room, or set"
        ):
            token_table(rows, make_tokenizer(), max_length=8)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not cache.exists()


def test_threads_that_start_together_get_the_same_table(cache: Path):
    rows, tokenizer = open_rows(["the man plays a guitar", "a dog"] * 3000), make_tokenizer()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: token_table(rows, tokenizer, max_length=8), range(4)))
    assert len({table.path for table in found}) == 1
    assert [len(table) for table in found] == [6000] * 4
    assert len(list(cache.iterdir())) == 1


PROCESS = """
import sys
from transformers import PreTrainedTokenizerFast
from simemb.corpus.rows import open_rows
from simemb.training.token_table import token_table
tokenizer = PreTrainedTokenizerFast.from_pretrained(sys.argv[1])
rows = open_rows(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
table = token_table(rows, tokenizer, max_length=8)
print(len(table), sum(int(row.sum()) for row in table.ids(0, range(len(table)))))
"""


def test_processes_that_start_together_get_the_same_table(tmp_path: Path, cache: Path):
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("the man plays a guitar\na dog runs\n" * 10_000, encoding="utf-8")
    command = [sys.executable, "-c", PROCESS, str(tmp_path / "tokenizer"), str(corpus)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as one, subprocess.Popen(command, **pipes) as two:
        assert [run.stdout.readline() for run in (one, two)] == ["ready\n"] * 2
        for run in (one, two):
            run.stdin.close()
        outputs = {run.stdout.read() for run in (one, two)}
    expected = 10_000 * sum(map(sum, tokenizer(["the man plays a guitar", "a dog runs"])["input_ids"]))
    assert outputs == {f"20000 {expected}\n"}
    assert len(list(cache.iterdir())) == 1


def test_a_table_travels_to_a_worker_process():
    table = token_table(open_rows(TRIPLES), make_tokenizer(), max_length=8)
    assert listed(pickle.loads(pickle.dumps(table)), 0) == listed(table, 0)


class PeakMemory:
    """How much this process grew at most while a block ran, in MiB."""

    def __enter__(self) -> "PeakMemory":
        self.process = psutil.Process()
        self.before = self.peak = self.process.memory_info().rss
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self) -> None:
        while not self.done.wait(0.005):
            self.peak = max(self.peak, self.process.memory_info().rss)

    def __exit__(self, *error: object) -> None:
        self.done.set()
        self.thread.join()
        self.growth = (self.peak - self.before) / 2**20


def test_memory_stays_bounded_and_reading_copies_nothing(tmp_path: Path):
    # All 40,000 texts and their encodings at once take 70 MiB.
    count = 40_000
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("".join(f"the man plays {number}\n" for number in range(count)), encoding="utf-8")
    token_table(open_rows(TRIPLES), make_tokenizer(), max_length=16)  # what is allocated once
    with PeakMemory() as memory:
        table = token_table(open_rows(corpus), make_tokenizer(), max_length=16)
    assert len(table) == count
    assert memory.growth < 40

    rows = np.random.default_rng(0).integers(0, count, 10_000)
    ids = table.ids(0, rows)  # benchmarks/tokenizing.py measures how fast
    assert len(ids) == len(rows)
    assert not any(row.flags.owndata or row.flags.writeable for row in ids)

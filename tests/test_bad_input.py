"""What a user gets wrong: one line that says what, where and what to do, exit code 2, and nothing half-written."""

import gzip
import json
import os
import resource
import shlex
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from simemb.cli import main

TRIPLETS = "anchor,positive,negative\na man eats,the man eats,a dog\na cat,the cat,a bird\na boat,the boat,a cake\n"
PAIRS = "score\tsentence1\tsentence2\n1\ta man\ta dog\n4\ta cat\tthe cat\n2\ta red boat\ta cake\n"
TEXT = "a man eats\na dog\nthe cat sees a bird\na boat\n" * 10
ENCODE = "encode {tiny} {file} --output vectors.npy"
TRAIN = "train simcse --model {tiny} --data good.txt --dev none --batch-size 8 --output run"
STARTED = frozenset({"run", "run/recipe.json", "run/run.yaml", "run/metrics.jsonl"})
"""What is left of a run that began and could not go on: the record of what was asked and seen."""


@dataclass(frozen=True)
class Case:
    """One mistake.

    words: the command; {tiny} is a model, {file} the only file of `files`. says: parts of the complaint. before: makes
    what cannot be written as `files`. leaves: paths that may be new or other than before. bytes: no file may
    grow larger, as on a full disk.
    """

    name: str
    words: str
    says: tuple[str, ...]
    files: dict[str, str | bytes] = field(default_factory=dict)
    before: Callable[["Kitchen"], None] | None = None
    leaves: frozenset[str] = frozenset()
    bytes: int | None = None


@dataclass(frozen=True)
class Kitchen:
    """The working folder of a case, and what other tests made for it."""

    here: Path
    tiny: Path
    run: Path
    halted: Path
    index: Path
    other: Path

    def take(self, what: Path, name: str) -> Path:
        """A copy of something in the working folder."""
        shutil.copytree(what, self.here / name)
        return self.here / name

    def spoil(self, what: Path, name: str, file: str, content: Callable[[bytes], bytes | None]) -> None:
        """A copy in which one file has other bytes, or is gone."""
        path = next(self.take(what, name).glob(file))
        spoiled = content(path.read_bytes())
        path.unlink()
        if spoiled is not None:
            path.write_bytes(spoiled)


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def noise(content: bytes) -> bytes:
    return b"\xa5" * len(content)


def flipped(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def emptied(content: bytes) -> bytes:
    return b""


def gone(content: bytes) -> None:
    return None


def replaced(**changes: Any) -> Callable[[bytes], bytes]:
    return lambda content: json.dumps({**json.loads(content), **changes}).encode()


def poisoned(content: bytes) -> bytes:
    """The same safetensors file with its first weights not a number."""
    start = 8 + struct.unpack("<Q", content[:8])[0]
    return content[:start] + struct.pack("<f", float("nan")) * ((len(content) - start) // 4)


def static_model(kitchen: Kitchen) -> None:
    """A model of sentence-transformers with a module that we do not know."""
    import torch
    from safetensors.torch import save_file

    folder = kitchen.here / "static"
    folder.mkdir()
    kind = "sentence_transformers.models.StaticEmbedding"
    (folder / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": kind}]))
    shutil.copy(kitchen.tiny / "tokenizer.json", folder)
    rows = len(json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"])
    save_file({"embedding.weight": torch.ones(rows, 8)}, folder / "model.safetensors")


def bad_file(name: str, file: str, content: str | bytes, *says: str, words: str = ENCODE) -> Case:
    return Case(name, words, (file, *says), {file: content})


def bad_words(name: str, words: str, *says: str) -> Case:
    return Case(name, words, says)


def bad_option(option: str, *says: str) -> Case:
    return Case(f"train {option}", f"{TRAIN} {option}", says)


FILES = (
    bad_words("a missing file", ENCODE.format(tiny="{tiny}", file="godo.txt"), "'godo.txt'", "did you mean 'good.txt'"),
    bad_file("an empty file", "a.txt", "", "has no rows"),
    bad_file("blank lines only", "a.txt", "\n\n \n", "has no rows"),
    bad_file("an empty csv", "a.csv", "", "is empty", "header"),
    bad_file("a header only", "a.csv", "text,other\n", "has no rows"),
    bad_file("an empty jsonl", "a.jsonl", "", "is empty"),
    bad_file("not UTF-8", "a.txt", b"good\ncaf\xe9\n", "line 2, byte 4", "0xe9", "UTF-8"),
    bad_file("a NUL byte", "a.txt", b"good\nba\0d\n", "line 2, byte 3", "NUL"),
    bad_file("a ragged row", "a.csv", "text,other\na,b\nc\n", "line 3 has 1 column", "2 (text, other)"),
    bad_file("an open quote", "a.csv", 'text\n"never closed\n', "line 2", "quote"),
    bad_file("a broken JSON line", "a.jsonl", '{"text": "a"}\n{"text": \n', "line 2", "not valid JSON"),
    bad_file("a JSON line that is no object", "a.jsonl", '["a"]\n', "line 1", "an object"),
    bad_file("a JSON line without the key", "a.jsonl", '{"text": "a"}\n{"txet": "b"}\n', "line 2", "'text'", "1 of 2"),
    bad_file("a missing text", "a.jsonl", '{"text": "a"}\n{"text": null}\n', "line 2", "'text'", "null"),
    bad_file("a number as text", "a.jsonl", '{"text": "a"}\n{"text": 7}\n', "line 2", "'text'", "the number 7"),
    bad_file("a column of numbers", "a.jsonl", '{"text": 1}\n{"text": 2}\n', "text"),
    bad_file("an unknown ending", "a.docx", "text", ".docx", ".jsonl"),
    bad_file("no ending", "notes", "text", "no ending", ".txt"),
    bad_file("no gzip", "a.txt.gz", b"plain text\n", "not valid gzip"),
    bad_file("an interrupted gzip", "a.txt.gz", half(gzip.compress(os.urandom(900).hex().encode())), "interrupted"),
    bad_file("no parquet", "a.parquet", b"PAR1 but not really", "not a whole parquet file"),
    bad_file("a column twice", "a.csv", "text,text\na,b\n", "'text' occurs twice"),
    bad_file("an unknown column", "a.csv", "text\na\n", "'txt'", "'text'", words=ENCODE + " --column txt"),
    bad_file("nothing recognized", "a.csv", "a,b,c,d\n1,2,3,4\n", "is not certain", "a ('1'), b", "a holds numbers"),
    Case("a folder as a file", ENCODE.format(tiny="{tiny}", file="."), ("directory", "file")),
    bad_words("an unknown corpus", f"{TRAIN} --data wikki", "'wikki'", "'wiki'"),
    Case(
        "one column where two are needed",
        "train simcse_sup --model {tiny} --data good.txt --dev none --output run",
        ("good.txt", "needs 2 text columns", "it has 1 (sentence)", "--columns"),
    ),
    Case(
        "a single example",
        TRAIN.replace("good.txt", "one.txt"),
        ("one.txt", "1 example", "at least 2"),
        {"one.txt": "alone\n"},
    ),
    Case("a bad row far down", f"{TRAIN} --data a.txt", ("a.txt, line 41",), {"a.txt": TEXT.encode() + b"\xff\n"}),
)
EVAL = "eval {tiny} --suite {file} --json scores.json"
SCORES = (
    bad_file("a score that is a word", "a.tsv", PAIRS + "many\ta\tb\n", "line 5", "'many'", "number", words=EVAL),
    bad_file("a score that is nan", "a.tsv", PAIRS + "nan\ta\tb\n", "line 5", "'nan'", "finite", words=EVAL),
    bad_file("one score everywhere", "a.tsv", "score\tsentence1\tsentence2\n" + "3\ta\tb\n" * 4, "all 4", words=EVAL),
    bad_file("a single pair", "a.tsv", "score\tsentence1\tsentence2\n3\ta\tb\n", "1 scored pair", "2", words=EVAL),
    bad_file("no score column", "a.tsv", "sentence1\tsentence2\na\tb\n", "a score", "sentence1", words=EVAL),
    bad_words("an unknown suite", "eval {tiny} --suite stsb_dve", "'stsb_dve'", "'stsb_dev'"),
    bad_words("a suite that is no file", "eval {tiny} --suite none.tsv", "none.tsv"),
    bad_words("a dev file that is not there", TRAIN.replace("--dev none", "--dev dve.tsv"), "dve.tsv", "dev.tsv"),
    Case(
        "a score beyond the scale",
        "eval {tiny} --suite stsb_dev",
        ("stsb_dev", "score 9", "0 to 5"),
        {"data/sts/stsb/dev.tsv": PAIRS + "9\ta\tb\n"},
    ),
)
WORDS = (
    bad_words("an unknown verb", "trian simcse", "'trian'", "'train'", "encode"),
    bad_words("an unknown recipe", "train simsce", "'simsce'", "'simcse'", "simcse_sup"),
    bad_words("no recipe", "train --output run", "recipe", "simemb list recipes"),
    bad_words("an unknown option", f"{TRAIN} --temprature 1", "'--temprature'", "--objective.temperature"),
    bad_words("an unknown choice", f"{TRAIN} --schedule lineer", "'lineer'", "'linear'", "cosine"),
    bad_words("an unknown metric", f"{TRAIN} --metric spearmen", "'spearmen'", "'spearman'"),
    bad_words("an unknown pooling", "encode {tiny} good.txt --output v.npy --pooling men", "'men'", "'mean'"),
    bad_words("an unknown pooling in training", f"{TRAIN} --pooling cl", "'cl'", "'cls'"),
    bad_words("a word for a number", "search {tiny} dog -k few", "'few'", "whole number"),
    bad_words("no model to score", "eval --suite sts", "missing", "MODEL"),
    bad_words("nothing to search", "search {tiny}", "missing", "QUERY"),
    bad_words("no output", "encode {tiny} good.txt", "missing", "--output"),
    bad_words("one argument too many", "encode {tiny} good.txt v.npy --output v.npy", "'v.npy'", "too many"),
    bad_words("vectors to an unknown format", "encode {tiny} good.txt --output v.csv", ".npy or .parquet", ".csv"),
    bad_words("vectors over their own texts", "encode {tiny} good.txt --output good.txt", "good.txt", "--output"),
    bad_words("a batch of no text", "encode {tiny} good.txt --output v.npy --batch-size 0", "batch_size", "1", "0"),
    bad_words(
        "an index of no dimension", "index {tiny} good.txt --output i --truncate-dim 0", "--truncate-dim", "1", "0"
    ),
    bad_words(
        "an index of too many", "index {tiny} good.txt --output i --truncate-dim 33", "--truncate-dim", "32", "33"
    ),
    bad_words("no dimension", "encode {tiny} good.txt --output v.npy --truncate-dim 0", "--truncate-dim", "1", "0"),
    bad_words("an unknown list", "list recipe", "WHAT", "'recipe'", "'recipes'"),
    bad_words("the same seed twice", f"{TRAIN} --seeds 1 2 1", "--seeds 1 2 1", "once"),
)
NUMBERS = (
    bad_option("--batch-size 1", "--batch-size 1", "2 or more"),
    bad_option("--batch-size 0", "--batch-size", "at least 1", "0"),
    bad_option("--max-length 1", "--max-length 1", "3 to"),
    bad_option("--max-length 2", "--max-length 2", "3 to"),
    bad_option("--objective.temperature 0", "temperature", "above 0"),
    bad_option("--objective.temperature -1", "temperature", "above 0", "-1"),
    bad_option("--dropout 1.5", "--dropout", "[0, 1)", "1.5"),
    bad_option("--learning-rate -1", "--learning-rate", "above 0", "-1"),
    bad_option("--learning-rate nan", "--learning-rate", "above 0", "nan"),
    bad_option("--chunk 0", "--chunk", "at least 1", "0"),
    bad_option("--epochs 0", "--epochs", "at least 1", "0"),
    bad_option("--seed -1", "--seed", "-1"),
    bad_option("--precision fp16", "fp16", "GPU"),
    bad_option("--resume --overwrite", "--resume", "--overwrite", "choose one"),
)
OTHER = "train {} --model {{tiny}} --data good.txt --dev none --output run {}"
RECIPES = (
    bad_words("a teacher that is not there", OTHER.format("distil", "--target.model no/model"), "'no/model'"),
    bad_words("a guide that is not there", OTHER.format("denoise", "--guide no/model"), "'no/model'"),
    bad_words("a twin that is not there", OTHER.format("cmc", "--target.model no/model"), "'no/model'"),
    bad_words(
        "batch norm over a single example", OTHER.format("byol", "--batch-size 1"), "--batch-size 1", "2 or more"
    ),
    bad_words("a view that no recipe has", OTHER.format("moco_v1", "--memory.view 2"), "--memory.view 2", "0 to 1"),
    bad_words(
        "a momentum beyond 1", OTHER.format("byol", "--target.momentum 1.5"), "--target.momentum", "[0, 1]", "1.5"
    ),
    bad_words("no place in the queue", OTHER.format("moco_v1", "--memory.size 0"), "--memory.size", "at least 1", "0"),
    Case(
        "pairs without the scores",
        "train cosent --model {tiny} --data a.tsv --dev none --output run",
        ("a.tsv", "CoSENT needs a score", "anchor, positive"),
        {"a.tsv": "anchor\tpositive\n" + "a cat\tthe cat\n" * 4},
    ),
    bad_words("a recipe file that is not there", "train ./mine.py --output run", "no recipe file mine.py"),
    bad_file("a syntax error", "a.py", "recipe = (\n", "SyntaxError", words="train {file} --output run"),
    bad_file("a recipe that fails", "a.py", "1 / 0\n", "ZeroDivisionError", words="train {file} --output run"),
    bad_file("no recipe in the file", "a.py", "x = 1\n", "no `recipe`", words="train {file} --output run"),
    bad_file("no JSON", "recipe.json", "{", "not a run's recipe.json", words="train {file} --output run"),
    bad_file("no recipe in the JSON", "a.json", "{}", "recipe is missing", words="train {file} --output run"),
    bad_file(
        "an unknown field", "a.json", '{"recipe": {"kind": "Recipe", "batch": 1}}', "'batch'", words="train {file}"
    ),
    bad_file("a missing field", "a.json", '{"recipe": {"kind": "Recipe"}}', "views", words="train {file}"),
)
MODELS = (
    bad_words(
        "a hub name without network", "encode no/model good.txt --output v.npy", "'no/model'", "no directory here"
    ),
    bad_words("a folder without a model", "encode . good.txt --output v.npy", "holds no model", "config.json"),
    bad_words("a file as a model", "encode good.txt good.txt --output v.npy", "good.txt is a file"),
    *(
        Case(
            name,
            "encode bad good.txt --output v.npy",
            ("bad", *says),
            before=lambda kitchen, file=file, how=how: kitchen.spoil(kitchen.tiny, "bad", file, how),
        )
        for name, file, how, says in (
            ("half of the weights", "model.safetensors", half, ("no complete safetensors file",)),
            ("noise for weights", "model.safetensors", noise, ("no complete safetensors file",)),
            ("no weights", "model.safetensors", gone, ("has no model.safetensors",)),
            ("half of a config", "config.json", half, ("config.json", "JSON")),
            ("half of a tokenizer", "tokenizer.json", half, ("cannot be loaded",)),
        )
    ),
    Case(
        "a model without head",
        "encode {tiny} good.txt --output v.npy --pooling cls_head",
        ("no trained pooler", "cls"),
    ),
    Case(
        "vectors that are not finite",
        "eval bad --suite dev.tsv --json scores.json",
        ("bad", "not finite"),
        before=lambda kitchen: kitchen.spoil(kitchen.tiny, "bad", "model.safetensors", poisoned),
    ),
    Case(
        "written vectors that are not finite",
        "encode bad good.txt --output vectors.npy",
        ("bad", "not finite"),
        before=lambda kitchen: kitchen.spoil(kitchen.tiny, "bad", "model.safetensors", poisoned),
    ),
    Case(
        "training weights that are not finite",
        TRAIN.replace("{tiny}", "bad"),
        ("word_embeddings.weight has a value that is not finite",),
        before=lambda kitchen: kitchen.spoil(kitchen.tiny, "bad", "model.safetensors", poisoned),
        leaves=STARTED,
    ),
    Case(
        "a learning rate that is far too high",
        f"{TRAIN} --learning-rate 1e30",
        ("loss is nan", "step 2", "learning rate"),
        leaves=STARTED,
    ),
    Case(
        "training a model of sentence-transformers",
        TRAIN.replace("{tiny}", "static"),
        ("static", "a static model", "cannot be trained"),
        before=static_model,
    ),
)
RESUME = "train simcse --model {tiny} --data good.txt --dev dev.tsv --batch-size 8 --eval-every 2 --output run"
RUNS = (
    Case(
        "a run that is there", TRAIN, ("run exists", "--resume", "--overwrite"), before=lambda k: k.take(k.run, "run")
    ),
    Case("other things that are there", TRAIN, ("no recipe.json", "another --output"), {"run/thesis.txt": "mine"}),
    Case("no run to overwrite", f"{TRAIN} --overwrite", ("no recipe.json", "alone"), {"run/thesis.txt": "my work"}),
    Case("nothing to resume", f"{TRAIN} --resume", ("run", "nothing to resume")),
    Case("no seed to resume", f"{TRAIN} --seeds 1 2 --resume", ("run", "nothing to resume")),
    Case(
        "a seed that is there",
        f"{TRAIN} --seeds 1 2",
        ("seed-2 exists", "--overwrite"),
        before=lambda kitchen: kitchen.take(kitchen.run, "run/seed-2"),
    ),
    Case("a file as the run", TRAIN, ("run", "a file is in the way"), {"run": "a file"}),
    Case("a file above the run", TRAIN.replace("output run", "output good.txt/run"), ("good.txt/run", "in the way")),
    Case(
        "a run where nothing can be", TRAIN.replace("output run", "output /proc/run"), ("/proc/run", "cannot be writ")
    ),
    *(
        Case(
            f"resuming with another {what}",
            f"{RESUME} --resume {option}",
            ("run: cannot resume with another", what, "leave the options"),
            before=lambda kitchen: kitchen.take(kitchen.halted, "run"),
        )
        for what, option in (
            ("seed", "--seed 2"),
            ("learning_rate", "--learning-rate 1e-3"),
            ("data", "--data other.txt"),
            ("model", "--model {other}"),
        )
    ),
    *(
        Case(
            f"resuming with {name}",
            f"{RESUME} --resume",
            ("run", *says),
            before=lambda kitchen, file=file, how=how: kitchen.spoil(kitchen.halted, "run", file, how),
        )
        for name, file, how, says in (
            ("half a checkpoint", "last/*", half, ("checkpoint is damaged", "--overwrite")),
            ("a checkpoint of noise", "last/*", noise, ("checkpoint is damaged",)),
            ("an empty checkpoint", "last/*", emptied, ("checkpoint is damaged",)),
            ("half a recipe.json", "recipe.json", half, ("recipe.json", "is damaged", "another --output")),
        )
    ),
)
SEARCH = "search index dog"
INDEXES = (
    bad_words("no index", "search . dog", "no index here", "simemb index"),
    bad_words("an index of no kind", "index {tiny} good.txt --output i --kind exat", "'exat'", "'exact'"),
    Case("no hit wanted", f"{SEARCH} -k 0", ("k must be 1",), before=lambda k: k.take(k.index, "index")),
    Case(
        "an index that is there",
        "index {tiny} good.txt --output index",
        ("index exists", "--overwrite"),
        before=lambda kitchen: kitchen.take(kitchen.index, "index"),
    ),
    Case(
        "things that are no index",
        "index {tiny} good.txt --output old --overwrite",
        ("old", "'a'", "left alone"),
        {"old/a": "mine"},
    ),
    Case("a file as the index", "index {tiny} good.txt --output good.txt", ("good.txt", "file")),
    Case("an index where nothing can be", "index {tiny} good.txt --output /proc/i", ("/proc/i", "cannot")),
    bad_file("an index of no text", "a.txt", "", "no rows", words="index {tiny} {file} --output index"),
    Case(
        "an index of another model",
        f"{SEARCH} --model {{other}}",
        ("the index is of", "not of", "build it again"),
        before=lambda kitchen: kitchen.take(kitchen.index, "index"),
    ),
    *(
        Case(
            f"an index with {name}",
            SEARCH,
            ("index", *says),
            before=lambda kitchen, file=file, how=how: kitchen.spoil(kitchen.index, "index", file, how),
        )
        for name, file, how, says in (
            ("half of its vectors", "*.faiss", half, ("bytes instead of", "build the index again")),
            ("a flipped bit", "*.faiss", flipped, ("checksum",)),
            ("noise for texts", "*.arrow", noise, ("checksum",)),
            ("no texts", "*.arrow", gone, ("missing",)),
            ("half of its description", "index.json", half, ("index.json", "build")),
            ("a newer format", "index.json", replaced(format=99), ("format 99",)),
            ("parts that are no list", "index.json", replaced(parts=7), ("index.json", "damaged")),
            ("no encoder", "index.json", replaced(encoder={}), ("index.json", "damaged")),
            (
                "an encoder that went away",
                "index.json",
                replaced(encoder={"name": "/x/y", "fingerprint": "0", "dim": 32}),
                ("encoder of the index", "/x/y"),
            ),
        )
    ),
)
MINE = "mine {tiny} {file} --output triplets.tsv"
NEW = "new blank --data good.txt"
PREPARING = (
    bad_words("sentences to mine from", MINE.replace("{file}", "good.txt"), "good.txt", "1 text column", "pairs"),
    bad_words("pairs that are not there", MINE.replace("{file}", "pears.tsv"), "'pears.tsv'"),
    bad_words("triplets to an unknown format", "mine {tiny} dev.tsv --output t.csv", ".tsv or .jsonl", ".csv"),
    bad_words("triplets over their pairs", "mine {tiny} dev.tsv --output dev.tsv", "dev.tsv is the input too"),
    bad_words(
        "triplets where nothing can be",
        "mine {tiny} dev.tsv --columns sentence1 sentence2 --output /proc/t.tsv",
        "/proc/t.tsv",
        "cannot be",
    ),
    bad_words("no negative wanted", f"{MINE} --negatives 0".replace("{file}", "dev.tsv"), "negatives", "1 or more"),
    bad_words("nothing to look at", f"{MINE} --depth 2 --skip 2".replace("{file}", "dev.tsv"), "depth", "3 or more"),
    bad_words("too wide a margin", f"{MINE} --margin 3".replace("{file}", "dev.tsv"), "margin", "[-2, 2]", "3"),
    bad_words("a margin that is a word", f"{MINE} --margin wide".replace("{file}", "dev.tsv"), "--margin", "a number"),
    bad_words("an unknown pick", f"{MINE} --pick neerest".replace("{file}", "dev.tsv"), "'neerest'", "'nearest'"),
    bad_words("no pairs to mine", "mine {tiny} --output t.tsv", "missing", "DATA"),
    bad_file("one pair, nothing wrong", "a.tsv", "anchor\tpositive\na\tb\n", "no negative", "1 rows", words=MINE),
    bad_file("half a pair", "a.tsv", "anchor\tpositive\na\tb\na\n", "line 3", "1 column", "2", words=MINE),
    Case(
        "mining an index of another model",
        "mine {other} dev.tsv --columns sentence1 sentence2 --corpus index --output t.tsv",
        ("the index is of", "not of"),
        before=lambda kitchen: kitchen.take(kitchen.index, "index"),
    ),
    bad_words("no texts for a vocabulary", "new blank", "missing", "--data"),
    bad_words("texts that are not there", "new blank --data godo.txt", "'godo.txt'", "'good.txt'"),
    bad_words("a width that heads do not share", f"{NEW} --width 30", "width 30", "4 heads", "32 can"),
    bad_words("no layer", f"{NEW} --layers 0", "layers", "1 or more", "0"),
    bad_words("a length without room", f"{NEW} --length 2", "length", "3 or more", "2"),
    bad_words("a vocabulary that is too small", f"{NEW} --vocabulary 9", "vocabulary must be", "good.txt", "9"),
    Case(
        "a model that is there",
        NEW,
        ("blank exists", "--overwrite"),
        {"blank/config.json": '{"simemb_version": "0.1.0"}'},
    ),
    Case("no model to overwrite", f"{NEW} --overwrite", ("no config.json", "alone"), {"blank/thesis.txt": "mine"}),
    Case("a model of others", f"{NEW} --overwrite", ("simemb did not save", "alone"), {"blank/config.json": "{}"}),
    Case("a file as the model", NEW, ("blank", "a file is in the way"), {"blank": "mine"}),
    bad_words("a model where nothing can be", "new /proc/blank --data good.txt", "/proc/blank", "cannot be written"),
    Case(
        "a model on a full disk",
        f"{NEW} --overwrite",
        ("blank", "cannot be written"),
        {"blank/config.json": '{"simemb_version": "0.1.0"}'},
        bytes=100_000,
    ),
)
DISK = (
    Case(
        "vectors on a full disk",
        "encode {tiny} good.txt --output v.npy --overwrite",
        ("v.npy", "cannot be written", "too large"),
        {"v.npy": "the old vectors"},
        bytes=1000,
    ),
    Case(
        "parquet on a full disk",
        "encode {tiny} good.txt --output v.parquet --overwrite",
        ("v.parquet", "cannot be written", "too large"),
        {"v.parquet": "the old vectors"},
        bytes=1000,
    ),
    Case(
        "vectors under a file", "encode {tiny} good.txt --output dev.tsv/v.npy", ("dev.tsv/v.npy", "cannot be written")
    ),
    Case("vectors where nothing can be", "encode {tiny} good.txt --output /proc/v.npy", ("/proc/v.npy", "cannot be")),
    Case(
        "an index on a full disk",
        "index {tiny} good.txt --output index --overwrite",
        ("index", "cannot write"),
        before=lambda kitchen: kitchen.take(kitchen.index, "index"),
        bytes=1000,
    ),
    Case("a token cache on a full disk", TRAIN, ("the cache", "tokens", "SIMEMB_CACHE"), bytes=100),
    Case(
        "an encoder on a full disk",
        RESUME,
        ("run/best", "cannot be written"),
        leaves=STARTED,
        bytes=20_000,
    ),
    Case(
        "a checkpoint on a full disk",
        f"{RESUME} --resume",
        ("state.safetensors", "cannot be written"),
        before=lambda kitchen: kitchen.take(kitchen.halted, "run"),
        leaves=frozenset({"run/metrics.jsonl"}),
        bytes=200_000,
    ),
)
CASES = (*FILES, *SCORES, *WORDS, *NUMBERS, *RECIPES, *MODELS, *RUNS, *INDEXES, *PREPARING, *DISK)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> dict[str, Path]:
    """A second model, a run, a run that was stopped half-way, and an index."""
    from simemb.encoder.encoder import Encoder
    from simemb.search.index import Index
    from simemb.training.trainer import Trainer

    folder = tmp_path_factory.mktemp("made")
    encoder = Encoder.load(tiny_base, pooling="mean")
    Index.build(encoder, TEXT.split("\n"), path=folder / "index")
    encoder.backbone.embeddings.word_embeddings.weight.data.mul_(2)
    encoder.save(folder / "other")
    with pytest.MonkeyPatch.context() as patch:
        evaluate = Trainer._evaluate

        def stop(trainer: Trainer, line: Any) -> None:
            evaluate(trainer, line)
            raise KeyboardInterrupt

        patch.setattr(Trainer, "_evaluate", stop)
        patch.chdir(folder)
        write(folder)
        assert main(shlex.split(RESUME.format(tiny=tiny_base).replace("output run", "output halted"))) == 130
    return {"run": folder / "halted", "halted": folder / "halted", "index": folder / "index", "other": folder / "other"}


def write(folder: Path) -> None:
    """The good files that are always there."""
    (folder / "good.txt").write_text(TEXT)
    (folder / "other.txt").write_text(TEXT + "a cake\n")
    (folder / "dev.tsv").write_text(PAIRS)


def listing(folder: Path) -> dict[str, bytes | None]:
    """Every file with its content, every folder as None."""
    paths = sorted(folder.rglob("*"))
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in paths}


@contextmanager
def disk(limit: int | None) -> Iterator[None]:
    """Writing more than so many bytes to a file fails, as on a full disk (Python ignores the signal)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit or soft, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_a_mistake_gives_one_line_exit_code_2_and_nothing_half_written(
    case: Case,
    made: dict[str, Path],
    tiny_base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import huggingface_hub.constants

    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("SIMEMB_DATA", str(here / "data"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    if case.bytes:
        monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    write(here)
    for name, content in case.files.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(content.encode() if isinstance(content, str) else content)
    if case.before:
        case.before(Kitchen(here, tiny_base, **made))
    before = listing(here)
    names = {"tiny": tiny_base, "other": made["other"], "file": next(iter(case.files), "")}
    with disk(case.bytes):
        code = main(shlex.split(case.words.format(**names)))
    output, complaints = capsys.readouterr()
    *notices, complaint = complaints.splitlines()
    assert (code, output) == (2, "")
    assert complaint.startswith("simemb: ")
    assert not any("Traceback" in line or line.startswith("simemb: ") for line in notices)
    assert all(part in complaint for part in case.says), complaint
    after = listing(here)
    changed = {path for path in before | after if before.get(path, "absent") != after.get(path, "absent")}
    assert changed <= case.leaves


def test_there_are_at_least_40_different_mistakes() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40

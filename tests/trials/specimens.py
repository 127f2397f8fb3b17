"""A good specimen of every kind of file that simemb reads, and the commands that read it.

`make` fills a pantry with all of them. A kind of file is one `Kind`: its name in the pantry, and its readers.
"""

import bz2
import gzip
import json
import lzma
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

ENCODE = "encode {model} {it} --output made/vectors.npy"
TRAIN = "train simcse --model {model} --data {texts} --dev none --batch-size 8 --max-steps 2 --output made/run"
PAIRS = "eval {model} --suite {it}"
OF_TEXTS = (
    ENCODE,
    "index {model} {it} --output made/index",
    TRAIN.replace("{texts}", "{it}"),
    "whiten {model} --data {it} --dims 4 --output made/white",
    "mine {model} {triplets} --corpus {it} --output made/mined.tsv",
    "new made/new --data {it} --vocabulary 120 --width 16 --heads 2 --layers 1",
    "encode {model} - --output made/vectors.npy < {it}",
    "search {index} - < {it}",
)
OF_PAIRS = (
    PAIRS,
    "mine {model} {it} --output made/mined.jsonl",
    TRAIN.replace("{texts}", "{it}").replace("simcse", "simcse_sup"),
    TRAIN.replace("--dev none", "--dev {it}"),
    ENCODE,
)
OF_MODELS = (
    "encode {it} {texts} --output made/vectors.npy",
    "load {it}",
    "encode {it} {texts} --output made/vectors.parquet",
    "eval {it} --suite {pairs}",
    "index {it} {texts} --output made/index",
    TRAIN.replace("{model}", "{it}"),
    "whiten {it} --data {texts} --dims 4 --output made/white",
    "compare {model} {it} --suite {pairs} --resamples 40",
    "plot spectrum {it} --suite {pairs} --output made/plot.svg",
    "mine {it} {triplets} --output made/mined.tsv",
)
OF_INDEXES = (
    "search {it} dog --json",
    "find {it}",
    "mine {model} {triplets} --corpus {it} --output made/mined.tsv",
    "index {model} {texts} --output {it} --overwrite",
)
RESUME = (
    "train simcse --model {model} --data {texts} --dev {pairs} --batch-size 8 --max-steps 4 --eval-every 2 "
    "--output {it} --resume"
)
OF_RUNS = (
    "eval {it} --suite {pairs} --json made/scores.json",
    "report {it} --suite {pairs} --output made/report.html",
    RESUME,
    "plot curves {it} --suite {pairs} --output made/curves.svg",
    "encode {it} {texts} --output made/vectors.npy",
    "compare {it} {model} --suite {pairs} --resamples 40",
    "train {it}/recipe.json --output made/run",
    RESUME.replace("--resume", "--overwrite"),
)


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    specimen: the name of a file or folder in the pantry. readers: commands; {it} is the mutated copy, other names in
    braces are things in the pantry, `<` gives standard input. files: which files of a folder are mutated.
    environment: variables of the readers.
    """

    name: str
    specimen: str
    readers: tuple[str, ...]
    files: tuple[str, ...] = ("**/*",)
    environment: dict[str, str] = field(default_factory=dict)

    def choices(self, specimen: Path) -> list[Path]:
        """The files of a specimen that may be mutated, in order."""
        if specimen.is_file():
            return [specimen]
        return sorted({path for pattern in self.files for path in specimen.glob(pattern) if path.is_file()})


PACKED = ("texts.txt.gz", "texts.tsv.gz", "texts.jsonl.gz")
FOREIGN = ("texts.json", "texts.arrow", "texts.bz2", "texts.xz")
KINDS = (
    *(Kind(name.removeprefix("texts"), name, OF_TEXTS) for name in ("texts.txt", "texts.csv", "texts.jsonl")),
    Kind(".parquet", "texts.parquet", OF_TEXTS),
    *(Kind(name.removeprefix("texts"), name, OF_TEXTS) for name in PACKED),
    *(Kind(name.removeprefix("texts"), name, OF_TEXTS) for name in FOREIGN),
    Kind("scored pairs", "pairs.tsv", OF_PAIRS),
    Kind("triplets", "triplets.parquet", OF_PAIRS[1:3]),
    Kind("vectors", "vectors.parquet", OF_TEXTS[:2]),
    Kind("BEIR folder", "beir", (PAIRS, "compare {model} {base} --suite {it} --resamples 40")),
    Kind("STS and transfer data", "data", tuple(f"eval {{model}} --suite {name}" for name in ("zh", "transfer")),
         environment={"SIMEMB_DATA": "{it}"}),
    Kind("encoder", "model", OF_MODELS, ("**/*.json", "**/*.safetensors")),
    Kind("encoder's settings", "model", OF_MODELS, ("*.json", "*_*/*")),
    Kind("checkpoint", "base", OF_MODELS, ("*.json", "*.safetensors")),
    Kind("vocab.txt", "words", OF_MODELS, ("vocab.txt", "*config.json", "special*")),
    Kind("shards", "shards", OF_MODELS, ("*.safetensors*",)),
    Kind("BPE", "bpe", OF_MODELS, ("*.json", "merges.txt")),
    Kind("Unigram", "unigram", OF_MODELS, ("*.json",)),
    Kind("layers", "layers", OF_MODELS, ("*_*/*", "modules.json")),
    Kind("static model", "static", OF_MODELS[:5]),
    Kind("whitened", "white", (*OF_MODELS[:4], "report {it} --suite {pairs} --output made/report.html")),
    Kind("index", "exact", OF_INDEXES, ("*.json",)),
    Kind("files of an index", "exact", OF_INDEXES, ("*.faiss", "*.arrow")),
    Kind("hnsw", "hnsw", OF_INDEXES[:2], ("*.faiss",)),
    *(Kind(name, name, OF_INDEXES[:2], ("*.faiss", "deleted-*")) for name in ("ivf", "ivfpq", "sq8", "binary")),
    Kind("run", "run", OF_RUNS, ("*.json*", "scores/*", "last/*")),
    Kind("recipe.json", "run/recipe.json", (OF_RUNS[6].replace("/recipe.json", ""),)),
    Kind("recipe of a run", "run", OF_RUNS, ("recipe.json",)),
    Kind("metrics of a run", "run", (*OF_RUNS[1:4], OF_RUNS[7]), ("metrics.jsonl",)),
    Kind("state of a run", "run", (RESUME,), ("last/*",)),
    Kind("encoder of a run", "run", OF_RUNS, ("best/**/*",)),
    Kind("seeds", "seeds", ("compare {it} {model} --suite {pairs} --resamples 40",), ("*.json", "seed-*/*.json")),
    Kind("cached vectors", "cache", (PAIRS.replace("{it}", "{pairs}"),), ("vectors/**/*",), {"SIMEMB_CACHE": "{it}"}),
    Kind("cached tokens", "cache", (TRAIN,), ("tokens/*",), {"SIMEMB_CACHE": "{it}"}),
    Kind("cached overlap", "cache", (OF_RUNS[0].replace("{it}", "{run}"),), ("overlap/*",), {"SIMEMB_CACHE": "{it}"}),
)  # fmt: skip


def _load(path: str) -> None:
    from simemb import Encoder

    Encoder.load(path).encode(["a man eats", ""])


def _find(path: str) -> None:
    from simemb import Index

    index = Index.load(path, verify=False)
    index.search([1.0] + [0.0] * (index.origin.dim - 1), 3)


LIBRARY: dict[str, Callable[[str], None]] = {"load": _load, "find": _find}
"""What a reader may begin with beside a verb: calls of the library."""


# ---- the pantry ------------------------------------------------------------------------------------

NOUNS = ("man", "woman", "dog", "cat", "bird", "boat", "cake", "house")
WORDS = ("a", "the", *NOUNS, "eats", "sees", "plays", "likes", "finds", "red", "small", "old", "green", "quiet")
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def make(pantry: Path) -> None:
    """Make all specimens in an empty folder; raises whatever goes wrong."""
    _texts(pantry, random.Random(1))
    _data(pantry, random.Random(2))
    _checkpoint(pantry / "base", _wordpiece(), "bert", SPECIAL)
    shutil.copytree(pantry / "base", pantry / "words")
    (pantry / "words" / "tokenizer.json").unlink()
    (pantry / "words" / "vocab.txt").write_text("\n".join((*SPECIAL, *WORDS)) + "\n")
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    (pantry / "words" / "special_tokens_map.json").write_text(json.dumps(names))
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, **names}
    (pantry / "words" / "tokenizer_config.json").write_text(json.dumps(settings))
    _checkpoint(pantry / "shards", _wordpiece(), "bert", SPECIAL, max_shard_size="8KB")
    _checkpoint(pantry / "bpe", _bpe(), "roberta", ROBERTA)
    _checkpoint(pantry / "unigram", _unigram(), "xlm-roberta", ROBERTA)
    _static(pantry)
    _written(pantry)


def _texts(pantry: Path, dice: random.Random) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [" ".join(dice.choices(WORDS, k=dice.randint(2, 7))) for _ in range(32)]
    table = "text,id\n" + "".join(f'"{row}",{number}\n' for number, row in enumerate(rows))
    lines = "".join(json.dumps({"text": row, "id": number}) + "\n" for number, row in enumerate(rows))
    contents = {"txt": "\n".join(rows) + "\n", "csv": table, "tsv": table.replace(",", "\t"), "jsonl": lines}
    for ending, content in contents.items():
        (pantry / f"texts.{ending}").write_text(content)
        (pantry / f"texts.{ending}.gz").write_bytes(gzip.compress(content.encode()))
    many = [" ".join(dice.choices(WORDS, k=dice.randint(2, 7))) for _ in range(1100)]
    (pantry / "many.txt").write_text("\n".join(many) + "\n")
    (pantry / "texts.json").write_text(json.dumps([{"text": row} for row in rows]))
    (pantry / "texts.bz2").write_bytes(bz2.compress(lines.encode()))
    (pantry / "texts.xz").write_bytes(lzma.compress(lines.encode()))
    columns = pa.table({"text": rows, "id": range(len(rows))})
    pq.write_table(columns, pantry / "texts.parquet")
    with pa.ipc.new_file(str(pantry / "texts.arrow"), columns.schema) as writer:
        writer.write_table(columns)
    triplets = {"anchor": rows, "positive": rows[1:] + rows[:1], "negative": rows[2:] + rows[:2]}
    pq.write_table(pa.table(triplets), pantry / "triplets.parquet")
    pairs = pairwise(rows)
    scored = "".join(f"{dice.uniform(0, 5):.2f}\t{one}\t{other}\n" for one, other in pairs)
    (pantry / "pairs.tsv").write_text("score\tsentence1\tsentence2\n" + scored)


def _data(pantry: Path, dice: random.Random) -> None:
    """A folder in BEIR layout, and a `$SIMEMB_DATA` with one task of the Chinese suite and the transfer tasks."""
    rows = (pantry / "texts.txt").read_text().splitlines()
    (pantry / "beir" / "qrels").mkdir(parents=True)
    corpus = "".join(json.dumps({"_id": f"d{n}", "title": "", "text": row}) + "\n" for n, row in enumerate(rows))
    (pantry / "beir" / "corpus.jsonl").write_text(corpus)
    queries = "".join(json.dumps({"_id": f"q{n}", "text": row}) + "\n" for n, row in enumerate(rows[:5]))
    (pantry / "beir" / "queries.jsonl.gz").write_bytes(gzip.compress(queries.encode()))
    judged = "".join(f"q{n}\td{n + 1}\t1\n" for n in range(5))
    (pantry / "beir" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    _write(pantry / "data/zh/stsb/test.tsv", (pantry / "pairs.tsv").read_text())
    labels = "".join(f"{n % 2}\t{row}\n" for n, row in enumerate(rows))
    for name in ("sst2/train.tsv.gz", "sst2/dev.tsv", "sst2/test.tsv"):
        _write(pantry / "data/transfer" / name, "label\tsentence\n" + labels)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def _wordpiece() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.WordPiece({word: row for row, word in enumerate((*SPECIAL, *WORDS))}))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def _bpe() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    pieces = [*ROBERTA, *"abcdefghijklmnopqrstuvwxyzĠ", "Ġa", "th", "the", "an", "man"]
    merges = [("Ġ", "a"), ("t", "h"), ("th", "e"), ("a", "n"), ("m", "an")]
    tokenizer = Tokenizer(models.BPE({piece: row for row, piece in enumerate(pieces)}, merges, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    return tokenizer


def _unigram() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    pieces = [*((token, 0.0) for token in ROBERTA), *((f"▁{word}", -float(row)) for row, word in enumerate(WORDS))]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


def _checkpoint(path: Path, tokenizer: Any, family: str, special: list[str], max_shard_size: str = "1GB") -> None:
    """A tiny masked language model of a family, whose first tokens are the special ones."""
    import torch
    from tokenizers import processors
    from transformers import AutoConfig, AutoModelForMaskedLM, PreTrainedTokenizerFast

    start, end = (special[2], special[3]) if special is SPECIAL else (special[0], special[2])
    tokenizer.post_processor = processors.BertProcessing((end, special.index(end)), (start, special.index(start)))
    roles = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    named = special if special is SPECIAL else [special[place] for place in (1, 3, 0, 2, 4)]
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=32, **dict(zip(roles, named, strict=True))
    )
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = AutoConfig.for_model(family, vocab_size=len(fast), max_position_embeddings=40, **sizes)
    torch.manual_seed(7)
    model = AutoModelForMaskedLM.from_config(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape) * 0.1)
    model.save_pretrained(path, max_shard_size=max_shard_size)
    fast.save_pretrained(path)


def _static(pantry: Path) -> None:
    """A model with a module that only sentence-transformers can run."""
    import torch
    from safetensors.torch import save_file

    folder = pantry / "static"
    folder.mkdir()
    kind = "sentence_transformers.models.StaticEmbedding"
    (folder / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": kind}]))
    shutil.copy(pantry / "base" / "tokenizer.json", folder)
    save_file({"embedding.weight": torch.randn(len(SPECIAL) + len(WORDS), 8)}, folder / "model.safetensors")


def _written(pantry: Path) -> None:
    """What simemb itself writes."""
    train = "train simcse --model {model} --data {texts} --dev {pairs} --batch-size 8 --max-steps 4 --eval-every 2"
    commands = (
        "whiten {base} --pooling mean --data {texts} --dims 8 --output {model}",
        "whiten {model} --data {texts} --dims 6 --output {white}",
        "encode {model} {texts} --output {vectors}",
        *(f"index {{model}} {{{of}}} --output {{{kind}}} --kind {kind}" for kind, of in INDEXES.items()),
        *(f"update {{{kind}}} --delete 3 5" for kind in INDEXES),
        f"{train} --output {{run}}",
        f"{train} --output {{seeds}} --seeds 1 2",
        "eval {run} --suite {pairs} --json {pantry}/scores.json",
        PAIRS.replace("{it}", "{pairs}"),
        TRAIN.replace("made/run", "{pantry}/other"),
    )
    os.environ["SIMEMB_CACHE"] = str(pantry / "cache")
    for command in commands:
        if code := execute(words(command, pantry)):
            raise RuntimeError(f"simemb {command}: exit code {code}")
    from simemb import Encoder

    layers: Any = Encoder.load(pantry / "base", pooling="first_last")
    layers.save(pantry / "layers")


INDEXES = {
    **dict.fromkeys(("exact", "hnsw", "ivf"), "texts"),
    **dict.fromkeys(("ivfpq", "sq8", "binary"), "many"),  # codes are learnt of a thousand texts or more
}
"""The kinds of index, and the texts of each."""


def words(command: str, pantry: Path, it: Path | None = None) -> list[str]:
    """The words of a command, with paths in the place of names in braces."""
    names = {path.name.removesuffix(".tsv").removesuffix(".parquet"): path for path in pantry.iterdir()}
    fixed = {name: pantry / name for name in ("model", "white", "run", "seeds", *INDEXES)}
    own = {
        "texts": pantry / "texts.txt",
        "many": pantry / "many.txt",
        "index": pantry / "exact",
        "vectors": pantry / "vectors.parquet",
        "pantry": pantry,
        "it": it,
    }
    return [word.format(**{**names, **fixed, **own}) for word in command.split()]


def execute(command: list[str]) -> int:
    """Run a reader: a verb of simemb, or a call of the library, whose refusal is written as the verbs write it."""
    import sys

    from simemb.cli import main
    from simemb.errors import SimembError

    if "<" in command:
        place = command.index("<")
        given = command[place + 1]
        os.dup2(os.open(given if Path(given).exists() else os.devnull, os.O_RDONLY), 0)
        command = command[:place]
    if command[0] not in LIBRARY:
        return main(command)
    try:
        LIBRARY[command[0]](command[1])
    except SimembError as error:
        sys.stderr.write(f"simemb: {error}\n")
        return 2
    return 0

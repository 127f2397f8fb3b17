"""Fixtures that several tests share: the data and models outside the project, and tiny models made here."""

import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import simemb.data

# Beside others (`pytest -n logical`) a process has one core, and what it starts too; and there it is told of a width of
# 80 columns, which nobody asked for.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.pop("COLUMNS", None)

# The suite says the same everywhere: the same examples, and no example fails because a machine is slow.
# `--hypothesis-profile=default` looks for new ones.
hypothesis.settings.register_profile("simemb", deadline=None, derandomize=True)
hypothesis.settings.load_profile("simemb")

# The processes that tests start import the installed package, not the checkout that they happen to stand in, which
# lacks simemb.train, simemb.eval and simemb.data.
os.environ["PYTHONSAFEPATH"] = "1"

# What runs in the background of a shell ignores these signals, and so would every command that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SIMEMB_SHARED", ROOT.parent / "shared"))
# pytest imports tests by path here, so the folders of modules that tests share (families.py, recipe_runs.py) are added.
sys.path += [str(ROOT / "tests" / "simemb"), str(ROOT / "tests" / "train")]
# The grammar of the sample corpus is not installed: its tests take it from the checkout.
simemb.data.__path__.append(str(ROOT / "data"))
DATA = Path(os.environ.get("SIMEMB_DATA", SHARED / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The corpora in the `$SIMEMB_DATA` layout."""
    if not (DATA / "sts").is_dir():
        pytest.skip(f"needs the corpora: set SIMEMB_DATA (looked in {DATA})")
    return DATA


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of real models (minilm-l4-mlm, potion-base-4M)."""
    if not (SHARED / "models").is_dir():
        pytest.skip(f"needs the models: set SIMEMB_SHARED (looked in {SHARED})")
    return SHARED / "models"


# ---- what training needs: a tiny BERT checkpoint, a few sentences, and a dev file ------------------------

NOUNS = ("man", "woman", "dog", "cat", "child", "bird", "horse", "cook", "singer", "driver")
VERBS = ("sees", "eats", "plays", "likes", "paints", "carries", "finds", "sells")
THINGS = ("guitar", "apple", "ball", "house", "boat", "book", "cake", "drum")
ADJECTIVES = ("red", "small", "old", "happy", "quiet", "green")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 48,
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes to the cache of the person who runs it."""
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def tiny_tokenizer() -> Any:
    """Whole words and BERT's special tokens."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = (*SPECIAL, "a", "the", *NOUNS, *VERBS, *THINGS, *ADJECTIVES)
    tokenizer = Tokenizer(models.WordPiece({word: row for row, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=48, **names)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Any) -> Path:
    """A checkpoint of a tiny BERT with its language-modelling head, as transformers saves it."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    path = tmp_path_factory.mktemp("models") / "tiny-bert"
    torch.manual_seed(7)
    model = BertForMaskedLM(BertConfig(vocab_size=len(tiny_tokenizer), **TINY))
    with torch.no_grad():  # BERT's own 0.02 would leave all sentences alike, and its biases at 0
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape) * 0.1)
    model.save_pretrained(path)
    tiny_tokenizer.save_pretrained(path)
    return path


def _sentence(dice: random.Random) -> str:
    adjectives = " ".join(dice.sample(ADJECTIVES, dice.randint(0, 3)))
    return f"the {adjectives} {dice.choice(NOUNS)} {dice.choice(VERBS)} a {dice.choice(THINGS)}".replace("  ", " ")


@pytest.fixture(scope="session")
def sentences_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """90 sentences, one a line."""
    dice = random.Random(0)
    path = tmp_path_factory.mktemp("texts") / "sentences.txt"
    path.write_text("".join(f"{_sentence(dice)}\n" for _ in range(90)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def triplets_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """90 triplets; the positive has the nouns of the anchor."""
    dice = random.Random(1)
    path = tmp_path_factory.mktemp("texts") / "triplets.tsv"
    rows = [f"{(anchor := _sentence(dice))}\t{anchor.replace('the', 'a')}\t{_sentence(dice)}\n" for _ in range(90)]
    path.write_text("anchor\tpositive\tnegative\n" + "".join(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def dev_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 pairs with the share of common words, times 5, as their score."""
    dice = random.Random(2)
    path = tmp_path_factory.mktemp("texts") / "dev.tsv"
    lines = ["score\tsentence1\tsentence2\n"]
    for _ in range(40):
        first = _sentence(dice)
        second = " ".join(word if dice.random() < 0.6 else dice.choice(NOUNS) for word in first.split())
        common = len(set(first.split()) & set(second.split())) / len(set(first.split()))
        lines.append(f"{5 * common:.3f}\t{first}\t{second}\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path

"""Untrained encoders: a BERT of any size whose vocabulary is learned from your texts, for `simemb train mlm`.

The weights are initialized as in Devlin et al. (2019, https://arxiv.org/abs/1810.04805): normal with deviation 0.02.
The word embeddings may start from a trained encoder instead (`simemb.encoder.word_vectors`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

from simemb.arguments import checked
from simemb.corpus.rows import Rows, open_rows
from simemb.encoder import saving
from simemb.encoder.backbone import quiet_transformers
from simemb.encoder.endless_words import without_endless_words
from simemb.encoder.models import Model, encoder_of
from simemb.encoder.streaming import TextEncoder
from simemb.encoder.word_vectors import check_width, word_vectors
from simemb.errors import DataError, ModelError
from simemb.progress import track

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MOST = {"vocabulary": 1_000_000, "layers": 1000, "width": 65_536, "heads": 65_536, "length": 1_000_000}
"""The bounds of each size of a new model."""
WEIGHTS = 4_000_000_000
"""The most weights of a new model: 16 GB."""
PART = 1_000_000
"""Characters of a text that are counted at once."""
COVERAGE, REQUIRED_COVERAGE = 0.9999, 0.99
"""Shares of the characters in the texts: those that get tokens of their own, and those that must fit the vocabulary."""


@checked
def new(
    output: str | Path,
    data: Any,
    *,
    vocabulary: int = 8000,
    layers: int = 4,
    width: int = 256,
    heads: int = 4,
    length: int = 128,
    cased: bool = False,
    columns: Sequence[str] | None = None,
    words_from: Model | None = None,
    device: str | None = None,
    seed: int = 1,
    overwrite: bool = False,
) -> BertForMaskedLM:
    """Make an untrained BERT and save it as a Hugging Face directory; the same input gives the same files.

    Args:
        output: the directory, which is written atomically.
        data: the texts that the vocabulary is learned from, in any form that `open_rows` takes.
        vocabulary: the most tokens; there are fewer if the texts do not give as many.
        layers: number of transformer layers, 1 or more.
        width: hidden size, a multiple of heads; the feed-forward layers are four times as wide.
        heads: number of attention heads.
        length: number of positions: the most tokens of a text with [CLS] and [SEP], 3 or more.
        cased: keep upper case and accents.
        columns: the text columns to read; by default all.
        words_from: an encoder, or its name, whose vectors of single tokens are the first word embeddings; by default
            they are random, as all other weights.
        device: of that encoder, if it is given by name, as in `Encoder.load`.
        seed: seed of the weights, 0 or more.
        overwrite: replace an existing model.

    Returns:
        The saved model.

    Raises:
        ModelError: an impossible size, or a directory that cannot be used.
        DataError: data that cannot be read, or a vocabulary that is too small for their characters.
    """
    path = Path(output)
    _check(vocabulary=vocabulary, layers=layers, width=width, heads=heads, length=length, seed=seed)
    with saving.writing(path, overwrite=overwrite):
        teacher = None if words_from is None else encoder_of(words_from, device, "float32")
        if teacher is not None:
            check_width(teacher, width)  # before minutes are spent on the vocabulary
        tokenizer = learn_tokenizer(open_rows(data, columns=columns), vocabulary=vocabulary, length=length, cased=cased)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = bert(tokenizer, layers=layers, width=width, heads=heads, length=length)
        if teacher is not None:
            _start_words(model, tokenizer, teacher)
        _save(model, tokenizer, path, overwrite=overwrite)
    return model


def _save(model: BertForMaskedLM, tokenizer: PreTrainedTokenizerFast, path: Path, *, overwrite: bool) -> None:
    with saving.new_directory(path, overwrite=overwrite) as folder, quiet_transformers():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _check(**sizes: int) -> None:
    for name, least in (("layers", 1), ("width", 1), ("heads", 1), ("length", 3), ("seed", 0)):
        if sizes[name] < least:
            raise ModelError(f"{name} must be {least} or more, not {sizes[name]}")
    for name, most in MOST.items():
        if sizes[name] > most:
            raise ModelError(f"{name} must be {most} or less, not {sizes[name]}")
    if sizes["seed"] >= 2**63:
        raise ModelError(f"seed must be below 2^63, not {sizes['seed']}")
    width, heads = sizes["width"], sizes["heads"]
    if width % heads:
        near = max(heads, round(width / heads) * heads)
        raise ModelError(f"width {width} cannot be divided by {heads} heads: {near} can")
    weights = width * (sizes["vocabulary"] + sizes["length"] + 12 * width * sizes["layers"])
    if weights > WEIGHTS:
        raise ModelError(f"a model of these sizes has {weights:,} weights, and at most {WEIGHTS:,} are made")


def bert(tokenizer: PreTrainedTokenizerFast, *, layers: int, width: int, heads: int, length: int) -> BertForMaskedLM:
    """A BERT with its language-modelling head; the weights come from torch's global random generator."""
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=length,
    )
    config.update({"simemb_version": version("simemb")})  # the mark of what `--overwrite` may replace
    return BertForMaskedLM(config)


def _start_words(model: BertForMaskedLM, tokenizer: PreTrainedTokenizerFast, teacher: TextEncoder) -> None:
    """Replace the random embeddings of all tokens but the special ones, which no encoder knows as words."""
    weight = model.bert.embeddings.word_embeddings.weight
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(SPECIAL), len(weight))))
    with torch.no_grad():
        weight[len(SPECIAL) :] = torch.from_numpy(word_vectors(pieces, teacher, weight.shape[1]))


# ---- the vocabulary ------------------------------------------------------------------------------


def learn_tokenizer(rows: Rows, *, vocabulary: int, length: int, cased: bool = False) -> PreTrainedTokenizerFast:
    """BERT's WordPiece tokenizer, with pieces merged by frequency; the same rows always give the same tokenizer.

    Chinese characters are words of their own, as in BERT. Only the most frequent characters, which make up 99.99 % of
    the texts, get tokens, and fewer if the vocabulary is too small; all others become [UNK].

    Raises:
        DataError: a vocabulary too small for the characters that make up 99 % of the texts.
    """
    tokenizer = _empty({}, cased=cased)
    characters = _characters(rows, tokenizer, vocabulary)
    # tokenizers numbers the inner pieces (##a) in the order of a hash map and breaks ties by number, so runs differ
    # (huggingface/tokenizers#1794). Passed as special tokens they are numbered first, in this order, and runs agree.
    inner = sorted(f"##{character}" for character in characters if _continues(tokenizer, character))
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary,
        special_tokens=[*SPECIAL, *inner],
        initial_alphabet=characters,
        limit_alphabet=len(characters),
        show_progress=False,
    )
    with track("learning the vocabulary") as advance:
        # of a word that the tokenizer will take for unknown, whatever its pieces, the ends are enough
        like = _empty({}, cased=cased)  # one that learns answers no question
        texts = (without_endless_words(text, like) for text in _texts(rows, advance))
        tokenizer.train_from_iterator(texts, trainer)
    tokenizer = _empty(tokenizer.get_vocab(), cased=cased)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=length, **names)


def _empty(pieces: dict[str, int], *, cased: bool) -> Tokenizer:
    """BERT's tokenizer with these pieces as its vocabulary."""
    tokenizer = Tokenizer(models.WordPiece(pieces, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=not cased)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, SPECIAL.index(token)) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def _texts(rows: Rows, advance: Any) -> Iterator[str]:
    for texts in rows.texts():
        advance(1)
        for text in texts:
            yield from _parts(text)


def _parts(text: str) -> Iterator[str]:
    """A text, or the parts of one that is too long for a tokenizer to take at once; each ends with a blank."""
    while len(text) > PART:
        cut = text.rfind(" ", 0, PART) + 1 or PART
        yield text[:cut]
        text = text[cut:]
    yield text


def _characters(rows: Rows, tokenizer: Tokenizer, vocabulary: int) -> list[str]:
    """The characters with tokens of their own: the most frequent, until they reach `COVERAGE` or fill the vocabulary.

    A character that can also continue a word takes two tokens: a and ##a.
    """
    counts: Counter[str] = Counter()
    with track("counting characters") as advance:
        for text in _texts(rows, advance):
            counts.update(tokenizer.normalizer.normalize_str(text))
    ordered = sorted((-count, character) for character, count in counts.items() if not character.isspace())
    if not ordered:
        raise DataError(f"{rows.name}: there is nothing but white space to learn a vocabulary from")
    total = -sum(count for count, _ in ordered)
    alphabet: list[str] = []
    covered, size = 0, len(SPECIAL)
    for count, character in ordered:
        tokens = 1 + _continues(tokenizer, character)
        full = size + tokens > vocabulary and covered >= REQUIRED_COVERAGE * total
        if full or covered >= COVERAGE * total:
            break
        alphabet.append(character)
        covered, size = covered - count, size + tokens
    if size > vocabulary:
        reason = f"to hold the characters of {REQUIRED_COVERAGE:.0%} of {rows.name}"
        raise DataError(f"vocabulary must be {size} or more, {reason}, not {vocabulary}")
    return alphabet


def _continues(tokenizer: Tokenizer, character: str) -> bool:
    """Whether a character can continue a word, which punctuation and Chinese characters cannot."""
    return len(tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(f"a{character}"))) == 1

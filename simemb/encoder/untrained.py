"""Untrained encoders: a BERT of any size whose vocabulary is learnt from your texts, for `simemb train mlm`.

The weights are random, as Devlin et al. (2019, https://arxiv.org/abs/1810.04805) start them: normal, deviation 0.02.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

from simemb.corpus.rows import Rows, open_rows
from simemb.encoder import saving
from simemb.encoder.backbone import quiet_transformers
from simemb.errors import DataError, ModelError
from simemb.files import new_directory
from simemb.progress import track

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
COVERAGE, NEEDED = 0.9999, 0.99
"""The share of the texts whose characters get tokens of their own, and the share for which there must be room."""


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
    seed: int = 1,
    overwrite: bool = False,
) -> BertForMaskedLM:
    """Make an untrained BERT and save it as a Hugging Face directory; the same input gives the same files.

    Args:
        output: the directory, which appears whole or not at all.
        data: the texts that the vocabulary is learnt from, as anything that `open_rows` takes; all text columns count.
        vocabulary: tokens at most; fewer if the texts hold no more.
        layers: of the transformer, 1 or more.
        width: of a token's vector, a multiple of heads; the feed-forward layers are four times as wide.
        heads: of attention.
        length: positions, that is tokens of the longest text with [CLS] and [SEP], 3 or more.
        cased: keep upper case and accents.
        columns: the text columns.
        seed: of the weights, 0 or more.
        overwrite: replace a model that is there.

    Returns:
        The model as it was saved.

    Raises:
        ModelError: a size that is not possible, or a directory that cannot be used.
        DataError: data that cannot be read, or a vocabulary with no room for their characters.
    """
    path = Path(output)
    _check(layers=layers, width=width, heads=heads, length=length, seed=seed)
    saving.refuse(path, overwrite=overwrite)
    tokenizer = learn_tokenizer(open_rows(data, columns=columns), vocabulary=vocabulary, length=length, cased=cased)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = bert(tokenizer, layers=layers, width=width, heads=heads, length=length)
    try:
        with new_directory(path) as partial, quiet_transformers():
            model.save_pretrained(partial)
            tokenizer.save_pretrained(partial)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{path}: the model cannot be written there: {reason}") from error
    return model


def _check(**sizes: int) -> None:
    for name, least in (("layers", 1), ("width", 1), ("heads", 1), ("length", 3), ("seed", 0)):
        if sizes[name] < least:
            raise ModelError(f"{name} must be {least} or more, not {sizes[name]}")
    width, heads = sizes["width"], sizes["heads"]
    if width % heads:
        near = max(heads, round(width / heads) * heads)
        raise ModelError(f"width {width} cannot be divided by {heads} heads: {near} can")


def bert(tokenizer: PreTrainedTokenizerFast, *, layers: int, width: int, heads: int, length: int) -> BertForMaskedLM:
    """A BERT with its language-modelling head and weights from torch's random numbers."""
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=length,
    )
    return BertForMaskedLM(config)


# ---- the vocabulary ------------------------------------------------------------------------------


def learn_tokenizer(rows: Rows, *, vocabulary: int, length: int, cased: bool = False) -> PreTrainedTokenizerFast:
    """BERT's WordPiece tokenizer, its pieces merged by frequency; the same rows always give the same.

    Chinese characters are words of their own, as in BERT. Characters beyond the most frequent ones that make up
    99.99 % of the texts, or for which there is no room, become [UNK].

    Raises:
        DataError: a vocabulary with no room for the characters of 99 % of the texts.
    """
    tokenizer = _empty({}, cased=cased)
    characters = _characters(rows, tokenizer, vocabulary)
    # tokenizers numbers the inner pieces (##a) in the order of a hash map and breaks ties by number, so that no two
    # runs agree (huggingface/tokenizers#1794). Numbered beforehand, in the disguise of special tokens, they do.
    inner = sorted(f"##{character}" for character in characters if _continues(tokenizer, character))
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary,
        special_tokens=[*SPECIAL, *inner],
        initial_alphabet=characters,
        limit_alphabet=len(characters),
        show_progress=False,
    )
    with track("learning the vocabulary") as advance:
        tokenizer.train_from_iterator(_texts(rows, advance), trainer)
    tokenizer = _empty(tokenizer.get_vocab(), cased=cased)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=length, **names)


def _empty(pieces: dict[str, int], *, cased: bool) -> Tokenizer:
    """BERT's tokenizer around these pieces."""
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
        yield from texts


def _characters(rows: Rows, tokenizer: Tokenizer, vocabulary: int) -> list[str]:
    """The characters with tokens of their own: the most frequent, up to `COVERAGE` or as long as there is room.

    A character that also stands inside words takes two tokens: a and ##a.
    """
    counts: Counter[str] = Counter()
    with track("counting characters") as advance:
        for text in _texts(rows, advance):
            counts.update(tokenizer.normalizer.normalize_str(text))
    ordered = sorted((-count, character) for character, count in counts.items() if not character.isspace())
    if not ordered:
        raise DataError(f"{rows.name}: there is nothing but white space to learn a vocabulary from")
    total = -sum(count for count, _ in ordered)
    chosen: list[str] = []
    seen, taken = 0, len(SPECIAL)
    for count, character in ordered:
        tokens = 1 + _continues(tokenizer, character)
        full = taken + tokens > vocabulary and seen >= NEEDED * total
        if full or seen >= COVERAGE * total:
            break
        chosen.append(character)
        seen, taken = seen - count, taken + tokens
    if taken > vocabulary:
        reason = f"to hold the characters of {NEEDED:.0%} of {rows.name}"
        raise DataError(f"vocabulary must be {taken} or more, {reason}, not {vocabulary}")
    return chosen


def _continues(tokenizer: Tokenizer, character: str) -> bool:
    """Whether a character can stand inside a word, as punctuation and Chinese characters cannot."""
    return len(tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(f"a{character}"))) == 1

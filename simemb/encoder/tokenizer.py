"""From texts to token ids, and the content of a tokenizer for the encoder's fingerprint."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from simemb.encoder import foreign
from simemb.encoder.backbone import quiet_transformers
from simemb.encoder.decisive_text import decisive_plain, decisive_text
from simemb.encoder.settings import read_settings
from simemb.encoder.thread_locks import LOCKS
from simemb.errors import ModelError
from simemb.libraries import reading

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase


def load_tokenizer(directory: Path, *, words: int, lower_case: bool = False, trust_remote_code: bool = False) -> Any:
    """The tokenizer of a checkpoint.

    words: the rows of the model's table of word embeddings. lower_case: texts are lowercased first. Raises `ModelError`
    if there is none (transformers makes an empty one then), or if it is that of another model.
    """
    from transformers import AutoTokenizer

    settings = directory / "tokenizer_config.json"
    foreign.refuse_files(settings, read_settings(settings))
    for path in (settings, directory / "config.json"):
        if not isinstance(name := read_settings(path).get("tokenizer_class"), str | None):
            raise ModelError(f"{path}: tokenizer_class must be the name of a class, not {name!r:.60}")
    with quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(directory, trust_remote_code=trust_remote_code)
    if not isinstance(tokenizer.model_max_length, int | float):
        raise ModelError(f"{directory}: model_max_length must be a number, not {tokenizer.model_max_length!r}")
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    if not vocabulary.keys() - {*tokenizer.all_special_tokens}:
        raise ModelError(
            f"{directory} has no tokenizer, or one without any word: save that of the model that it was trained from "
            "there (AutoTokenizer.from_pretrained(MODEL).save_pretrained(DIRECTORY))"
        )
    if (last := max(vocabulary.values())) >= words:
        raise ModelError(
            f"{directory}: its tokenizer has ids up to {last}, and the model has embeddings of {words} tokens: one of "
            "the two is of another model, or model.resize_token_embeddings was not called"
        )
    if lower_case and tokenizer.is_fast and not lowercases(tokenizer):
        _lowercase(tokenizer)
    return tokenizer


def lowercases(tokenizer: Any) -> bool:
    """Whether texts are lowercased before anything else, by `load_tokenizer`."""
    from tokenizers.normalizers import Lowercase, Sequence

    own = tokenizer.backend_tokenizer.normalizer if tokenizer.is_fast else None
    return isinstance(own, Sequence) and len(own) > 0 and isinstance(own[0], Lowercase)


def _lowercase(tokenizer: Any) -> None:
    """Lowercase texts before anything else, as sentence-transformers does for `do_lower_case`."""
    from tokenizers.normalizers import Lowercase, Sequence

    own = tokenizer.backend_tokenizer.normalizer
    tokenizer.backend_tokenizer.normalizer = Sequence([Lowercase(), *([own] if own else [])])


def tokenize(
    texts: Sequence[str], tokenizer: "PreTrainedTokenizerBase", max_length: int
) -> tuple[list[list[int]], int]:
    """Token ids of each text, special tokens included, truncated to `max_length`, and the number of truncated texts.

    A text without any token becomes the unknown token.
    """
    ids, truncated = (_fast_ids if tokenizer.is_fast else _slow_ids)(list(texts), tokenizer, max_length)
    if not all(ids):
        ids = [row or [_empty_text_id(tokenizer)] for row in ids]
    return ids, truncated


def prompt_length(prompt: str, tokenizer: "PreTrainedTokenizerBase", max_length: int) -> int:
    """The number of tokens of a prompt at the beginning of a text, without a special token at its own end."""
    (ids,), _ = tokenize([prompt], tokenizer, max_length)
    return len(ids) - (ids[-1] in tokenizer.all_special_ids)


def unpooled(prompt: str, encoder: Any, max_length: int) -> int:
    """The tokens at the beginning of a text after this prompt that an encoder does not pool (`include_prompt`)."""
    seen = encoder.include_prompt or not prompt
    return 0 if seen else prompt_length(prompt, encoder.tokenizer, max_length)


def _fast_ids(texts: list[str], tokenizer: "PreTrainedTokenizerBase", max_length: int) -> tuple[list[list[int]], int]:
    """The ids that a call of a fast tokenizer gives, without the other lists that it builds."""
    backend = cast("Tokenizer", tokenizer.backend_tokenizer)
    with LOCKS.tokenizers:
        backend.enable_truncation(max_length, direction=tokenizer.truncation_side)
        backend.no_padding()
        backend.encode_special_tokens = tokenizer.split_special_tokens
        with reading(lambda reason: ModelError(f"{tokenizer.name_or_path}: its tokenizer fails: {reason}")):
            encodings = backend.encode_batch_fast([decisive_text(text, backend, max_length) for text in texts])
    return [encoding.ids for encoding in encodings], sum(bool(encoding.overflowing) for encoding in encodings)


def _slow_ids(texts: list[str], tokenizer: "PreTrainedTokenizerBase", max_length: int) -> tuple[list[list[int]], int]:
    """A slow tokenizer does not report truncation, so texts that fill `max_length` are tokenized again in full."""
    options: dict[str, Any] = {"return_attention_mask": False, "return_token_type_ids": False, "verbose": False}

    def ids_of(texts: str | list[str]) -> Any:
        return tokenizer(texts, truncation=True, max_length=max_length, **options)["input_ids"]

    right = tokenizer.truncation_side == "right"
    texts = [decisive_plain(text, ids_of, max_length, from_left=right) for text in texts]
    ids: list[list[int]] = ids_of(texts)
    full = [text for text, row in zip(texts, ids, strict=True) if len(row) == max_length]
    return ids, sum(len(tokenizer(text)["input_ids"]) > max_length for text in full)


def _empty_text_id(tokenizer: "PreTrainedTokenizerBase") -> int:
    """The id that stands for a text without any token, because a pooling needs at least one."""
    for token_id in (tokenizer.unk_token_id, tokenizer.pad_token_id):
        if isinstance(token_id, int):
            return token_id
    raise ModelError("a text gives no token, and the tokenizer has neither an unknown nor a padding token")


def content(tokenizer: "PreTrainedTokenizerBase") -> str:
    """Everything that determines the ids of a text, as JSON; it does not depend on earlier calls of the tokenizer."""
    model: Any
    if tokenizer.is_fast:
        backend = cast("Tokenizer", tokenizer.backend_tokenizer)
        # A call stores its truncation and padding in the tokenizer, which would change the content.
        model = {**json.loads(backend.to_str()), "truncation": None, "padding": None}
    else:
        model = [type(tokenizer).__name__, tokenizer.get_vocab(), tokenizer.init_kwargs]
    settings = [tokenizer.truncation_side, tokenizer.unk_token_id, tokenizer.pad_token_id]
    return json.dumps([model, settings], sort_keys=True, default=repr)

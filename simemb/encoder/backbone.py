"""The backbone of a model directory, by transformers or as a `BareBert`; `simemb.encoder.loading` calls it."""

import inspect
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from simemb.encoder import foreign, weights
from simemb.encoder.modules import Dense
from simemb.encoder.pooling import HEAD
from simemb.encoder.settings import read_settings
from simemb.errors import ModelError
from simemb.transformer.bare_bert import BareBert, load_bare_bert
from simemb.transformer.cpu_ops import PLAIN

ENCODERS = {
    "t5": "T5EncoderModel",
    "mt5": "MT5EncoderModel",
    "umt5": "UMT5EncoderModel",
    "longt5": "LongT5EncoderModel",
}
"""Encoder-decoders whose encoder transformers loads by itself, by a class of its own."""


def load_backbone(
    directory: Path, *, head: bool = False, trust_remote_code: bool = False
) -> tuple[Any, Sequence[nn.Module]]:
    """The backbone in float32 without its pooler, and the modules that come with it.

    The backbone of a BERT is a `BareBert`, which is loaded sooner; `transformers_model` completes it.

    head: the second item holds the checkpoint's trained pooler as a Dense module; otherwise it is empty.
    Raises `ModelError` if weights are missing, or if `head` is set and the checkpoint has no trained pooler.
    """
    from transformers import AutoConfig

    settings = read_settings(directory / "config.json")
    if not trust_remote_code:
        foreign.refuse_kernels(directory / "config.json", settings)
    shapes = weights.read_shapes(directory)
    weights.refuse_giant_numbers(directory, settings, shapes)
    config = AutoConfig.from_pretrained(directory, trust_remote_code=trust_remote_code)
    weights.refuse_other_sizes(directory, config, shapes)
    bare = load_bare_bert(directory, config) if not (head or PLAIN or trust_remote_code) else None
    if bare is not None:
        return bare, []
    from transformers import MODEL_MAPPING

    listed = type(config) in MODEL_MAPPING
    has_option = listed and "add_pooling_layer" in inspect.signature(MODEL_MAPPING[type(config)].__init__).parameters
    made_by = _auto_class(directory, config)
    with quiet_transformers():
        weights.refuse_giant(directory, config, getattr(made_by, "from_config", made_by), shapes)
        backbone, report = made_by.from_pretrained(
            directory,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            trust_remote_code=trust_remote_code,
            output_loading_info=True,
            **({"add_pooling_layer": head} if has_option else {}),
        )
    if head and (not has_option or any("pooler" in key for key in report["missing_keys"])):
        raise ModelError(
            f"{directory} has no trained pooler, so pooling {HEAD} has no head to put on top (allowed: cls)"
        )
    weights.refuse_misfits(directory, backbone, report, shapes)
    weights.warn_of_second_encoder(directory, backbone, shapes)
    return backbone, [_take_pooler(backbone)] if head else []


def transformers_model(bare: BareBert) -> Any:
    """The transformers model with the parameters of a `BareBert`: the same objects, so both stay equal."""
    from transformers import AutoModel
    from transformers.initialization import no_init_weights

    parameters = dict(bare.named_parameters())
    with no_init_weights():
        backbone = AutoModel.from_config(bare.config, dtype=torch.float32, add_pooling_layer=False)
    for name, parameter in parameters.items():
        parent, _, leaf = name.rpartition(".")
        setattr(backbone.get_submodule(parent), leaf, parameter)
    return backbone.to(next(iter(parameters.values())).device).train(bare.training)


def _auto_class(directory: Path, config: Any) -> Any:
    """The class of transformers that makes the backbone; `ModelError` for models that are no encoders of text."""
    import transformers

    absent = [name for name in ("vocab_size", "hidden_size") if not isinstance(getattr(config, name, None), int)]
    if absent:
        raise ModelError(f"{directory} is no encoder of tokens ({config.model_type}): config.json has no {absent[0]}")
    if config.model_type in ENCODERS:
        return getattr(transformers, ENCODERS[config.model_type])
    if getattr(config, "is_encoder_decoder", False):
        readable = ", ".join(ENCODERS)
        raise ModelError(
            f"{directory} is an encoder-decoder ({config.model_type}): its encoder cannot be taken alone "
            f"(allowed: encoders, and of the encoder-decoders {readable})"
        )
    return transformers.AutoModel


def _take_pooler(backbone: Any) -> Dense:
    """Move the trained pooler out of the backbone into a Dense module of the encoder."""
    linear = getattr(backbone.pooler, "dense", backbone.pooler)
    dense = Dense(linear.in_features, linear.out_features, activation=nn.Tanh())
    dense.linear.load_state_dict(linear.state_dict())
    backbone.pooler = None
    return dense


@contextmanager
def quiet_transformers() -> Generator[None, None, None]:
    """Inside this context transformers shows no progress bars and logs errors only."""
    from transformers.utils import logging as transformers_logging

    level, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()


def set_dropout(backbone: Any, probability: float) -> None:
    """Set every dropout, attention included, but for that of adapters (LoRA), which has a number of its own.

    Raises `ModelError` for a probability outside [0, 1).
    """
    if not 0 <= probability < 1:
        raise ModelError(f"a probability of dropout must be in [0, 1), not {probability}")
    for module, name in _dropouts(backbone):
        setattr(module, name, probability)


@contextmanager
def dropout_at(backbone: Any, probability: float) -> Generator[None, None, None]:
    """Inside this context every dropout has this probability, as by `set_dropout`."""
    before = [(module, name, getattr(module, name)) for module, name in _dropouts(backbone)]
    set_dropout(backbone, probability)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def _dropouts(backbone: Any) -> Iterator[tuple[nn.Module, str]]:
    """Where the probabilities of a backbone's dropouts are: modules, and the names of their attributes."""
    for name, module in backbone.named_modules():
        if isinstance(module, nn.Dropout):
            if ".lora_dropout." not in name:
                yield module, "p"
        elif isinstance(getattr(module, "attention_dropout", None), int | float):
            yield module, "attention_dropout"

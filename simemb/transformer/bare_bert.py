"""The bare modules of BERT and RoBERTa, for encoding without transformers' modeling code.

Importing that code takes longer than everything else before a first vector. The layers are computed
by `simemb.transformer.forward`, which needs only the modules of a model under their usual names.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

PREFIXES = {"bert": "bert.", "roberta": "roberta.", "xlm-roberta": "roberta.", "camembert": "roberta."}
"""The supported model types, and the prefix of their weights' names in a checkpoint with a head."""

_ACTIVATIONS = {"gelu": nn.GELU, "relu": nn.ReLU}


class BareBert(nn.Module):
    """Modules without a forward pass, with the names and shapes of transformers' `BertModel` or `RobertaModel`."""

    def __init__(self, config: Any):
        super().__init__()
        self.config = config
        self.embeddings = _Embeddings(config)
        self.encoder = nn.Module()
        self.encoder.layer = nn.ModuleList(_layer(config) for _ in range(config.num_hidden_layers))


def load_bare_bert(directory: Path, config: Any) -> BareBert | None:
    """The model of a directory in float32, or None for what transformers has to load.

    None for other kinds of model, and for weights that do not fit or of which there are two (with and without the
    prefix), so that what transformers takes, or the reason for a refusal, is the same whoever asks.
    """
    from safetensors.torch import load_file

    file = directory / "model.safetensors"
    if config.model_type not in PREFIXES or config.hidden_act not in _ACTIVATIONS or not file.is_file():
        return None
    if getattr(config, "is_decoder", False) or config.hidden_size % config.num_attention_heads:
        return None
    stored = load_file(file)
    weights = {name.removeprefix(PREFIXES[config.model_type]): tensor for name, tensor in stored.items()}
    if len(weights) < len(stored):
        return None
    with torch.device("meta"):
        model = BareBert(config)
    expected = model.state_dict()
    if not expected.keys() <= weights.keys() or any(expected[name].shape != weights[name].shape for name in expected):
        return None
    if any("encoder.layer." in name for name in weights.keys() - expected.keys()):  # more layers, another encoder
        return None
    model.load_state_dict({name: weights[name].float() for name in expected}, assign=True)
    return model.eval()


class _Linear(nn.Linear):
    def reset_parameters(self) -> None:
        """Nothing: the weights come from a file."""


class _Embedding(nn.Embedding):
    def reset_parameters(self) -> None:
        """Nothing: the weights come from a file."""


class _LayerNorm(nn.LayerNorm):
    def reset_parameters(self) -> None:
        """Nothing: the weights come from a file."""


class _Embeddings(nn.Module):
    def __init__(self, config: Any):
        super().__init__()
        width, padding = config.hidden_size, config.pad_token_id
        shifted = config.model_type != "bert"  # RoBERTa counts positions from padding_idx + 1
        self.word_embeddings = _Embedding(config.vocab_size, width, padding_idx=padding)
        self.position_embeddings = _Embedding(config.max_position_embeddings, width)
        self.token_type_embeddings = _Embedding(config.type_vocab_size, width)
        self.LayerNorm = _LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        if shifted:
            self.padding_idx = padding


def _layer(config: Any) -> nn.Module:
    width, inner = config.hidden_size, config.intermediate_size
    projections = _named(query=_Linear(width, width), key=_Linear(width, width), value=_Linear(width, width))
    projections.dropout = nn.Dropout(config.attention_probs_dropout_prob)
    projections.num_attention_heads = config.num_attention_heads
    attention = nn.Module()
    attention.self = projections
    attention.output = _after(config, width)
    up = _named(dense=_Linear(width, inner), intermediate_act_fn=_ACTIVATIONS[config.hidden_act]())
    return _named(attention=attention, intermediate=up, output=_after(config, inner))


def _after(config: Any, inputs: int) -> nn.Module:
    return _named(
        dense=_Linear(inputs, config.hidden_size),
        LayerNorm=_LayerNorm(config.hidden_size, eps=config.layer_norm_eps),
        dropout=nn.Dropout(config.hidden_dropout_prob),
    )


def _named(**modules: nn.Module) -> nn.Module:
    parent = nn.Module()
    for name, module in modules.items():
        parent.add_module(name, module)
    return parent

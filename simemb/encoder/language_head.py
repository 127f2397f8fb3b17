"""The language-modelling head of a checkpoint.

`simemb.method.auxiliaries` trains it with masked language modelling; `simemb.encoder.saving` writes it.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simemb.encoder.backbone import quiet_transformers

log = logging.getLogger("simemb")

HEADS = (
    "cls.predictions.",
    "lm_head.",
    "generator_predictions.",
    "generator_lm_head.",
    "vocab_transform.",
    "predictions.",
    "decoder.bias",
)
"""How the names of a head's weights begin: BERT, RoBERTa, ELECTRA, DistilBERT, ALBERT, ModernBERT."""


class VocabularyHead(nn.Module):
    """The language-modelling head of a checkpoint, on its own.

    It is transformers' own model for masked language modelling, with a placeholder for the backbone that returns hidden
    states computed elsewhere. So the heads of all families work without code for each, and logits are computed for the
    masked tokens only.

    backbone: the encoder's backbone. source: the checkpoint that the head is loaded from. If it is None or has no head,
    the head starts untrained. name: the encoder's name, for the warning about that. tied: whether the output matrix is
    the encoder's word embeddings, as in pre-training; otherwise it starts as theirs, or as the checkpoint's own.
    """

    def __init__(self, backbone: Any, source: Path | None, name: str, *, tied: bool = True):
        super().__init__()
        model, untrained = _language_model(backbone, source)
        self._placeholder = _Placeholder()
        setattr(model, model.base_model_prefix, self._placeholder)
        words = backbone.get_input_embeddings().weight
        if tied:
            model.get_output_embeddings().weight = words
        elif model.config.tie_word_embeddings or untrained:
            model.get_output_embeddings().weight = nn.Parameter(words.detach().clone())
        model.config.tie_word_embeddings = tied  # so that what is saved is loaded as it is
        _share_bias(model)
        self.model = model
        if untrained:
            log.warning("%s carries no language-modelling head: starting from a fresh one", name)

    def forward(self, hidden: Float[Tensor, "masked dim"]) -> Float[Tensor, "masked vocabulary"]:
        """Logits over the vocabulary, from the last hidden states of the masked tokens."""
        self._placeholder.hidden = hidden[None]
        ids = torch.zeros((1, len(hidden)), dtype=torch.long, device=hidden.device)
        return self.model(input_ids=ids).logits[0]

    @contextmanager
    def around(self, backbone: nn.Module) -> Generator[Any, None, None]:
        """Inside this context: transformers' language model with that backbone in its place, ready to be saved."""
        name = self.model.base_model_prefix
        setattr(self.model, name, backbone)
        _share_bias(self.model, copied=not self.model.config.tie_word_embeddings)
        try:
            yield self.model
        finally:
            setattr(self.model, name, self._placeholder)
            _share_bias(self.model)


def _share_bias(model: Any, *, copied: bool = False) -> None:
    """Let the head's own `bias`, in families that have one, be that of its output layer, or a copy.

    transformers ties the two together with the output matrix and computes with that of the output layer only. Where
    nothing is tied, a file must hold both.
    """
    for name, twin in (model._tied_weights_keys or {}).items():
        if name.endswith(".bias"):
            bias, (module, _, attribute) = model.get_parameter(name), twin.rpartition(".")
            setattr(model.get_submodule(module), attribute, nn.Parameter(bias.detach().clone()) if copied else bias)


class _Placeholder(nn.Module):
    """Stands in for the backbone and returns the hidden states that were assigned to it."""

    hidden: Tensor

    def forward(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        from transformers.modeling_outputs import BaseModelOutput

        return BaseModelOutput(last_hidden_state=self.hidden)  # type: ignore[arg-type]


def _language_model(backbone: Any, source: Path | None) -> tuple[Any, bool]:
    """The checkpoint's model for masked language modelling, and whether weights of its head were missing."""
    from transformers import AutoModelForMaskedLM

    with quiet_transformers():
        if source is None:
            return AutoModelForMaskedLM.from_config(deepcopy(backbone.config)), True
        model, report = AutoModelForMaskedLM.from_pretrained(
            source, dtype=torch.float32, use_safetensors=True, output_loading_info=True, trust_remote_code=False
        )
    return model, bool(report["missing_keys"])


def is_language_model(source: Path | None) -> bool:
    """Whether a checkpoint holds the weights of a language-modelling head, as no finished encoder does.

    Its "architectures" say less: many finished encoders still name the model that they were trained from.
    """
    from safetensors import SafetensorError, safe_open

    weights = None if source is None else source / "model.safetensors"
    if weights is None or not weights.is_file():
        return False
    try:
        with safe_open(weights, framework="pt") as file:  # type: ignore[no-untyped-call]
            return any(name.startswith(HEADS) for name in file.keys())  # noqa: SIM118
    except (OSError, SafetensorError):  # loading says what is wrong with it
        return False

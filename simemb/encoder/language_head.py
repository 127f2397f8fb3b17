"""The language-modelling head of a checkpoint: masked language modelling trains it, and saving writes it."""

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


class VocabularyHead(nn.Module):
    """The language-modelling head of a checkpoint, on its own.

    It is transformers' own model for masked language modelling, in which a module that returns given hidden states
    takes the place of the backbone. So the head of every family works without code of its own, and logits are computed
    for the masked tokens alone. The output matrix is tied to the encoder's word embeddings, as in pre-training.

    backbone: the encoder's, whose word embeddings are shared. source: the checkpoint that the head is read from; None,
    or a checkpoint without one: a fresh head. name: of the encoder, for the warning about that.
    """

    def __init__(self, backbone: Any, source: Path | None, name: str):
        super().__init__()
        model, fresh = _language_model(backbone, source)
        self._given = _Given()
        setattr(model, model.base_model_prefix, self._given)
        embeddings = backbone.get_input_embeddings()
        model.get_output_embeddings().weight = embeddings.weight
        self.model = model
        if fresh:
            log.warning("%s carries no language-modelling head: starting from a fresh one", name)

    def forward(self, hidden: Float[Tensor, "masked dim"]) -> Float[Tensor, "masked vocabulary"]:
        """Logits over the vocabulary for some tokens."""
        self._given.hidden = hidden[None]
        ids = torch.zeros((1, len(hidden)), dtype=torch.long, device=hidden.device)
        return self.model(input_ids=ids).logits[0]

    @contextmanager
    def whole(self, backbone: nn.Module) -> Generator[Any, None, None]:
        """Inside this context it is transformers' language model again, around a backbone: to be saved."""
        name = self.model.base_model_prefix
        setattr(self.model, name, backbone)
        try:
            yield self.model
        finally:
            setattr(self.model, name, self._given)


class _Given(nn.Module):
    """A backbone that returns the hidden states it was given."""

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
            source, dtype=torch.float32, use_safetensors=True, output_loading_info=True
        )
    return model, bool(report["missing_keys"])

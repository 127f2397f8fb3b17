"""What an encoder tries out when it is made: in which form of batch a sentence has the states that it has alone.

Families differ in whether padding, or a neighbor in the batch, changes a state: attention can be masked, while a
convolution (ConvBERT), a Fourier transform (FNet) or the next word (MobileBERT) takes in what is there.
"""

from typing import Any

import torch
from torch import Tensor

from simemb.errors import ModelError, SimembError
from simemb.transformer import forward
from simemb.transformer.batch import Batch
from simemb.transformer.cpu_ops import PLAIN
from simemb.transformer.families import BERTS_KIN

LENGTHS = (3, 6, 6)
"""Tokens of the sentences that are tried: two of them are of equal length, which are computed together everywhere."""
LONG = 96
"""Tokens of one more sentence for families that are not BERT's kin: some change their attention with the length."""


@torch.inference_mode()
def choose_forward(encoder: Any) -> None:
    """Set `ragged`, `fast` and `apart` of an encoder whose backbone is a transformers model.

    Without padding only verified families are tried; the check catches a release of transformers that breaks one.
    Raises `ModelError` if the backbone cannot compute a sentence, or not without an influence from others.
    """
    from simemb.transformer import hf_forward  # with transformers' modeling code, so not before it is needed

    encoder.eval()
    encoder.ragged = encoder.fast = encoder.apart = False
    backbone, family = encoder.backbone, encoder.backbone.config.model_type
    verified = family in hf_forward.VERIFIED_FAMILIES
    sentences = _sentences(encoder, () if family in BERTS_KIN else (min(LONG, encoder.max_length),))
    alone = _alone(encoder, sentences)
    encoder.apart = not _agrees(encoder, sentences, alone)
    if encoder.apart and not _agrees(encoder, sentences, alone):
        reason = "its vectors depend on the other texts of a batch, or on chance"
        raise ModelError(f"{encoder.name} ({family}) cannot be used: {reason}")
    _check_positions(encoder, sentences[-1], alone[-len(sentences[-1]) :])
    if encoder.apart:
        return
    if verified:
        _try_ragged(encoder, sentences, alone)
    encoder.fast = not PLAIN and forward.layers_of(backbone) is not None
    encoder.fast = encoder.fast and _agrees(encoder, sentences, alone)


def _try_ragged(encoder: Any, sentences: list[list[int]], alone: Tensor) -> None:
    """Set `ragged` if the transformers model has the right states with the attention that needs no padding."""
    from simemb.transformer import hf_forward

    backbone = encoder.backbone
    own_attention = backbone.config._attn_implementation
    backbone.set_attn_implementation(hf_forward.NAME)
    encoder.ragged = True
    if not _agrees(encoder, sentences, alone):
        backbone.set_attn_implementation(own_attention)
        encoder.ragged = False


def _sentences(encoder: Any, more: tuple[int, ...]) -> list[list[int]]:
    """Token ids of sentences, shortest first, without the tokens that may have a meaning for a model (padding)."""
    config = encoder.backbone.config
    special = {getattr(config, f"{name}_token_id", None) for name in ("pad", "bos", "eos", "cls", "sep", "mask")}
    special.add(encoder.tokenizer.pad_token_id)
    ids = [number for number in range(int(config.vocab_size)) if number < 64 and number not in special]
    lengths = sorted((*LENGTHS, *more))
    return [[ids[(5 * row + 3 * place) % len(ids)] for place in range(length)] for row, length in enumerate(lengths)]


def _alone(encoder: Any, sentences: list[list[int]]) -> Tensor:
    """The states of the tokens of sentences that are computed one by one [tokens, dim]."""
    family = encoder.backbone.config.model_type
    try:
        states = torch.cat([_states(encoder, [sentence]) for sentence in sentences])
    except SimembError:
        raise
    except Exception as error:  # whatever the code of another library raises
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{encoder.name} ({family}) cannot compute a sentence: {reason}") from error
    tokens, width = sum(map(len, sentences)), int(encoder.backbone.config.hidden_size)
    if tuple(states.shape) != (tokens, width):
        made = " x ".join(map(str, states.shape))
        raise ModelError(f"{encoder.name} ({family}) makes states of {made} from {tokens} tokens of {width} dimensions")
    return states


def _check_positions(encoder: Any, sentence: list[int], states: Tensor) -> None:
    """Raise `ModelError` if the model counts positions in another way than the encoder, which states them."""
    ids = torch.tensor([sentence], device=encoder.device)
    own = encoder.backbone(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
    if not _close(states, own):
        family = encoder.backbone.config.model_type
        raise ModelError(f"{encoder.name} ({family}) cannot be used: it counts the positions of tokens in its own way")


def _close(states: Tensor, expected: Tensor) -> bool:
    scale = 1 + float(expected.nan_to_num(0, 0, 0).abs().max())
    return states.shape == expected.shape and torch.allclose(
        states, expected, atol=1e-4 * scale, rtol=1e-4, equal_nan=True
    )


def _agrees(encoder: Any, sentences: list[list[int]], alone: Tensor) -> bool:
    """Whether sentences have the same states in one batch as alone; a model may also fail on one of several."""
    try:
        together = _states(encoder, sentences)
    except Exception:
        return False
    return _close(together, alone)


def _states(encoder: Any, sentences: list[list[int]]) -> Tensor:
    return encoder.hidden_states(Batch.collate(sentences).to(encoder.device))[-1]

"""Augmentations of the embedding layer's output, applied to the views of a batch that ask for them."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor

from simemb.encoder.encoder import Encoder
from simemb.method.embedding_augmentations import Adversarial, EmbeddingAugmentation, attack
from simemb.method.views import View
from simemb.transformer.batch import Batch


@contextmanager
def augment_embeddings(
    encoder: Encoder, views: Sequence[View], gradient: Float[Tensor, "tokens dim"] | None = None
) -> Generator[None, None, None]:
    """Inside this context a batch of these views, one after the other, is augmented at the embedding layer.

    gradient: of the loss at the embedding layer, for adversarial views.
    """
    chosen = [
        (place, [item for item in view.augment if isinstance(item, EmbeddingAugmentation | Adversarial)])
        for place, view in enumerate(views)
    ]
    chosen = [(place, augmentations) for place, augmentations in chosen if augmentations]
    if not chosen:
        yield
        return

    def change(tokens: Tensor, batch: Batch) -> Tensor:
        examples = len(batch) // len(views)
        of_token, of_sentence = batch.segments // examples, (batch.order // examples).cpu()
        lengths = torch.tensor(batch.lengths)
        for place, augmentations in chosen:
            where = (of_token == place).nonzero().squeeze(1)
            piece = tokens[where]
            for augmentation in augmentations:
                if isinstance(augmentation, Adversarial):
                    assert gradient is not None
                    piece = attack(piece, gradient[where], augmentation.norm)
                else:
                    piece = augmentation(piece, lengths[of_sentence == place])
            tokens = tokens.index_copy(0, where, piece)
        return tokens

    with encoder.intercept(change):
        yield


@contextmanager
def capture_embeddings(encoder: Encoder, outputs: list[Tensor]) -> Generator[None, None, None]:
    """Inside this context the embedding layer's output is put into `outputs`, as a leaf that collects gradient."""

    def catch(tokens: Tensor, batch: Batch) -> Tensor:  # noqa: ARG001
        outputs.append(tokens.detach().requires_grad_())
        return outputs[-1]

    with encoder.intercept(catch):
        yield

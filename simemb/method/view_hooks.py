"""Contexts that change or record the embedding layer's output, for augmented and adversarial views."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float, Int
from torch import Tensor

from simemb.encoder.encoder import Encoder
from simemb.method.embedding_augmentations import Adversarial, EmbeddingAugmentation, attack
from simemb.method.views import View
from simemb.transformer.batch import Batch


@contextmanager
def augment_embeddings(
    encoder: Encoder,
    views: Sequence[View],
    gradient: Float[Tensor, "tokens dim"] | None = None,
    sizes: Sequence[int] = (),
) -> Generator[None, None, None]:
    """Inside this context the encoder augments its embedding layer's output, view by view.

    views: of the batch, in which they follow one after the other. gradient: of the loss with respect to the embedding
    layer's output, for adversarial views. sizes: the sentences of each view, by default equally many.
    """
    augmentations = [
        (place, [item for item in view.augment if isinstance(item, EmbeddingAugmentation | Adversarial)])
        for place, view in enumerate(views)
    ]
    augmentations = [(place, items) for place, items in augmentations if items]
    if not augmentations:
        yield
        return

    def change(tokens: Tensor, batch: Batch) -> Tensor:
        counts = sizes or [len(batch) // len(views)] * len(views)
        token_views, sentence_views = _view_of(batch.segments, counts), _view_of(batch.order, counts).cpu()
        lengths = torch.tensor(batch.lengths)
        for place, items in augmentations:
            positions = (token_views == place).nonzero().squeeze(1)
            piece = tokens[positions]
            for augmentation in items:
                if isinstance(augmentation, Adversarial):
                    assert gradient is not None
                    piece = attack(piece, gradient[positions], augmentation.norm)
                else:
                    piece = augmentation(piece, lengths[sentence_views == place])
            tokens = tokens.index_copy(0, positions, piece)
        return tokens

    with encoder.intercept(change):
        yield


def _view_of(sentences: Int[Tensor, "sentences"], sizes: Sequence[int]) -> Int[Tensor, "sentences"]:
    """Which view each sentence belongs to, by its number in the batch; what fills a batch belongs to none."""
    if len(set(sizes)) == 1:
        return sentences // sizes[0]
    return torch.bucketize(sentences, torch.tensor(sizes, device=sentences.device).cumsum(0), right=True)


@contextmanager
def capture_embeddings(encoder: Encoder, outputs: list[Tensor]) -> Generator[None, None, None]:
    """Inside this context the embedding layer's output is appended to `outputs`, as a leaf with gradient."""

    def record(tokens: Tensor, batch: Batch) -> Tensor:  # noqa: ARG001
        outputs.append(tokens.detach().requires_grad_())
        return outputs[-1]

    with encoder.intercept(record):
        yield

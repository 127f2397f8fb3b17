"""Views: which column of the data a branch sees, and what is done to it on the way.

Dropout, which makes SimCSE's two views of one sentence differ, is in the encoder already and needs no
word here.
"""

from dataclasses import dataclass

from simemb.method.embedding_augmentations import Adversarial, EmbeddingAugmentation
from simemb.method.token_augmentations import TokenAugmentation

Augmentation = TokenAugmentation | EmbeddingAugmentation | Adversarial


@dataclass(frozen=True)
class View:
    """One reading of an example.

    The loss is averaged over all pairs (i, j), i != j, of one group, where the online branch saw view i and
    the target branch view j. A view that neither sees is encoded for the auxiliaries only.
    """

    column: int = 0
    """Which text column of the data, counted from 0."""
    online: bool = True
    """Whether the online branch encodes it: it asks for its key."""
    target: bool = True
    """Whether the target branch encodes it: it is a key."""
    negative: bool = False
    """Join every query's denominator instead (NLI contradictions)."""
    offset: int = 0
    """How many rows further down the data it reads: 1 is the next sentence of running text."""
    group: int = 0
    """Only views of the same group are compared: two texts, each with another reading of itself."""
    augment: tuple[Augmentation, ...] = ()
    """What is done to it: to its tokens, then to the embedding layer's output."""

    @property
    def optional(self) -> bool:
        """Whether it is left out where the data has no such column: negatives, and views for auxiliaries."""
        return self.negative or not (self.online or self.target)

    @property
    def adversarial(self) -> bool:
        """Whether a gradient is needed before the view can be made."""
        return any(isinstance(augmentation, Adversarial) for augmentation in self.augment)


def pairs(views: tuple[View, ...]) -> tuple[tuple[int, int], ...]:
    """The (query view, key view) pairs over which an objective is averaged.

    >>> pairs((View(target=False), View(online=False)))
    ((0, 1),)
    >>> pairs((View(), View()))
    ((0, 1), (1, 0))
    """
    real = [(index, view) for index, view in enumerate(views) if not view.negative]
    return tuple(
        (i, j)
        for i, query in real
        for j, key in real
        if i != j and query.group == key.group and query.online and key.target
    )

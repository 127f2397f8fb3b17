"""Views: which column of the data a branch encodes, and how it is augmented.

Dropout, which makes SimCSE's two views of one sentence differ, is part of the encoder and not of a view.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from simemb.arguments import checked_fields
from simemb.method.embedding_augmentations import Adversarial, EmbeddingAugmentation
from simemb.method.sampled_dropout import SampledDropout
from simemb.method.text_augmentations import TextAugmentation
from simemb.method.token_augmentations import TokenAugmentation

Augmentation = TextAugmentation | TokenAugmentation | EmbeddingAugmentation | Adversarial | SampledDropout


@checked_fields
@dataclass(frozen=True)
class View:
    """One view of an example.

    The loss is averaged over all pairs (i, j), i != j, of one group, where the online branch encodes view i and
    the target branch view j. A view that neither encodes is there for the auxiliaries only.
    """

    column: int = 0
    """Which text column of the data, counted from 0."""
    online: bool = True
    """Whether the online branch encodes it, as a query."""
    target: bool = True
    """Whether the target branch encodes it, as a key."""
    negative: bool = False
    """Whether it is a hard negative in the denominator of every query instead (NLI contradictions)."""
    offset: int = 0
    """How many rows further down the data its text is: 1 is the next sentence of running text."""
    group: int = 0
    """Only views of the same group are compared, for example two texts, each with another view of itself."""
    augment: tuple[Augmentation, ...] = ()
    """Augmentations: of its text, of its tokens, of the embedding layer's output, and of the dropout of its pass."""
    prompt: str = ""
    """A text before each of its texts, or the name of a prompt that the model has; augmentations leave it as it is."""

    @property
    def optional(self) -> bool:
        """Whether it is left out if the data lacks its column: negatives, and views for auxiliaries."""
        return self.negative or not (self.online or self.target)

    @property
    def adversarial(self) -> bool:
        """Whether the view needs the gradient of the clean views."""
        return any(isinstance(augmentation, Adversarial) for augmentation in self.augment)

    @property
    def changes(self) -> tuple[TextAugmentation, ...]:
        """The augmentations of the text itself, in order."""
        return tuple(augmentation for augmentation in self.augment if isinstance(augmentation, TextAugmentation))

    @property
    def sampled_dropout(self) -> SampledDropout | None:
        """From which rates the dropout of the view is drawn, if it is."""
        return next((item for item in self.augment if isinstance(item, SampledDropout)), None)

    @property
    def text(self) -> tuple[int, int]:
        """Which text of an example it reads: its column and offset."""
        return self.column, self.offset


def clean_views(views: Mapping[int, View]) -> dict[tuple[int, int], int]:
    """For each text the index of the first view of it that neither is adversarial nor changes the text.

    >>> clean_views({0: View(augment=(Adversarial(),)), 1: View(), 2: View(1)})
    {(0, 0): 1, (1, 0): 2}
    """
    clean: dict[tuple[int, int], int] = {}
    for place, view in views.items():
        if not view.adversarial and not view.changes:
            clean.setdefault(view.text, place)
    return clean


def compared(views: tuple[View, ...]) -> tuple[tuple[int, int], ...]:
    """The pairs of views, or a single view with itself, whose texts are compared with each other.

    >>> compared((View(), View())), compared((View(),))
    (((0, 1), (1, 0)), ((0, 0),))
    """
    return pairs(views) or tuple((place, place) for place in range(len(views)))[:1]


def pairs(views: tuple[View, ...]) -> tuple[tuple[int, int], ...]:
    """The (query view, key view) pairs over which an objective is averaged.

    >>> pairs((View(target=False), View(online=False)))
    ((0, 1),)
    >>> pairs((View(), View()))
    ((0, 1), (1, 0))
    """
    positives = [(index, view) for index, view in enumerate(views) if not view.negative]
    return tuple(
        (i, j)
        for i, query in positives
        for j, key in positives
        if i != j and query.group == key.group and query.online and key.target
    )

"""The words of a recipe: every noun by the name under which it stands in recipe.json."""

from typing import Any

from simemb.method import (
    auxiliaries,
    embedding_augmentations,
    heads,
    memory,
    objectives,
    targets,
    token_augmentations,
    views,
)

BASES = (
    token_augmentations.TokenAugmentation,
    embedding_augmentations.EmbeddingAugmentation,
    auxiliaries.Auxiliary,
    objectives.Objective,
)
"""What the nouns of a kind derive from; themselves no nouns."""

OTHERS = (
    *(views.View, embedding_augmentations.Adversarial, heads.Projector, heads.MLP, memory.Queue, memory.Bank),
    *(targets.StopGradient, targets.EMA, targets.Twin, targets.Frozen, objectives.FalseNegatives),
)


def nouns() -> dict[str, Any]:
    """All there are by now: a recipe file may define nouns of its own."""
    return {noun.__name__: noun for noun in (*OTHERS, *(kind for base in BASES for kind in _derived(base)))}


def _derived(base: type) -> list[type]:
    found = base.__subclasses__()
    return found + [deeper for kind in found for deeper in _derived(kind)]

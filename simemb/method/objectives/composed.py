"""Objectives that are made of others, and walks over what they are made of."""

from collections.abc import Iterator

from simemb.method.objectives.base import Objective


class Composed(Objective):
    """An objective around others: it asks for what any of them asks for."""

    @property
    def parts(self) -> tuple[Objective, ...]:
        """The objectives directly inside."""
        raise TypeError(f"{type(self).__name__} does not say what it is made of")

    @property
    def negatives(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether any part pushes others away."""
        return any(part.negatives for part in self.parts)

    @property
    def outsiders(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether any part uses views of negatives and a queue."""
        return any(part.outsiders for part in self.parts)

    @property
    def rowwise(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether any part compares a query with its own hard negatives."""
        return any(part.rowwise for part in self.parts)

    @property
    def takes_negatives(self) -> bool:
        """Whether any part has a use for views of negatives."""
        return any(part.takes_negatives for part in self.parts)

    @property
    def scored(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether any part learns from scores of pairs."""
        return any(part.scored for part in self.parts)

    @property
    def graded(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether any part learns from scores of candidates."""
        return any(part.graded for part in self.parts)

    @property
    def classed(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether any part learns from class labels."""
        return any(part.classed for part in self.parts)

    @property
    def banked(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether any part takes its keys from a bank."""
        return any(part.banked for part in self.parts)

    @property
    def clustered(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether any part works on scores of prototypes."""
        return any(part.clustered for part in self.parts)

    @property
    def guided(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether any part asks a guide."""
        return any(part.guided for part in self.parts)

    @property
    def any_width(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether keys of another width suit all parts."""
        return all(part.any_width for part in self.parts)


def walk(objective: Objective | None) -> Iterator[Objective]:
    """The objective and all that it is made of, from the outside in."""
    if objective is not None:
        yield objective
        for part in objective.parts if isinstance(objective, Composed) else ():
            yield from walk(part)


def terms(objective: Objective | None) -> Iterator[Objective]:
    """The losses themselves: what a composed objective is made of in the end, or a plain one.

    >>> from simemb import CoSENT, InfoNCE, Matryoshka, Sum
    >>> [type(term).__name__ for term in terms(Matryoshka(Sum((InfoNCE(), CoSENT()))))]
    ['InfoNCE', 'CoSENT']
    """
    return (each for each in walk(objective) if not isinstance(each, Composed))


def name_of(objective: Objective | None, flag: str = "") -> str:
    """The name of an objective for messages: of its first term of this flag, or its own.

    >>> from simemb import CoSENT, InfoNCE, Sum
    >>> name_of(Sum((InfoNCE(), CoSENT())), "scored")
    'CoSENT'
    """
    asking = (term for term in terms(objective) if getattr(term, flag, False))
    return type(next(asking, objective)).__name__

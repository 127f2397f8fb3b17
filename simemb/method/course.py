"""Course: one encoder that learns from several sources, by a method for each."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from simemb.encoder.encoder import Encoder
from simemb.encoder.language_head import VocabularyHead
from simemb.method.branch import Branch
from simemb.method.method import Method
from simemb.method.recipe import Recipe
from simemb.method.step_input import StepInput


class Course(nn.Module):
    """The methods of the sources of a run, on one encoder, which `simemb.training.trainer` trains as a `Method`.

    They share the head, the predictor, the auxiliaries and the second network; each has views, an objective with its
    state and a memory of its own. So a queue holds negatives of one source, and says nothing about its style.

    recipes, columns, examples: of each source, see `Method`. keywords: what all of them have in common.
    """

    def __init__(
        self,
        recipes: Sequence[Recipe],
        encoder: Encoder,
        *,
        columns: Sequence[int],
        examples: Sequence[int],
        **keywords: Any,
    ):
        super().__init__()
        first: Method | None = None
        methods: list[Method] = []
        for recipe, width, rows in zip(recipes, columns, examples, strict=True):
            method = Method(recipe, encoder, columns=width, examples=rows, beside=first, **keywords)
            first = first or method
            methods.append(method)
        self.methods = nn.ModuleList(methods)

    def of(self, examples: StepInput) -> Method:
        """The method of the source of these examples."""
        method = self.methods[examples.source]
        assert isinstance(method, Method)
        return method

    def forward(self, examples: StepInput) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
        """The loss and the signals of examples of one source."""
        return self.of(examples)(examples)

    @property
    def first(self) -> Method:
        """That of the first source, which made what all share."""
        return self.each()[0]

    @property
    def encoder(self) -> Encoder:
        """The encoder of all sources."""
        return self.first.encoder

    @property
    def second(self) -> Branch | None:
        """The slow copy or the twin, one for all sources."""
        return self.first.second

    @property
    def language_head(self) -> VocabularyHead | None:
        """That of the first method; auxiliaries are shared."""
        return self.first.language_head

    @property
    def progress(self) -> float:
        """The fraction of the training that is done, from 0 to 1."""
        return self.first.progress

    @progress.setter
    def progress(self, done: float) -> None:
        for method in self.each():
            method.progress = done

    def after_step(self) -> None:
        """Call after each optimizer step: the slow copy moves once, and the objectives of all sources are updated."""
        for method in self.each():
            method.after_step()

    def each(self) -> list[Method]:
        """The methods, in the order of the sources."""
        return [method for method in self.methods if isinstance(method, Method)]


Trained = Method | Course
"""What a run trains."""

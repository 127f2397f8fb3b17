"""A recipe: everything that defines a training method, as a tree of frozen dataclasses.

`repr(recipe)` is valid Python, `dataclasses.replace` makes an ablation, and every field can be set from the command
line. Each recipe is a file in the package `simemb.train`, or a file of your own; the file system is the registry.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from simemb.arguments import checked, checked_fields
from simemb.encoder.pooling import LAYERS
from simemb.errors import RecipeError, unknown
from simemb.method.attack_checks import check_attacks
from simemb.method.auxiliaries import Auxiliary
from simemb.method.class_checks import check_classes, is_alone
from simemb.method.deferral import deferrable
from simemb.method.field_checks import check_at_least, check_choices, check_fraction, check_nouns, check_positive
from simemb.method.guide_checks import check_guide
from simemb.method.head_checks import check_heads
from simemb.method.heads import MLP, Head
from simemb.method.lessons import Lesson, check_sources, objectives_of, views_of
from simemb.method.memory import Memory, Queue
from simemb.method.memory_checks import check_memory
from simemb.method.negative_checks import check_changes, check_negatives
from simemb.method.objectives import InfoNCE, Objective, name_of, served, terms
from simemb.method.pass_checks import check_passes
from simemb.method.recipe_json import from_json, noun_classes, to_json
from simemb.method.targets import EMA, Frozen, StopGradient, Target
from simemb.method.text_augmentations import TextAugmentation
from simemb.method.token_augmentations import TokenAugmentation
from simemb.method.trained_parts import LoRA, check_trained
from simemb.method.views import View, pairs


@checked_fields
@dataclass(frozen=True)
class Recipe:
    """(data -> views) x (encoder, head) x objective, and the optimizer's numbers.

    The defaults of the numbers are those of princeton-nlp/SimCSE with transformers 4.2.1 underneath:
    AdamW without weight decay or warm-up, linear decay, gradient norm 1, the last partial batch kept. One departure:
    PyTorch's AdamW adds epsilon after the bias of the second moment is corrected, as Kingma & Ba (2015, algorithm 1)
    do; AdamW of transformers 4.2.1 adds it before, where it weighs up to 32 times as much in the first steps.
    """

    views: tuple[View, ...]
    """Which columns are encoded, and how."""
    objective: Objective | None = None
    """The loss of query and key vectors; None if only auxiliaries are trained."""
    head: Head | None = None
    """Layers between the sentence vector and the objective."""
    predictor: Head | None = None
    """Layers after the head, for the queries only."""
    target: Target | None = None
    """What encodes the keys; by default the encoder itself, with gradient."""
    memory: Memory | None = None
    """Negatives from earlier batches, or a stored vector for every example."""
    auxiliaries: tuple[Auxiliary, ...] = ()
    """Additional losses on the same encoder."""
    mix: Literal["join", "proportional", "round_robin", "until_smallest"] = "join"
    """How several data make one run: read one after the other, as one (`join`); or kept apart, so that each batch is of
    one of them (see `simemb.training.batches.Turns`)."""
    weights: tuple[float, ...] = ()
    """With `proportional`, the weight of each of the data; by default their sizes."""
    lessons: tuple[Lesson, ...] = ()
    """What each of several data teaches, in their order; by default all teach the same."""
    guide: str | tuple[str, ...] | None = None
    """A model that judges which negatives are false (`FalseNegatives(guided=True)`) or how near all texts are
    (`ListNet`); of several models the cosines are averaged."""
    guide_weights: tuple[float, ...] = ()
    """The weights of several guides in that average, above 0; by default they are equal."""
    reranker: str | None = None
    """A model that scores each row's positive and negatives where the data do not: a cross-encoder, or an encoder."""
    include_prompt: bool | None = None
    """Whether the tokens of the views' prompts are pooled too; by default as the model has it, which is yes."""
    fixed_dropout: bool = False
    """Whether identical views get the same dropout mask, hence the same vector (SimCSE, table 2)."""
    pooling: str = "cls"
    """Pooling for a model that does not name one: cls, mean, max, first_last, last2."""
    max_length: int = 32
    """Tokens to which training texts are truncated, special ones included; evaluation uses the model's own limit."""
    dropout: float | None = None
    """Dropout of the backbone in [0, 1), attention included; by default the model's own."""
    batch_size: int = 64
    """Examples per batch, all processes together: negatives come from the same batch."""
    per_label: int | None = None
    """Texts of a class label that come together into a batch, 2 or more; by default texts come in any order."""
    chunk: int | None = None
    """Examples in the network at once, by default all: less memory, the same gradient but for other dropout masks."""
    accumulate: int = 1
    """Batches whose gradients are averaged in one optimizer step; this adds no negatives."""
    negatives: int | None = None
    """The most hard negatives of a row, by default all it has; of more, others are drawn in each epoch."""
    epochs: int = 1
    """Passes over the data."""
    max_steps: int | None = None
    """Number of optimizer steps after which training and the learning-rate schedule end, if `epochs` is longer."""
    learning_rate: float = 3e-5
    """The highest learning rate."""
    learning_rates: tuple[str, ...] = ()
    """Other highest learning rates for parts, as head=1e-3 layers=2e-5: embeddings, layers, or head (all else)."""
    freeze: tuple[str, ...] = ()
    """Parts of the backbone that do not learn: embeddings, layers:N (the first N)."""
    lora: LoRA = field(default_factory=LoRA)
    """Adapters that learn in place of the backbone's own weights."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """How the learning rate falls to 0 after the warm-up."""
    warmup: float = 0.0
    """Fraction of the steps in [0, 1) over which the learning rate rises from 0."""
    weight_decay: float = 0.0
    """AdamW's decoupled weight decay; not applied to biases, norms and temperatures."""
    betas: tuple[float, float] = (0.9, 0.999)
    """AdamW's decay rates of the two moments."""
    epsilon: float = 1e-8
    """AdamW's epsilon, added to the root of the second moment after its bias is corrected."""
    max_grad_norm: float = 1.0
    """Gradients are scaled down to this L2 norm."""
    eval_every: int = 125
    """Optimizer steps between evaluations and checkpoints."""
    patience: int | None = None
    """Evaluations without a better score after which training stops; by default it does not stop early."""
    keep: Literal["best", "last"] = "best"
    """The checkpoint that is kept: the best on the dev suite, or the last one."""

    @deferrable
    def __post_init__(self) -> None:
        check(self)

    @property
    def columns(self) -> int:
        """Text columns that the data must have: those of every view that is not optional."""
        return 1 + max((view.column for view in self.views if not view.optional), default=0)

    @property
    def classed(self) -> bool:
        """Whether it learns from class labels of single texts."""
        return self.objective is not None and self.objective.classed

    @property
    def guides(self) -> tuple[str, ...]:
        """The guides by name: none, one or several."""
        return (self.guide,) if isinstance(self.guide, str) else self.guide or ()

    @property
    def smallest_share(self) -> int:
        """The fewest examples of a batch that a process can use: batch norm needs two."""
        heads = [head for head in (self.head, self.predictor) if isinstance(head, MLP)]
        return 2 if any(head.batch_norm for head in heads) else 1

    def to_json(self) -> dict[str, Any]:
        """The recipe as plain JSON; each noun carries its class name as `kind`."""
        return to_json(self)

    @staticmethod
    @checked
    def from_json(content: Mapping[str, Any]) -> "Recipe":
        """The inverse of `to_json`. Raises `RecipeError` for fields or kinds that do not exist."""
        recipe = from_json(content, {"Recipe": Recipe, **noun_classes()})
        if not isinstance(recipe, Recipe):
            raise RecipeError(f"the content is that of a {_name(recipe)}, not of a Recipe")
        return recipe


def check(recipe: Recipe) -> None:
    """Raise `RecipeError` for values out of range and for parts that do not go together.

    The rules refer to classes of nouns, never to the name of a method.
    """
    check_choices(recipe)
    check_nouns(recipe)
    _check_numbers(recipe)
    if recipe.objective is None:
        _check_alone(recipe)
    else:
        for rule in (_check_views, check_negatives, _check_reranker, check_guide, _check_target, _check_objective):
            rule(recipe)
        check_memory(recipe.objective, recipe.memory, recipe.views, recipe.target)
        check_heads(recipe.head, recipe.predictor, recipe.objective)
    check_attacks(recipe.views, recipe.objective, recipe.target, recipe.memory, recipe.auxiliaries)
    check_passes(recipe)
    check_changes(recipe)
    check_classes(recipe)
    check_sources(recipe)
    check_trained(recipe.freeze, recipe.learning_rates, recipe.lora)


def _check_numbers(recipe: Recipe) -> None:
    def values(*names: str) -> dict[str, Any]:
        return {name: getattr(recipe, name) for name in names}

    counts = ("max_length", "batch_size", "chunk", "accumulate", "epochs", "max_steps", "eval_every", "patience")
    check_at_least(1, values(*counts, "negatives"))
    if recipe.negatives is not None and not any(view.optional for views in views_of(recipe) for view in views):
        raise RecipeError("--negatives: the recipe has no view of negatives")
    check_fraction(values("dropout", "warmup"))
    check_positive(values("learning_rate", "max_grad_norm", "epsilon"))
    weights = values("weight_decay")
    if recipe.objective is not None:
        weights["objective.weight"] = recipe.objective.weight
    check_at_least(
        0, weights | {f"auxiliaries.{place}.weight": part.weight for place, part in enumerate(recipe.auxiliaries)}
    )
    if not all(0 <= beta < 1 for beta in recipe.betas):
        raise RecipeError(f"--betas must each be in [0, 1), not {recipe.betas}")
    if recipe.pooling not in LAYERS:
        raise RecipeError(unknown("pooling", recipe.pooling, LAYERS))
    if not recipe.views:
        raise RecipeError("no views: nothing is read")
    if min(min(view.column, view.offset) for view in recipe.views) < 0:
        raise RecipeError("a view's column and offset are counted from 0")
    if recipe.batch_size < recipe.smallest_share:
        raise RecipeError("--batch-size 1 leaves batch norm nothing to compare with (allowed: 2 or more)")


def _check_alone(recipe: Recipe) -> None:
    """Checks without an objective: there must be auxiliaries, and only some of them read vectors."""
    if not recipe.auxiliaries:
        raise RecipeError("nothing to learn: the recipe has neither an objective nor an auxiliary")
    for part in ("head", "predictor", "target", "memory", "guide", "reranker"):
        if getattr(recipe, part) is not None:
            raise RecipeError(f"nothing is compared without an objective: leave the {part} out")
    of_texts = TextAugmentation | TokenAugmentation
    augmentations = [item for view in recipe.views for item in view.augment if not isinstance(item, of_texts)]
    if augmentations and not any(part.labeled or part.reads_vectors for part in recipe.auxiliaries):
        raise RecipeError(f"{_name(augmentations[0])} changes vectors, which neither an objective nor a label asks for")


def _check_views(recipe: Recipe) -> None:
    objective = recipe.objective
    assert objective is not None
    if objective.banked:
        if not any(view.online for view in recipe.views):
            raise RecipeError("no view is seen online, so there is nothing to compare with the bank")
    elif not pairs(recipe.views) and not is_alone(recipe):
        raise RecipeError("no pair of views to compare: one view must be seen online and another by the target")
    if recipe.batch_size < 2 and objective.negatives and not objective.banked:
        raise RecipeError("--batch-size 1 leaves no in-batch negatives to tell the positive from (allowed: 2 or more)")


def _check_reranker(recipe: Recipe) -> None:
    objective = recipe.objective
    assert objective is not None
    if recipe.reranker is not None and not any(each and each.graded for each in objectives_of(recipe)):
        raise RecipeError(f"--reranker scores candidates, which {name_of(objective)} does not ask for")


def _check_target(recipe: Recipe) -> None:
    target = recipe.target
    if (
        isinstance(target, EMA)
        and not target.keys
        and not (isinstance(recipe.memory, Queue) and recipe.memory.view is not None)
    ):
        raise RecipeError("a slow copy that encodes no keys fills a queue: give the recipe a memory=Queue(view=...)")
    if isinstance(target, Frozen) and any(
        view.augment for view in recipe.views if view.negative or (view.target and not view.online)
    ):
        raise RecipeError("a frozen teacher sees the texts as they are: augment a view of the encoder instead")
    if isinstance(target, Frozen) and any(view.online and view.target for view in recipe.views):
        raise RecipeError("with a frozen teacher a view is seen by the encoder or by the teacher, not by both")
    if isinstance(target, EMA) and not target.head and recipe.head is not None and recipe.head.keep:
        raise RecipeError("kept layers are part of the encoder, of which the slow copy has its own: EMA(head=True)")
    symmetric = any(isinstance(term, InfoNCE) and term.symmetric for term in terms(recipe.objective))
    if isinstance(target, StopGradient) and symmetric:
        raise RecipeError("a symmetric loss sends its gradient through both sides, which StopGradient forbids")


def _check_objective(recipe: Recipe) -> None:
    objective = recipe.objective
    prototypes = getattr(recipe.head, "prototypes", None)
    if bool(prototypes) != objective.clustered:  # type: ignore[union-attr]
        needs = "works on" if prototypes is None else "has no use for"
        raise RecipeError(f"{name_of(objective, 'clustered')} {needs} scores of prototypes: see MLP(prototypes=...)")
    given = any(view.negative for view in recipe.views)
    alone = [term for term in served(objective) if isinstance(term, InfoNCE) and not term.in_batch]
    if recipe.memory is None and not all(given and term.hard_negatives for term in alone):
        raise RecipeError("no negatives: in_batch=False leaves the queue or a view of negatives, and there is none")


def _name(part: object) -> str:
    return type(part).__name__

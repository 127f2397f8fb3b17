"""Method: computes the loss of a recipe with an encoder, for `simemb.training.trainer`.

One class runs every recipe. It may branch on the class of a noun (target, memory ...), never on the name of a method.
"""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simemb.encoder.encoder import Encoder
from simemb.encoder.language_head import VocabularyHead
from simemb.errors import RecipeError
from simemb.method.auxiliaries import AuxiliaryInput, AuxiliaryLoss, Masked, MaskedLMLoss, Share, shares
from simemb.method.branch import Branch, attach
from simemb.method.memory import Bank, BankState, NoiseState, QueueState
from simemb.method.memory_updates import remember
from simemb.method.objectives import SumLoss, TermLoss, nested_sizes
from simemb.method.recipe import Recipe
from simemb.method.signals import batch_signals
from simemb.method.step_input import Chunk, StepInput
from simemb.method.targets import EMA, Frozen, StopGradient, Twin, view_plan
from simemb.method.view_hooks import capture_embeddings
from simemb.method.view_pairs import Encoded, Keys, Sides, Vectors, join, pairs_of_step, signal_pair
from simemb.method.view_passes import encode_views
from simemb.method.view_prompts import skips
from simemb.method.views import clean_views
from simemb.transformer.batch import Batch


class Method(nn.Module):
    """recipe x encoder -> loss.

    columns: number of text columns of the data; optional views of missing columns are left out. seed: for the weights
    of new parts. examples: number of examples in the data, for a bank. twin: the encoder of `Twin`, by default a
    copy. teacher_width: width of a teacher's vectors. Kept layers of the head become part of the encoder.
    beside: a method of the same encoder, of another source, whose head, predictor and second network are taken.
    """

    def __init__(
        self,
        recipe: Recipe,
        encoder: Encoder,
        *,
        columns: int,
        seed: int,
        examples: int = 0,
        twin: Encoder | None = None,
        teacher_width: int | None = None,
        beside: "Method | None" = None,
    ):
        super().__init__()
        self.recipe = recipe
        self.views = tuple(view for view in recipe.views if not (view.optional and view.column >= columns))
        self.view_plan = view_plan(self.views, recipe.target, recipe.memory, fixed_dropout=recipe.fixed_dropout)
        self.encoder = encoder
        self.progress = 0.0
        generator = torch.Generator().manual_seed(seed)
        self.leads = beside is None
        if beside is None:
            self._build_networks(twin, teacher_width, seed, generator)
        else:
            self._take(beside)
        self._build_loss(examples, generator)
        self.to(encoder.device)
        if recipe.dropout is not None:
            for network in self.modules():
                if isinstance(network, Encoder):
                    network.set_dropout(recipe.dropout)

    def _take(self, other: "Method") -> None:
        """Take the networks of a method of another source. Raises `RecipeError` for labels of other views."""
        if any(part.labeled for part in self.recipe.auxiliaries) and self.views != other.views:
            raise RecipeError(
                "labels of pairs are learnt from the same columns of all data, and some have more columns"
            )
        self.head, self.predictor, self.second = other.head, other.predictor, other.second
        self.auxiliaries, self.width, self.key_width = other.auxiliaries, other.width, other.key_width

    def _build_networks(
        self, twin: Encoder | None, teacher_width: int | None, seed: int, generator: torch.Generator
    ) -> None:
        """Build head, auxiliaries, second network and predictor, which give queries `width` and keys `key_width`."""
        recipe, encoder = self.recipe, self.encoder
        if isinstance(recipe.target, Twin) and twin is None:
            twin = Branch.copy(encoder, nn.Identity()).encoder  # before a kept head joins the encoder
        self.head, self.width = attach(recipe.head, encoder, generator)
        torch.manual_seed(seed)
        online_views = {place: self.views[place] for place in self.view_plan.representatives}
        self.auxiliaries = nn.ModuleList(spec.build(encoder, online_views) for spec in recipe.auxiliaries)
        for auxiliary in self.auxiliaries:
            if isinstance(auxiliary, AuxiliaryLoss):
                auxiliary.check_width(encoder.dim, self.width)
        self.key_width = teacher_width or self.width
        self.second: Branch | None = None
        if twin is not None:
            head, self.key_width = attach(recipe.head, twin, generator)
            self.second = Branch(twin, head)
        elif isinstance(recipe.target, EMA):
            self.second = Branch.copy(encoder, self.head).requires_grad_(False)
        self.predictor: nn.Module = nn.Identity()
        if recipe.predictor is not None:
            layers = recipe.predictor.build(self.width, generator, default=self.key_width)
            self.predictor, self.width = nn.Sequential(*layers.kept, layers.dropped), layers.width

    def _build_loss(self, examples: int, generator: torch.Generator) -> None:
        """Build memory and objective for queries and keys of these widths."""
        recipe, width, key_width = self.recipe, self.width, self.key_width
        if recipe.objective is not None and width != key_width and not recipe.objective.any_width:
            raise RecipeError(
                f"queries have {width} dimensions and keys {key_width}: give the predictor a width of {key_width}"
            )
        self.memory: QueueState | BankState | NoiseState | None = None
        if isinstance(recipe.memory, Bank):
            self.memory = recipe.memory.build(width, examples, generator)
        elif recipe.memory is not None:
            self.memory = recipe.memory.build(key_width, generator)
        self.objective: Any = recipe.objective and recipe.objective.build(width)
        if sizes := nested_sizes(recipe.objective, width):
            self.encoder.sizes = sizes

    def train(self, mode: bool = True) -> "Method":
        """As `nn.Module.train`, except that a slow copy without dropout stays in evaluation mode."""
        super().train(mode)
        if self.second is not None and isinstance(self.recipe.target, EMA):
            self.second.train(mode and self.recipe.target.dropout)
        return self

    # ---- a step ----------------------------------------------------------------------------------

    def forward(self, examples: StepInput) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
        """The loss and the signals to log (see `simemb.method.signals.batch_signals`)."""
        parts = [self.encode(chunk, examples) for chunk in examples.chunks]
        loss, signals = self.compare(join(parts), examples)
        for chunk, part, share in zip(examples.chunks, parts, self.shares(examples), strict=True):
            loss = loss + self.auxiliary_loss(chunk, part, examples, share, signals)
        return loss, signals

    def encode(self, chunk: Chunk, examples: StepInput) -> Encoded:
        """Encode the examples of a chunk, all views of a network in one pass."""
        second: Keys = {}
        if chunk.second is not None and self.second is not None:
            with torch.set_grad_enabled(torch.is_grad_enabled() and isinstance(self.recipe.target, Twin)):
                second = self._encode_views(self.second.encoder, chunk.second, chunk, self.view_plan.second)
        if self.objective is None and not any(spec.labeled or spec.reads_vectors for spec in self.recipe.auxiliaries):
            return Encoded({}, second)
        gradient = None
        if any(self.views[place].adversarial for place in self.view_plan.online):
            gradient = self._embedding_gradient(chunk, second, examples)
        return Encoded(self._encode_views(self.encoder, chunk.online, chunk, self.view_plan.online, gradient), second)

    def _encode_views(
        self, encoder: Encoder, batch: Batch, chunk: Chunk, places: tuple[int, ...], gradient: Tensor | None = None
    ) -> Vectors:
        views = [self.views[place] for place in places]
        vectors = encode_views(encoder, batch, views, chunk.sizes(places), self.recipe.max_length, gradient)
        return dict(zip(places, vectors, strict=True))

    def _embedding_gradient(self, chunk: Chunk, second: Keys, examples: StepInput) -> Float[Tensor, "tokens dim"]:
        """Gradient, at the embedding layer, of the clean views' loss: of a labeled auxiliary, else of the objective."""
        outputs: list[Tensor] = []
        if isinstance(self.objective, nn.Module):
            self.objective.eval()  # so that it collects nothing in this pass
        with torch.enable_grad(), capture_embeddings(self.encoder, outputs):
            places = self.view_plan.online
            sizes = chunk.sizes(places)
            views = [self.views[place] for place in places]
            skipped = skips(views, self.encoder, self.recipe.max_length, sizes)
            vectors = self.encoder(chunk.online, skipped).split(sizes)
            clean = Encoded(dict(zip(places, vectors, strict=True)), second)
            labeled = [place for place, spec in enumerate(self.recipe.auxiliaries) if spec.labeled]
            if labeled:
                auxiliary = self.auxiliaries[labeled[0]]
                inputs = [self._auxiliary_input(chunk, reading, examples) for reading in self._attacked_readings(clean)]
                loss = torch.stack([auxiliary(each) for each in inputs]).sum()
            else:
                loss, _ = self._contrast(self._sides(clean, examples), examples)
        if isinstance(self.objective, nn.Module):
            self.objective.train(self.training)
        return torch.autograd.grad(loss, outputs)[0]

    def _attacked_readings(self, clean: Encoded) -> Iterator[Encoded]:
        """For each adversarial view: the clean vectors, with its own in the place that the labels' loss reads.

        Labels are learnt from other views than those attacked, so that loss itself would give these no gradient.
        """
        read = clean_views({place: self.views[place] for place in self.view_plan.online})
        for place in self.view_plan.online:
            if self.views[place].adversarial:
                yield Encoded({**clean.online, read[self.views[place].text]: clean.online[place]}, clean.second)

    # ---- the objective ---------------------------------------------------------------------------

    def compare(self, encoded: Encoded, examples: StepInput) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
        """The objective's mean over all pairs of views, and the signals. In training the memory then takes the keys."""
        if self.objective is None:
            return torch.zeros((), device=self.encoder.device), {}
        sides = self._sides(encoded, examples)
        contrast, losses = self._contrast(sides, examples)
        query, key = signal_pair(sides, examples, self.views, self.memory)
        if self.training:
            own = [module.queue for module in self.modules() if isinstance(module, TermLoss)]
            remember(self.memory, own, sides, examples, self.views)
        signals = {
            "contrast": contrast.detach(),
            **losses,
            **batch_signals(query, key, encoded.online[self.view_plan.online[0]].detach()),
        }
        return self.recipe.objective.weight * contrast, signals  # type: ignore[union-attr]

    def _sides(self, encoded: Encoded, examples: StepInput) -> Sides:
        online = {place: encoded.online[first] for place, first in self.view_plan.representatives.items()}
        projected = {place: self.head(vectors) for place, vectors in online.items()}
        queries = {place: self.predictor(projected[place]).float() for place in projected if self.views[place].online}
        target = self.recipe.target
        second: dict[int, Tensor] = {}
        if self.second is not None:
            head = self.head if isinstance(target, EMA) and not target.head else self.second.head
            with torch.set_grad_enabled(torch.is_grad_enabled() and isinstance(target, Twin)):
                second = {place: head(vectors).float() for place, vectors in encoded.second.items()}
        match target:
            case Frozen():
                keys = dict(examples.teacher_vectors)
            case Twin() | EMA(keys=True):
                keys = second
            case StopGradient():
                keys = {place: vectors.float().detach() for place, vectors in projected.items()}
            case _:
                keys = {place: vectors.float() for place, vectors in projected.items()}
        return Sides(queries, keys, second or keys)

    def _contrast(self, sides: Sides, examples: StepInput) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
        """The objective's mean over all pairs of views, and of a sum each term's."""
        # Always in float32: in bfloat16 a similarity has three digits, and dividing by a temperature of 0.05 makes its
        # error twenty times as large.
        with torch.autocast(self.encoder.device.type, enabled=False):
            pairs = pairs_of_step(sides, examples, self.views, self.memory, self.progress)
            if not isinstance(self.objective, SumLoss):
                return torch.stack([self.objective(pair) for pair in pairs]).mean(), {}
            losses = torch.stack([self.objective.terms(pair) for pair in pairs]).mean(dim=0)
            return self.objective.total(losses), {f"term_{k}": loss for k, loss in enumerate(losses.detach())}

    # ---- auxiliaries, and after the step -------------------------------------------------

    def shares(self, examples: StepInput) -> list[list[Share]]:
        """For every chunk its share in each auxiliary's loss; what is masked in this step is drawn here."""
        of_auxiliaries = [shares(auxiliary, examples) for auxiliary in self.auxiliaries]
        return [[parts[number] for parts in of_auxiliaries] for number in range(len(examples.chunks))]

    def auxiliary_loss(
        self, chunk: Chunk, encoded: Encoded, examples: StepInput, shares: list[Share], signals: dict[str, Tensor]
    ) -> Tensor | float:
        """The weighted auxiliary losses of a chunk, each times its share; also added to `signals`."""
        total: Tensor | float = 0.0
        parts = zip(self.recipe.auxiliaries, self.auxiliaries, shares, strict=True)
        for number, (spec, auxiliary, share) in enumerate(parts):
            loss = auxiliary(self._auxiliary_input(chunk, encoded, examples, share.masked))
            loss = loss * share.weight
            total = total + spec.weight * loss
            name = f"auxiliary_{number}"
            signals[name] = signals.get(name, 0.0) + loss.detach()
        return total

    def _auxiliary_input(
        self, chunk: Chunk, encoded: Encoded, examples: StepInput, masked: Masked | None = None
    ) -> AuxiliaryInput:
        scores = None if examples.scores is None else examples.scores[chunk.first : chunk.first + chunk.size]
        vectors = encoded.online and {
            place: encoded.online[first] for place, first in self.view_plan.representatives.items()
        }
        parts = (scores, masked, chunk.owners, self.view_plan.online, chunk.originals, self.head)
        return AuxiliaryInput(self.encoder, chunk.online, vectors, *parts)

    @property
    def language_head(self) -> VocabularyHead | None:
        """The head of the masked language model if the recipe trains nothing else, otherwise None."""
        if self.recipe.objective is not None:
            return None
        return next((part.head for part in self.auxiliaries if isinstance(part, MaskedLMLoss)), None)

    def of(self, examples: StepInput) -> "Method":  # noqa: ARG002
        """The method of these examples; see `simemb.method.course.Course`."""
        return self

    def after_step(self) -> None:
        """Call after each optimizer step: the slow copy moves, and objectives with state update it."""
        for module in self.modules():
            after_step = getattr(module, "after_step", None)
            if module is not self and callable(after_step):
                after_step()
        if self.leads and self.second is not None and isinstance(self.recipe.target, EMA):
            self.second.follow(self.encoder, self.head, self.recipe.target.at(self.progress))

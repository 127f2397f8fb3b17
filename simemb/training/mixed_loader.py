"""The batches of a run of several sources: each of one of them, in the turns of the recipe's `mix`."""

from collections.abc import Sequence

from simemb import distributed
from simemb.method.course import Trained
from simemb.method.method import Method
from simemb.method.recipe import Recipe
from simemb.method.step_input import StepInput
from simemb.training.batches import Schedule, Seen, Turns
from simemb.training.loader import Loader
from simemb.training.materials import Material


class MixedLoader:
    """The batches of several sources, by the number of the optimizer step (counted from 0), as `Loader` gives them.

    names: of the sources.
    """

    def __init__(self, loaders: Sequence[Loader], names: Sequence[str], recipe: Recipe, *, seed: int):
        self.loaders, self.names = loaders, names
        self.turns = Turns(tuple(loader.batches_per_epoch for loader in loaders), recipe, seed=seed)
        self.schedule = Schedule(self.turns.count, recipe)
        self.steps = self.schedule.steps

    def step(self, step: int) -> list[StepInput]:
        """The batches of one optimizer step, this process's share of each."""
        epoch, numbers = self.schedule.of_step(step)
        turns = [self.turns.turn(epoch, number) for number in numbers]
        return [self.loaders[turn.source].batch(turn.of_pass, turn.number) for turn in turns]

    def seen(self, step: int) -> tuple[Seen, ...]:
        """What the steps before this one took of each source."""
        taken = self.turns.taken(*self.schedule.done(step))
        return tuple(
            Seen(name, batches, loader.taken(batches), batches / loader.batches_per_epoch)
            for name, loader, batches in zip(self.names, self.loaders, taken, strict=True)
        )


def loader_of(materials: Sequence[Material], method: Trained, recipe: Recipe, *, seed: int) -> Loader | MixedLoader:
    """The batches of a run, this process's share."""
    methods = [method] if isinstance(method, Method) else method.each()
    loaders = [
        Loader(
            material.data,
            material.recipe,
            of_source.views,
            of_source.view_plan,
            seed=seed,
            rank=distributed.rank(),
            world=distributed.world(),
            source=place,
        )
        for place, (material, of_source) in enumerate(zip(materials, methods, strict=True))
    ]
    return (
        loaders[0] if len(loaders) == 1 else MixedLoader(loaders, [m.rows.name for m in materials], recipe, seed=seed)
    )

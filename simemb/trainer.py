"""The only training loop.

Inside a step: forward, backward, clip, optimizer. The learning rate and all random numbers follow from
the seed and the number of the step, so a run that was stopped goes on bit for bit.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import cos, pi
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from simemb import caching, checkpoint, distributed, saving
from simemb.card import describe
from simemb.checkpoint import Progress
from simemb.examples import Examples
from simemb.live import Interrupts, LiveLine
from simemb.loader import Loader, mix
from simemb.material import Material
from simemb.method import Method
from simemb.monitor import Watch
from simemb.recipe import Recipe
from simemb.run import Run
from simemb.scores import Scores
from simemb.suites import Suite, evaluate
from simemb.targets import Twin

log = logging.getLogger("simemb")

LOG_EVERY = 10
"""Steps between the lines of metrics.jsonl."""


@dataclass(frozen=True)
class Settings:
    """What defines a run besides its recipe."""

    model: str
    fingerprint: str
    pooling: str
    data: str
    columns: tuple[str, ...]
    dev: str
    metric: str
    seed: int
    precision: str
    warning: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON for recipe.json."""
        return {**asdict(self), "columns": list(self.columns)}


class Trainer:
    """The parts of one run, and the loop over them; `simemb.fit` is the door."""

    def __init__(
        self,
        method: Method,
        material: Material,
        suite: Suite | None,
        run: Run,
        settings: Settings,
        *,
        trackers: Sequence[str] = (),
        progress: bool | None = None,
    ):
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState

        # accelerate keeps the precision of a process for good; an earlier run may have had another
        AcceleratorState._reset_state()  # pyright: ignore[reportPrivateUsage]
        self.method, self.recipe, self.suite, self.run, self.settings = method, method.recipe, suite, run, settings
        self.accelerator = Accelerator(
            mixed_precision=settings.precision, log_with=list(trackers) or None, project_dir=str(run.directory)
        )
        self.trackers, self.shown = trackers, progress
        self.loader = Loader(
            material,
            self.recipe,
            method.views,
            method.seen,
            seed=settings.seed,
            rank=distributed.rank(),
            world=distributed.world(),
        )
        optimizer = torch.optim.AdamW(
            _decaying(method, self.recipe.weight_decay),
            lr=self.recipe.learning_rate,
            betas=self.recipe.betas,
            eps=self.recipe.epsilon,
            fused=True,
        )
        # Gradients are averaged by `distributed.average_gradients`: a method may use its networks several times
        # in a step, or not at all, which wrapping it for every process would not allow.
        method.to(self.accelerator.device)
        self.optimizer = self.accelerator.prepare(optimizer)
        self.progress = Progress()
        self.watch = Watch()

    def start(self, record: dict[str, Any], before: Scores | None, *, resume: bool) -> None:
        """Take the run directory; with `resume` go on from its last checkpoint."""
        if self.accelerator.is_main_process:
            self.run.claim(record, resume=resume)
        self.accelerator.wait_for_everyone()
        if self.trackers:
            self.accelerator.init_trackers("simemb", config={"recipe": repr(self.recipe)})
        if resume:
            self._resume()
        elif before is not None:
            self._log({"step": 0, **_evaluated(before)})

    def train(self) -> None:
        """Run to the end, or to where patience or a person stops it."""
        steps = self.loader.steps
        with Interrupts() as interrupts, LiveLine(steps, shown=self.shown) as line:
            line.start_at(self.progress.step)
            while self.progress.step < steps and not self._out_of_patience():
                self._step(line)
                if self.progress.step % self.recipe.eval_every == 0 or self.progress.step == steps:
                    self._evaluate(line)
                if interrupts.asked:
                    self._save()
                    raise KeyboardInterrupt(
                        f"stopped after {self.progress.step} of {steps} steps; the state is in {self.run.directory}: "
                        "the same command with --resume instead of --overwrite goes on"
                    )
        # The others must not read best/ while the main process still writes it.
        self.accelerator.wait_for_everyone()
        if self.trackers:
            self.accelerator.end_training()

    def _step(self, line: LiveLine) -> None:
        """One optimizer step: the mean gradient of its batches."""
        started = perf_counter()
        step = self.progress.step
        self.method.train()
        self.method.progress = step / self.loader.steps
        batches = self.loader.step(step)
        numbers: dict[str, float] = {}
        for place, examples in enumerate(batches):
            torch.manual_seed(mix(self.settings.seed, step, place, distributed.rank()))
            loss, signals = self._backward(examples.to(self.accelerator.device), 1 / len(batches))
            for name, value in {"loss": loss.detach(), **signals}.items():
                numbers[name] = numbers.get(name, 0.0) + float(value) / len(batches)
        warning = self.watch.check(step + 1, numbers)
        learning_rate = self.recipe.learning_rate * factor(self.recipe, step, self.loader.steps)
        self._update(learning_rate)
        sentences = sum(examples.sentences for examples in batches) * distributed.world()
        seconds = perf_counter() - started
        self.progress.advance(sentences, seconds)
        line.step(self.progress.step, numbers, sentences / seconds)
        if warning:
            line.say(warning)
        if self.progress.step % LOG_EVERY == 0 or self.progress.step == 1:
            speed = {"sentences_per_second": sentences / seconds}
            self._log({"step": self.progress.step, **numbers, "learning_rate": learning_rate, **speed})

    def _backward(self, examples: Examples, share: float) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and signals of one batch, with `share` of its gradient added to the parameters'."""

        def send(loss: Tensor) -> None:
            self.accelerator.backward(loss * share)

        if len(examples.chunks) > 1:
            return caching.backward(self.method, examples, send, lambda: self.accelerator.autocast())
        with self.accelerator.autocast():
            loss, signals = self.method(examples)
        send(loss)
        return loss, signals

    def _update(self, learning_rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        distributed.average_gradients(self.method.parameters())
        self.accelerator.clip_grad_norm_(self.method.parameters(), self.recipe.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.method.after_step()

    def _evaluate(self, line: LiveLine) -> None:
        """Score on the dev suite, keep the best encoder (or the last), write the checkpoint."""
        scores = score = None
        if self.suite is not None:
            scores = evaluate(self.method.encoder, self.suite, geometry=True, progress=False)
            score = float(getattr(scores.average.all, self.settings.metric))
            self._log({"step": self.progress.step, **_evaluated(scores)})
        better = score is None or self.progress.best is None or score > self.progress.best
        if better:
            self.progress.best, self.progress.waiting = score, 0
        else:
            self.progress.waiting += 1
        if better or self.recipe.keep == "last":
            self._keep(scores)
        if self.suite is not None:
            best, kept = self.progress.best, self.progress.best_step
            verdict = "the best so far" if better else f"the best was {best:.2f}, kept is step {kept}"
            line.say(f"step {self.progress.step}: {self.suite.name} {score:.2f}, {verdict}")
        self._save()

    def _keep(self, scores: Scores | None) -> None:
        """Save the encoder, and its twin, as what the run results in."""
        self.progress.best_step = self.progress.step
        if self.accelerator.is_main_process:
            training = describe(self.recipe, self.settings, self.progress.step, scores)
            saving.save(self.method.encoder, self.run.best, training, self.method.language_head)
            if isinstance(self.recipe.target, Twin) and self.method.second is not None:
                twin = self.method.second.encoder  # no suite has scored it
                settings = replace(self.settings, model=twin.name)
                saving.save(twin, self.run.twin, describe(self.recipe, settings, self.progress.step, None))

    def _out_of_patience(self) -> bool:
        return self.recipe.patience is not None and self.progress.waiting >= self.recipe.patience

    def _log(self, record: dict[str, Any]) -> None:
        if self.accelerator.is_main_process:
            self.run.log(record)
        if self.trackers:
            numbers = {name: value for name, value in record.items() if name != "step" and value is not None}
            self.accelerator.log(numbers, step=record["step"])

    def _save(self) -> None:
        scaler = self.accelerator.scaler
        self.progress.scaler = None if scaler is None else scaler.state_dict()
        if self.accelerator.is_main_process:
            checkpoint.save(self.run.checkpoint, self.method, self.optimizer, self.progress)

    def _resume(self) -> None:
        self.progress = checkpoint.load(self.run.checkpoint, self.method, self.optimizer)
        if self.accelerator.scaler is not None and self.progress.scaler is not None:
            self.accelerator.scaler.load_state_dict(self.progress.scaler)
        if self.accelerator.is_main_process:
            self.run.forget_after(self.progress.step)
        log.info("going on after step %d of %d", self.progress.step, self.loader.steps)


def _decaying(method: Method, decay: float) -> list[dict[str, Any]]:
    """All that is learnt, in two groups: matrices decay; biases, norms and temperatures do not."""
    learnt = [parameter for parameter in method.parameters() if parameter.requires_grad]
    groups = ([p for p in learnt if p.ndim > 1], decay), ([p for p in learnt if p.ndim <= 1], 0.0)
    return [{"params": members, "weight_decay": rate} for members, rate in groups if members]


def factor(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of a step (counted from 0) as a fraction of the highest.

    It rises linearly over the first `warmup` x steps, then falls to 0 at `steps`: linearly, along half a
    cosine, or not at all.
    """
    warm = round(recipe.warmup * steps)
    if step < warm:
        return step / warm
    progress = (step - warm) / max(steps - warm, 1)
    falls = {"linear": 1 - progress, "cosine": (1 + cos(pi * progress)) / 2, "constant": 1.0}
    return falls[recipe.schedule]


def _evaluated(scores: Scores) -> dict[str, Any]:
    """The numbers of an evaluation for metrics.jsonl."""
    numbers = {f"{scores.suite}_{metric}": getattr(scores.average.all, metric) for metric in ("spearman", "pearson")}
    assert scores.geometry is not None
    return numbers | {"alignment": scores.geometry.alignment, "dev_uniformity": scores.geometry.uniformity}

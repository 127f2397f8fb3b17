"""The only training loop.

Inside a step: forward, backward, clip, optimizer. The learning rate and all random numbers follow from
the seed and the number of the step, so a run that was stopped continues bit for bit. The loop waits for a GPU only
every LOG_EVERY steps, when the numbers of the steps since then are read.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from simemb import distributed, ranks
from simemb.encoder import saving
from simemb.evaluation.scores import Scores
from simemb.method import gradient_cache
from simemb.method.step_input import StepInput
from simemb.method.targets import Twin
from simemb.training import callbacks, checkpoint, dev_suites, kept_adapter, run_options
from simemb.training.batches import numbers_of
from simemb.training.best import check_finite, is_better, restore, verdict
from simemb.training.checkpoint import Progress
from simemb.training.mixed_loader import loader_of
from simemb.training.monitor import Numbers, Readings, Watch, numbered
from simemb.training.optimizer import adamw, factor, set_rate
from simemb.training.plan import Plan
from simemb.training.prefetch import Prefetcher
from simemb.training.random_seeds import seed_of, seed_torch
from simemb.training.replays import Replays
from simemb.training.result import Result
from simemb.training.run_card import describe, metadata
from simemb.training.status_line import Interrupts, StatusLine
from simemb.training.trackers import Trackers

log = logging.getLogger("simemb")

LOG_EVERY = 10
"""Steps between the lines of metrics.jsonl."""


class Trainer:
    """Carries out a `Plan`: the parts of one run, and the loop over them; see `simemb.fit`."""

    def __init__(self, plan: Plan):
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState

        self.plan, self.recipe, self.settings, self.directory = plan, plan.recipe, plan.settings, plan.directory
        with torch.random.fork_rng():
            self.before, self.control_before = plan.score(), plan.score_control()
            self.method = plan.method()
        # accelerate keeps the precision of a process for good; an earlier run may have had another
        AcceleratorState._reset_state()  # pyright: ignore[reportPrivateUsage]
        self.accelerator = Accelerator(
            mixed_precision=self.settings.precision,
            log_with=list(plan.trackers) or None,
            project_dir=str(self.directory.path),
        )
        self.trackers = Trackers(plan, self.accelerator)
        self.loader = loader_of(plan.materials, self.method, self.recipe, seed=self.settings.seed)
        self.on_gpu = self.accelerator.device.type == "cuda"
        self.method.to(self.accelerator.device).train()
        # Gradients are averaged by `distributed.average_gradients`: a method may use its networks several times
        # in a step, or not at all, which wrapping it for every process would not allow.
        self.optimizer = self.accelerator.prepare(adamw(self.method, self.recipe, self.accelerator.device))
        self.progress = Progress()
        self.watch, self.readings = Watch(), Readings()
        self.last_shown = (0, 0.0)
        self.batches = Prefetcher(self._batches, self.loader.steps)
        self.replays = Replays(self.method, on_gpu=self.on_gpu)
        self.callbacks = callbacks.Callbacks(plan.callbacks, self.loader.steps)

    def run(self) -> Result:
        """Take the run directory, train, and read the best checkpoint back."""
        with self.directory.writing(), torch.random.fork_rng():
            self._start()
            self._train()
            return self._result()

    def _start(self) -> None:
        """Take the run directory, or go on from its last checkpoint; without one, from the first step."""
        ranks.meet("the run directory")  # nothing changes there while another process checks what it finds
        if ranks.is_main():
            record = {**self.plan.record, "steps": self.loader.steps}
            self.directory.claim(record, run_options.text(self.plan), resume=self.plan.resume)
        self.trackers.begin()
        if self.plan.resume:
            self._resume()
        if self.before and not self.progress.step:
            self._log({"step": 0, **dev_suites.numbers(self.before)})

    def _result(self) -> Result:
        """The best checkpoint in memory again, read from the disk as anyone would read it, and scored."""
        kept_adapter.fold(self.method)
        restore(self.method.encoder, self.directory.best)
        after = self.plan.score()
        return Result(
            directory=self.directory.path,
            encoder=self.method.encoder.eval(),
            before=self.before[0] if self.before else None,
            after=after[0] if after else None,
            others_before=self.before[1:],
            others_after=after[1:],
            language=self.plan.language,
            control_before=self.control_before,
            control_after=self.plan.score_control(),
            steps=self.progress.step,
            best_step=self.progress.best_step,
            seconds=self.progress.seconds,
            sentences_per_second=self.progress.sentences / max(self.progress.seconds, 1e-9),
            seen=self.loader.seen(self.progress.step),
        )

    def _train(self) -> None:
        """Run to the end, or until patience, a callback, Ctrl-C or SIGTERM stops it."""
        steps = self.loader.steps
        with (
            Interrupts() as interrupts,
            StatusLine(steps, shown=self.plan.progress) as line,
            self.batches,
            self.replays.recorded(),
            self.trackers,
        ):
            line.start_at(self.progress.step)
            while self.progress.step < steps and not self.progress.exhausted(self.recipe.patience):
                self._step(line)
                if self.progress.step % self.recipe.eval_every == 0 or self.progress.step == steps:
                    self._evaluate(line)
                # a signal reaches one process before another, or only one of them; callbacks are called in one
                asked = max(interrupts.requested, self.callbacks.wish)
                if asked := distributed.greatest(asked, self.accelerator.device):
                    self._stop(asked, interrupts)
                    break
        ranks.meet("the checkpoints")  # the main process has written best/

    def _stop(self, asked: int, interrupts: Interrupts) -> None:
        """Leave a run that can be used and resumed; unless a callback asked for it, raise what says how."""
        self._read()
        last = asked == callbacks.STOPPED and self.keeps_last and self.progress.best_step < self.progress.step
        if last or not self.progress.best_step:  # no checkpoint was kept yet
            self._keep(())
        self._save()
        done = f"stopped after {self.progress.step} of {self.loader.steps} steps; `{self.directory.resuming}` goes on"
        if asked == callbacks.FAILED:
            raise self.callbacks.error(done)
        if asked == callbacks.STOPPED:
            log.info("%s: %s", self.callbacks.asked, done)
            return
        interrupts.requested = asked
        raise interrupts.error(done)

    @property
    def keeps_last(self) -> bool:
        """Whether no score chooses the encoder that is kept."""
        return self.recipe.keep == "last" or not self.plan.suites

    def _batches(self, step: int) -> list[StepInput]:
        """The batches of a step, in memory from which the device can fetch them."""
        return [examples.pinned() if self.on_gpu else examples for examples in self.loader.step(step)]

    def _step(self, line: StatusLine) -> None:
        """One optimizer step: the mean gradient of its batches."""
        started = perf_counter()
        step = self.progress.step
        self.method.progress = step / self.loader.steps
        learning_rate = self.recipe.learning_rate * factor(self.recipe, step, self.loader.steps)
        batches = self.batches(step)
        self.readings.add(step + 1, self._gradients(batches))
        numbers, warnings = self._read() if self._reads_numbers(step + 1) else (None, [])
        self._update(learning_rate)
        sentences = sum(examples.sentences for examples in batches) * distributed.world()
        self.progress.advance(sentences, perf_counter() - started)
        if numbers is not None:
            self._show(line, numbers, warnings, learning_rate)
        self.callbacks.on_step(self.progress, learning_rate, numbers or {})

    def _gradients(self, batches: list[StepInput]) -> Numbers:
        """Add up the mean gradient of some batches in the parameters, and return their numbers."""
        numbers: list[dict[str, Tensor]] = []
        for place, examples in enumerate(batches):
            seed = seed_of(self.settings.seed, self.progress.step, place, distributed.rank())
            seed_torch(seed, on_gpu=self.on_gpu)
            with self.replays.working():
                loss, signals = self._backward(examples.to(self.accelerator.device), 1 / len(batches))
            numbers.append({"loss": loss.detach(), **signals})
        return numbered(numbers)

    def _reads_numbers(self, step: int) -> bool:
        """Whether the numbers are read after this step: on a CPU always, on a GPU only when they are needed."""
        last = step == self.loader.steps
        return not self.on_gpu or last or step == 1 or step % LOG_EVERY == 0 or step % self.recipe.eval_every == 0

    def _read(self) -> tuple[dict[str, float] | None, list[str]]:
        """Read the numbers of the steps since the last reading: those of the last step, and warnings."""
        numbers: dict[str, float] | None = None
        warnings: list[str] = []
        for step, numbers in self.readings.read():
            warnings += filter(None, [self.watch.check(step, numbers)])
        return numbers, warnings

    def _show(self, line: StatusLine, numbers: dict[str, float], warnings: list[str], learning_rate: float) -> None:
        """Update the status line and the log, with the speed since the last update."""
        (sentences, seconds), self.last_shown = self.last_shown, (self.progress.sentences, self.progress.seconds)
        speed = (self.progress.sentences - sentences) / (self.progress.seconds - seconds)
        line.step(self.progress.step, numbers, speed)
        for warning in warnings:
            line.say(warning)
        if self.progress.step % LOG_EVERY == 0 or self.progress.step == 1:
            rates = {"learning_rate": learning_rate, "sentences_per_second": speed}
            self._log({"step": self.progress.step, **numbers, **rates})

    def _backward(self, examples: StepInput, share: float) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and signals of one batch, with `share` of its gradient added to the parameters'."""

        def send(loss: Tensor) -> None:
            self.accelerator.backward(loss * share)

        if len(examples.chunks) > 1:
            return gradient_cache.backward(
                self.method.of(examples), examples, send, lambda: self.accelerator.autocast()
            )
        with self.accelerator.autocast():
            loss, signals = self.method(examples)
        send(loss)
        return loss, signals

    def _update(self, learning_rate: float) -> None:
        set_rate(self.optimizer, learning_rate)
        distributed.average_gradients(self.method.parameters())
        self.accelerator.clip_grad_norm_(self.method.parameters(), self.recipe.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.method.after_step()

    def _evaluate(self, line: StatusLine) -> None:
        """Score on the dev suites, keep the best encoder (or the last), write the checkpoint."""
        progress = self.progress
        scores, score = dev_suites.score(self.method.encoder, self.plan.suites, progress=False), None
        if scores:
            score = distributed.of_main(scores[0].selection_value(self.settings.metric), self.accelerator.device)
            line.evaluated({each.suite: each.selection_value(self.settings.metric) for each in scores})
        if numbers := {**dev_suites.numbers(scores), **numbers_of(self.loader.seen(progress.step))}:
            self._log({"step": progress.step, **numbers})
        better = is_better(score, progress.best)
        if better:
            progress.best, progress.waiting = score, 0
        else:
            progress.waiting += 1
        kept = better or self.recipe.keep == "last" or progress.best is None  # while no score exists: the last
        if kept:
            self._keep(scores)
        if scores:
            line.say(verdict(scores, self.settings.metric, progress, better=better))
        self._save()
        if score is not None:
            self.callbacks.on_evaluation(progress, scores, score, better=better)
        self.callbacks.on_save(progress, self.directory, kept=kept)

    def _keep(self, scores: Sequence[Scores]) -> None:
        """Save the encoder, and its twin, as the result of the run."""
        self.progress.best_step = step = self.progress.step
        check_finite(self.method.encoder, step)
        if ranks.is_main():
            seen, command = self.loader.seen(step), self.directory.command
            training = describe(self.recipe, self.settings, step, scores, command, seen)
            about = metadata(self.settings, self.plan.language, scores, self.plan.base)
            parts, head = self.method.encoder.complete().parts, self.method.language_head
            saving.save(parts, self.directory.best, training, head, metadata=about, overwrite=True)
            kept_adapter.keep(self.method.encoder, self.recipe.lora, self.settings.model, self.directory.best)
            if isinstance(self.recipe.target, Twin) and self.method.second is not None:
                twin = self.method.second.encoder  # no suite has scored it
                settings = replace(self.settings, model=twin.name)
                twin.save(self.directory.twin, overwrite=True, training=describe(self.recipe, settings, step, ()))

    def _log(self, record: dict[str, Any]) -> None:
        if ranks.is_main():
            self.directory.log(record)
        self.trackers.log(record)

    def _save(self) -> None:
        scaler = self.accelerator.scaler
        self.progress.scaler = None if scaler is None else scaler.state_dict()
        if ranks.is_main():
            checkpoint.save(self.directory.checkpoint, self.method, self.optimizer, self.progress)
            self.directory.publish()
        self.trackers.begin()

    def _resume(self) -> None:
        if self.directory.checkpoint.exists():
            self.progress = checkpoint.load(self.directory.checkpoint, self.method, self.optimizer)
            self.last_shown = (self.progress.sentences, self.progress.seconds)
            if self.accelerator.scaler is not None and self.progress.scaler is not None:
                self.accelerator.scaler.load_state_dict(self.progress.scaler)
            if ranks.is_main():
                self.directory.forget_after(self.progress.step)
        log.info("%s", self.progress.standing(self.loader.steps, self.recipe.patience))

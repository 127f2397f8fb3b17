"""The texts of requests that wait together are computed together: one thread for each encoder, ragged batches.

A round takes some of each request in turn, up to the tokens of one batch of `Encoder.encode`. So one request with
thousands of texts delays the others by a round at most, and many requests with one text share a batch. Requests wait
for nobody where there is nobody: a round begins at once, unless the last one had more requests than are here now; then
it waits for as many, `COMPANY` at most, since their clients are about to send the next ones.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import groupby
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from simemb.encoder import batching
from simemb.encoder.unit_vectors import refuse_infinite
from simemb.encoder.vector_files import Vectors
from simemb.service.metrics import Metrics
from simemb.service.refusals import STOPPING, TOO_LARGE, Refusal
from simemb.texts import whole

COMPANY = 0.002
"""Seconds that a round waits for as many requests as the last one had."""
CHARACTERS = 4
"""Characters of a token, to guess how many texts fill a round before they are tokenized."""

Item = str | list[int]
"""A text, or the token ids of one."""


class Embeds(Protocol):
    """What a batcher needs of an encoder."""

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        ...

    def tokenize(self, texts: Sequence[str], prompt: str = "") -> tuple[list[Any], int]:
        """Tokens of each text after the prompt, and the number of truncated texts."""
        ...

    def embed(self, sentences: Sequence[Any], prompt: str = "") -> Vectors:
        """Vectors of one batch of texts that were tokenized with this prompt."""
        ...


@dataclass(eq=False)
class Job:
    """The texts of one request.

    items: texts, or token ids. prompt: what is put before each text. truncate: whether longer texts are cut or refused.
    max_tokens: of all texts together. done: is given the job itself, or the error.
    """

    items: Sequence[Item]
    prompt: str
    truncate: bool
    max_tokens: int
    vectors: Vectors
    done: "Future[Job]" = field(default_factory=Future)
    tokens: int = 0
    truncated: int = 0
    computed: int = 0
    since: float = field(default_factory=perf_counter)
    taken: int = 0


@dataclass(eq=False)
class Part:
    """Some texts of a job, from `start` on, in one round."""

    job: Job
    start: int
    items: Sequence[Item]
    tokens: list[Any] = field(default_factory=list)

    @property
    def prompt(self) -> str:
        """What the tokens begin with; token ids are taken as they are."""
        return self.job.prompt if self.items and isinstance(self.items[0], str) else ""


class Batcher:
    """A thread that computes jobs; see above.

    encoder: of the vectors. metrics: where the sizes of rounds are counted.
    """

    def __init__(self, encoder: Embeds, metrics: Metrics):
        self._encoder = encoder
        self._metrics = metrics
        self._budget: int = getattr(encoder, "batch_tokens", batching.TOKENS)
        self._longest: int = getattr(encoder, "max_length", self._budget)
        self._ready = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._company = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="simemb-batcher", daemon=True)
        self._thread.start()

    def submit(self, items: Sequence[Item], *, prompt: str, truncate: bool, max_tokens: int) -> "Future[Job]":
        """A future of the job that computes these texts; it raises `Refusal`, or what the encoder raises."""
        job = Job(items, prompt, truncate, max_tokens, np.empty((len(items), self._encoder.dim), np.float32))
        with self._ready:
            if self._closed:
                raise Refusal(STOPPING, "the server is stopping")
            self._waiting.append(job)
            self._ready.notify()
        return job.done

    @property
    def waiting(self) -> int:
        """Texts that no round has taken yet."""
        with self._ready:
            return sum(len(job.items) - job.taken for job in self._waiting)

    @property
    def alive(self) -> bool:
        """Whether the thread computes, or waits for something to compute."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Compute what waits, then end the thread."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join()

    def _run(self) -> None:
        while parts := self._next_round():
            started = perf_counter()
            for part in parts:
                if part.start == 0:
                    self._metrics.observe("simemb_queue_seconds", started - part.job.since)
            try:
                self._compute(parts)
            except Exception as error:  # a thread that ended would leave all others waiting
                for part in parts:
                    self._fail(part.job, error)

    def _next_round(self) -> list[Part]:
        """Some texts of each waiting job in turn; none once the batcher is closed and nothing waits."""
        with self._ready:
            self._ready.wait_for(lambda: self._waiting or self._closed)
            self._ready.wait_for(lambda: len(self._waiting) >= self._company or self._closed, COMPANY)
            parts: list[Part] = []
            room = self._budget
            while self._waiting and room > 0:
                job = self._waiting.popleft()
                part, size = self._take(job, min(room, max(1, self._budget // 4)))
                parts.append(part)
                room -= size
                if job.taken < len(job.items):
                    self._waiting.append(job)
            self._company = len({id(part.job) for part in parts})
            return parts

    def _take(self, job: Job, room: int) -> tuple[Part, int]:
        """The next texts of a job that fill some tokens, one at least, and how many tokens they may be."""
        start, size = job.taken, 0
        while job.taken < len(job.items) and size < room:
            item = job.items[job.taken]
            size += min(len(item) // CHARACTERS + 2, self._longest) if isinstance(item, str) else len(item)
            job.taken += 1
        return Part(job, start, job.items[start : job.taken]), size

    def _compute(self, parts: list[Part]) -> None:
        """Tokenize each part, compute all together, and hand out the jobs that are complete."""
        tokenized = [part for part in parts if self._attempt([part], self._tokenize)]
        for _, group in groupby(sorted(tokenized, key=lambda part: part.prompt), key=lambda part: part.prompt):
            together = list(group)
            if not self._attempt(together, self._embed, alone=True):
                for part in together:  # one of them spoils it for all
                    self._attempt([part], self._embed)
        size = sum(_count(tokens) for part in tokenized for tokens in part.tokens)
        self._metrics.observe("simemb_batch_tokens", size)
        self._metrics.observe("simemb_batch_requests", self._company)

    def _attempt(self, parts: list[Part], work: Callable[[list[Part]], None], *, alone: bool = False) -> bool:
        """Whether the work was done; if not, the jobs have failed, unless their parts are to be tried alone."""
        alive = [part for part in parts if not part.job.done.done()]
        try:
            if alive:
                work(alive)
        except Exception as error:
            if not alone:
                for part in parts:
                    self._fail(part.job, error)
            return False
        return True

    def _fail(self, job: Job, error: Exception) -> None:
        if not job.done.done():
            job.done.set_exception(error)
        with self._ready:
            if job in self._waiting:
                self._waiting.remove(job)

    def _tokenize(self, parts: list[Part]) -> None:
        for part in parts:
            job = part.job
            texts = [whole(item) for item in part.items if isinstance(item, str)]
            tokens, truncated = self._encoder.tokenize(texts, job.prompt) if texts else (list(part.items), 0)
            if truncated and not job.truncate:
                raise Refusal(TOO_LARGE, self._too_long(part, tokens, truncated))
            part.tokens = tokens
            job.truncated += truncated
            job.tokens += sum(map(_count, tokens))
            if job.tokens > job.max_tokens:
                raise Refusal(TOO_LARGE, f"the texts have more than {job.max_tokens} tokens together: send fewer")

    def _too_long(self, part: Part, tokens: list[Any], truncated: int) -> str:
        place = part.start + next((row for row, ids in enumerate(tokens) if len(ids) >= self._longest), 0)
        return (
            f"{truncated} of {len(part.job.items)} texts (the first: number {place}, from 0) have more than "
            f"{self._longest} tokens: shorten them, or ask for truncate"
        )

    def _embed(self, parts: list[Part]) -> None:
        rows = [(part, place) for part in parts for place in range(len(part.items))]
        tokens = [part.tokens[place] for part, place in rows]
        for group in batching.batches([len(ids) for ids in tokens], self._budget, None):
            vectors = self._encoder.embed([tokens[row] for row in group], parts[0].prompt)
            for row, vector in zip(group, vectors, strict=True):
                part, place = rows[row]
                part.job.vectors[part.start + place] = vector
        for part in parts:
            found = part.job.vectors[part.start : part.start + len(part.items)]
            refuse_infinite(found, [str(item) for item in part.items], getattr(self._encoder, "name", "the encoder"))
            self._finish(part)

    def _finish(self, part: Part) -> None:
        job = part.job
        job.computed += len(part.items)
        if job.computed == len(job.items) and not job.done.done():
            self._metrics.count("simemb_texts_total", len(job.items))
            self._metrics.count("simemb_tokens_total", job.tokens)
            self._metrics.count("simemb_truncated_texts_total", job.truncated)
            job.done.set_result(job)


def _count(tokens: Any) -> int:
    """The number of tokens; of words where sentence-transformers tokenizes by itself."""
    return len(tokens.split()) if isinstance(tokens, str) else len(tokens)

"""What waits together is computed together, each request in its turn, and one bad text fails its request alone."""

import threading
from typing import Any

import numpy as np
import pytest

from simemb.errors import ModelError
from simemb.service.batcher import Batcher, Job
from simemb.service.metrics import Metrics
from simemb.service.refusals import Refusal


class Letters:
    """Vectors of the first letter and the number of tokens, of which a text has one for each character."""

    name, dim, max_length, batch_tokens = "letters", 2, 8, 16

    def __init__(self, *, held: bool = False) -> None:
        self.rounds: list[list[str]] = []
        self.gate = threading.Event()
        if not held:
            self.gate.set()

    def tokenize(self, texts: Any, prompt: str = "") -> tuple[list[list[int]], int]:
        if "fail" in texts:
            raise ModelError("its tokenizer fails")
        tokens = [[ord(letter) for letter in prompt + text] for text in texts]
        return [ids[:8] for ids in tokens], sum(len(ids) > 8 for ids in tokens)

    def embed(self, sentences: Any, prompt: str = "") -> np.ndarray:
        assert self.gate.wait(20)
        self.rounds.append(["".join(map(chr, ids)) for ids in sentences])
        if any(ids[:1] == [ord("!")] for ids in sentences):
            raise ValueError("a defect")
        values = [[ids[0], np.nan if ids == [ord("?")] else len(ids) + 100 * len(prompt)] for ids in sentences]
        return np.array(values, np.float32)


@pytest.fixture
def encoder() -> Letters:
    return Letters(held=True)


@pytest.fixture
def batcher(encoder: Letters) -> Any:
    found = Batcher(encoder, Metrics())
    yield found
    encoder.gate.set()
    found.close()


def submit(batcher: Batcher, *texts: Any, prompt: str = "", truncate: bool = True, most: int = 1000) -> Any:
    return batcher.submit(list(texts), prompt=prompt, truncate=truncate, max_tokens=most)


def result(future: Any) -> list[list[float]]:
    job: Job = future.result(20)
    return job.vectors.tolist()


def test_what_waits_together_is_computed_together(batcher: Batcher, encoder: Letters) -> None:
    first = submit(batcher, "a")
    while batcher.waiting:
        pass
    others = [submit(batcher, letter) for letter in "bcde"]
    encoder.gate.set()
    assert [result(future) for future in (first, *others)] == [[[ord(letter), 1.0]] for letter in "abcde"]
    assert encoder.rounds == [["a"], ["b", "c", "d", "e"]]


def test_a_long_request_lets_others_in_between(batcher: Batcher, encoder: Letters) -> None:
    first = submit(batcher, "a")
    while batcher.waiting:
        pass
    long = submit(batcher, *["xxxx"] * 40)
    short = submit(batcher, "z")
    encoder.gate.set()
    result(short)
    rounds = len(encoder.rounds)
    assert result(long) == [[ord("x"), 4.0]] * 40
    assert rounds < 5 < len(encoder.rounds)
    result(first)


def test_prompts_token_ids_and_truncation(batcher: Batcher, encoder: Letters) -> None:
    encoder.gate.set()
    assert result(submit(batcher, "ab", prompt="p:")) == [[ord("p"), 204.0]]
    assert result(submit(batcher, [97, 98, 99], prompt="p:")) == [[97.0, 3.0]]  # as they are
    job = submit(batcher, "short", "much too long").result(20)
    assert (job.tokens, job.truncated) == (13, 1)
    with pytest.raises(Refusal, match=r"1 of 2 texts \(the first: number 1, from 0\) have more than 8 tokens"):
        submit(batcher, "short", "much too long", truncate=False).result(20)
    with pytest.raises(Refusal, match="more than 9 tokens together"):
        submit(batcher, "short", "texts", most=9).result(20)


@pytest.mark.parametrize(("text", "error"), [("fail", ModelError), ("!", ValueError), ("?", ModelError)])
def test_a_failure_is_that_of_its_request_alone(
    batcher: Batcher, encoder: Letters, text: str, error: type[Exception]
) -> None:
    first = submit(batcher, "a")
    while batcher.waiting:
        pass
    good, bad, also_good = submit(batcher, "b"), submit(batcher, "c", text), submit(batcher, "d")
    encoder.gate.set()
    assert [result(future) for future in (first, good, also_good)] == [[[ord(letter), 1.0]] for letter in "abd"]
    with pytest.raises(error):
        bad.result(20)
    assert result(submit(batcher, "e")) == [[ord("e"), 1.0]]


def test_closing_computes_what_waits_and_takes_no_more(encoder: Letters) -> None:
    batcher = Batcher(encoder, Metrics())
    futures = [submit(batcher, letter * 4) for letter in "abcdefghij"]
    closing = threading.Thread(target=batcher.close)
    closing.start()
    encoder.gate.set()
    closing.join(20)
    assert [result(future)[0][0] for future in futures] == [ord(letter) for letter in "abcdefghij"]
    with pytest.raises(Refusal, match="the server is stopping"):
        submit(batcher, "a")


def test_a_request_whose_client_has_gone_is_not_computed(batcher: Batcher, encoder: Letters) -> None:
    first = submit(batcher, "a")
    while batcher.waiting:
        pass
    gone = submit(batcher, "b")
    assert gone.cancel()
    encoder.gate.set()
    assert result(first)
    assert result(submit(batcher, "c"))
    assert encoder.rounds == [["a"], ["c"]]

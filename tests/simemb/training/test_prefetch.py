"""What is prepared in advance: the same things, in another thread, with its errors."""

import threading
import time

import pytest

from simemb.training.prefetch import DEPTH, Prefetcher


def test_it_gives_what_is_asked_for_inside_and_outside_its_context():
    ahead = Prefetcher(lambda number: number * number, 10)
    assert ahead(3) == 9
    with ahead:
        assert [ahead(number) for number in (0, 1, 2, 7, 8, 9, 4)] == [0, 1, 4, 49, 64, 81, 16]
    assert ahead(5) == 25


def test_the_next_ones_are_made_meanwhile_by_one_other_thread_and_none_beyond_the_last():
    made: list[int] = []
    threads: set[int] = set()

    def make(number: int) -> int:
        made.append(number)
        threads.add(threading.get_ident())
        return number

    with Prefetcher(make, 5) as ahead:
        ahead(0)
        until = time.monotonic() + 10
        while len(made) <= DEPTH and time.monotonic() < until:
            time.sleep(0.001)
        assert made == list(range(DEPTH + 1))
        assert [ahead(number) for number in range(1, 5)] == [1, 2, 3, 4]
    assert made == list(range(5))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_an_error_comes_to_who_asks_for_that_number_and_the_thread_ends():
    def make(number: int) -> int:
        if number == 1:
            raise ValueError("number one")
        return number

    with Prefetcher(make, 9) as ahead:
        assert ahead(0) == 0
        with pytest.raises(ValueError, match="number one"):
            ahead(1)
        assert ahead(2) == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("simemb-prefetch")]


def test_leaving_early_waits_for_nothing_that_has_not_begun():
    begun: list[int] = []

    def make(number: int) -> int:
        begun.append(number)
        time.sleep(0.05)
        return number

    with Prefetcher(make, 1000) as ahead:
        ahead(0)
    assert len(begun) <= 1 + DEPTH

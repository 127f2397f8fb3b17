"""Who goes first, who speaks, and how all processes of a launch end; `tests/trials/test_launches.py` launches some."""

import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch

from simemb import ranks, streams
from simemb.console import PlainConsole
from simemb.errors import DataError, PeerError

GLOO = "[pair.cc:553] gloo: Connection closed by peer [127.0.0.1]:44442"


@pytest.fixture
def store() -> Any:
    store = torch.distributed.HashStore()  # pyright: ignore[reportPrivateImportUsage]
    store.set_timeout(timedelta(seconds=5))
    return store


@pytest.fixture
def rank(store: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Let this process be the one of this number of two; the other one is the test."""
    monkeypatch.setattr(ranks, "PATIENCE", 0.05)
    monkeypatch.setattr(ranks, "_left", False)
    monkeypatch.setattr(ranks, "_spoken_for", False)
    before = signal.getsignal(signal.SIGTERM)

    def be(number: int) -> None:
        monkeypatch.setattr(ranks, "_joined", lambda: ranks.Launch(store, number, 2))

    yield be
    signal.signal(signal.SIGTERM, before)


def test_a_process_on_its_own_passes_through() -> None:
    with ranks.together(), ranks.main_first("the plan"):
        assert not ranks.several()
        assert ranks.is_main()
        assert not streams.is_muted()
    ranks.meet("the end")
    assert not ranks.is_echo()


def test_the_others_wait_for_the_main_process(rank: Callable[[int], None], store: Any) -> None:
    rank(1)
    order: list[str] = []

    def main() -> None:
        order.append("main")
        store.add("1: the plan", 1)
        store.add("2: the end", 1)

    with ranks.together():
        threading.Timer(0.1, main).start()
        with ranks.main_first("the plan"):
            order.append("other")
    assert order == ["main", "other"]


def test_the_main_process_lets_the_others_go_on_after_its_block(rank: Callable[[int], None], store: Any) -> None:
    rank(0)
    store.add("2: the end", 1)
    with ranks.together():
        with ranks.main_first("the command line"):
            assert store.add("1: the command line", 0) == 0
        assert store.add("1: the command line", 0) == 1


def test_where_the_main_process_fails_the_others_do_not_go_on(rank: Callable[[int], None], store: Any) -> None:
    rank(0)
    with pytest.raises(DataError), ranks.together(), ranks.main_first("the plan"):
        raise DataError("no rows")
    assert store.add("1: the plan", 0) == 0
    assert store.get("ended") == b"0 no rows"


def test_help_of_the_main_process_ends_the_others_too(rank: Callable[[int], None], store: Any) -> None:
    rank(0)
    with pytest.raises(SystemExit), ranks.together(), ranks.main_first("the command line"):
        raise SystemExit(0)
    assert store.add("1: the command line", 0) == 1


def test_who_waits_ends_when_another_has_left_word_and_says_nothing(rank: Callable[[int], None], store: Any) -> None:
    rank(1)
    store.set("ended", "0 no rows")
    with pytest.raises(PeerError), ranks.together(), ranks.main_first("the plan"):
        pytest.fail("the main process never came to its end")
    assert not ranks.has_last_word()
    assert store.add("ends", 0) == 1


@pytest.mark.parametrize("number", [0, 1])
def test_the_first_that_ends_says_why_and_tells_the_launcher(
    number: int, rank: Callable[[int], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "error.json"))
    rank(number)
    with pytest.raises(DataError), ranks.together():
        raise DataError("no rows")
    assert ranks.has_last_word()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN  # the launcher's, to a process that ends already
    assert json.loads((tmp_path / "error.json").read_text())["message"]["message"] == "no rows"


def test_a_lost_connection_is_the_end_of_another(rank: Callable[[int], None], store: Any) -> None:
    rank(0)
    with pytest.raises(PeerError, match="another of the 2 processes has ended without a word"), ranks.together():
        raise RuntimeError(GLOO)
    assert ranks.has_last_word()


def test_a_mistake_of_ours_keeps_its_traceback_and_is_told_once(rank: Callable[[int], None], store: Any) -> None:
    rank(0)
    with pytest.raises(ZeroDivisionError), ranks.together():
        _ = 1 // 0
    rank(1)
    with pytest.raises(PeerError), ranks.together():
        _ = 1 // 0


def test_the_others_are_silent_in_the_block(
    rank: Callable[[int], None], store: Any, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    rank(1)
    store.add("1: the end", 1)
    with ranks.together():
        streams.show("a table\n")
        PlainConsole().print("a table")
        PlainConsole(stderr=True).print("a bar")
        logging.getLogger("simemb").warning("a notice")
    assert capsys.readouterr() == ("", "")
    assert not caplog.records
    streams.show("again\n")
    logging.getLogger("simemb").warning("again")
    assert capsys.readouterr().out == "again\n"
    assert [record.message for record in caplog.records] == ["again"]


def test_a_signal_that_the_launcher_hands_on_counts_once(
    rank: Callable[[int], None], store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rank(0)
    store.add("1: the end", 1)
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        with ranks.together():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            assert came == [signal.SIGINT]
            monkeypatch.setattr(ranks, "ECHO", 0.0)
            os.kill(os.getpid(), signal.SIGINT)
        assert came == [signal.SIGINT] * 2
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_process_that_waits_for_others_to_come_can_be_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: list[Any] = []
    monkeypatch.setenv("WORLD_SIZE", "2")

    def state(*, cpu: bool) -> None:
        handlers.append(signal.getsignal(signal.SIGTERM))

    monkeypatch.setattr("accelerate.PartialState", state)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        ranks.join()
        assert handlers == [signal.SIG_DFL]
        assert callable(signal.getsignal(signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, before)

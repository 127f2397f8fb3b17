"""The line that a person watches, and the key that stops a run."""

import logging
import signal
import threading

import pytest

from simemb.training import status_line
from simemb.training.status_line import Interrupts, StatusLine, describe

NUMBERS = {"loss": 1.25, "accuracy": 0.5, "positive": 0.75, "negative": -0.125, "uniformity": -1.5}


def test_ctrl_c_asks_and_a_second_one_stops_at_once(caplog: pytest.LogCaptureFixture):
    with Interrupts() as interrupts:
        assert not interrupts.requested
        signal.raise_signal(signal.SIGINT)
        assert interrupts.requested
        assert "stopping after this step; press Ctrl-C again" in caplog.text
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("error", [None, ValueError])
def test_the_handler_that_was_there_comes_back(error: type[Exception] | None):
    def mine(number: int, frame: object) -> None: ...

    before = signal.signal(signal.SIGINT, mine)
    try:
        try:
            with Interrupts():
                assert signal.getsignal(signal.SIGINT) is not mine
                if error is not None:
                    raise error
        except ValueError:
            pass
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_trains_without_touching_signals():
    before = signal.getsignal(signal.SIGINT)
    seen: list[bool] = []

    def work() -> None:
        with Interrupts() as interrupts:
            seen.append(interrupts.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
    assert signal.getsignal(signal.SIGINT) is before


def test_without_a_terminal_a_line_is_logged_now_and_then(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(status_line, "perf_counter", lambda: float(next(clock)))
    with caplog.at_level(logging.INFO, "simemb"), StatusLine(9, shown=False) as line:
        for step in range(1, 7):
            line.step(step, NUMBERS, 100.0)
        line.say("something that stays")
    steps = [record.message for record in caplog.records if record.message.startswith("step")]
    assert len(steps) in (2, 3)  # 15 s apart, on a clock that jumps by 10 s
    assert steps[0] == f"step 2 of 9: {describe(NUMBERS, 100.0)}"
    assert caplog.records[-1].message == "something that stays"


def test_the_bar_shows_all_numbers_and_begins_where_a_run_goes_on(capsys: pytest.CaptureFixture):
    with StatusLine(8, shown=True) as line:
        line.start_at(5)
        line.step(6, NUMBERS, 1234.0)
        line.say("the best so far")
        assert line.bar.tasks[0].completed == 6
        assert line.bar.tasks[0].fields["numbers"] == describe(NUMBERS, 1234.0)
    assert "the best so far" in capsys.readouterr().err


def test_a_line_says_loss_accuracy_cosines_uniformity_and_speed():
    words = describe(NUMBERS, 1234.0)
    assert words == "loss 1.250, accuracy 50 %, cosine +0.75/-0.12, uniformity -1.50, 1,234 sentences/s"

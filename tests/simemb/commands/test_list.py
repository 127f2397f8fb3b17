"""`simemb list`: what can be typed is shown."""

import pytest

from simemb.commands import list as list_verb
from simemb.evaluation import evaluate


def test_the_tasks_that_can_be_picked_of_a_suite_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    list_verb.run(["suites"])
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert lines["sts"].rstrip().endswith("; tasks: sts12, sts13, sts14, sts15, sts16, stsb, sickr")
    assert "tasks:" not in lines["stsb_dev"]
    for name in evaluate.names():
        for task in lines[name].rstrip().partition("; tasks: ")[2].split(", "):
            assert not task or evaluate.find(f"{name}/{task}").tasks[0].name == task

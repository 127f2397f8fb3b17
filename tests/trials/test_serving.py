"""A server under attack and under a restart: what `python -m tests.trials.serving` does, in short."""

from pathlib import Path

import pytest

from tests.trials import serving

ROOT = Path(__file__).resolve().parents[2]


def test_malformed_requests_and_a_restart_lose_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert serving.main(["--requests", "50", "--restarts", "1", "--clients", "4"]) == 0
    said = capsys.readouterr().out
    assert "restarts under load      2      2      0" in said
    assert " answers, " in said

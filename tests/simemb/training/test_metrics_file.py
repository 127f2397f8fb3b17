"""metrics.jsonl: lines that are not ours are left out, and what is no file is not waited for."""

import os
from pathlib import Path

import pytest

from simemb.errors import DataError
from simemb.training import metrics_file


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        '{"loss": 1}',
        '{"step": "1"}',
        '{"step": true}',
        '{"step": 1, "loss": []}',
        '{"step": ' + "9" * 5000 + "}",
    ],
)
def test_a_line_that_is_none_of_ours_is_left_out_with_a_notice(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"step": 1, "loss": 0.5}}\n{text}\n{{"step": 2, "loss": null}}\n')
    assert list(metrics_file.read(path)) == [{"step": 1, "loss": 0.5}, {"step": 2, "loss": None}]
    assert "metrics.jsonl, line 2 cannot be read" in caplog.text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "metrics.jsonl")
    with pytest.raises(DataError, match=r"metrics\.jsonl: cannot be read: it is no regular file"):
        list(metrics_file.read(tmp_path / "metrics.jsonl"))


def test_a_link_to_nowhere_is_named_and_nothing_appears_there(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"metrics\.jsonl: cannot be read: it is a link to nowhere"):
        list(metrics_file.read(tmp_path / "metrics.jsonl"))
    assert not (tmp_path / "nowhere").exists()

"""Models as verbs take them: a language model gets a notice where vectors are used, not where they are judged."""

from pathlib import Path

import pytest

from simemb.cli import main

NOTICE = "is a language model: it was not trained to compare texts"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("the man sees a dog\nthe dog eats a cake\n")
    return path


def test_encode_and_index_give_notice(
    tiny_base: Path, texts: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for words in (
        ["encode", str(tiny_base), str(texts), "--output", str(tmp_path / "out.npy")],
        ["index", str(tiny_base), str(texts), "--output", str(tmp_path / "out.index")],
    ):
        caplog.clear()
        assert main(words) == 0
        assert f"{tiny_base} {NOTICE}" in caplog.text
        assert "`mini` is a finished encoder" in caplog.text


def test_eval_gives_none(tiny_base: Path, dev_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(["eval", str(tiny_base), "--suite", str(dev_file)]) == 0
    assert NOTICE not in caplog.text


def test_a_finished_encoder_gets_none(texts: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(["encode", "mini", str(texts), "--output", str(tmp_path / "out.npy")]) == 0
    assert NOTICE not in caplog.text

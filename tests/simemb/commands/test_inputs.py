"""What verbs take: a language model gets a notice where vectors are used and not judged, and data may have weights."""

from pathlib import Path

import pytest

from simemb.cli import main
from simemb.commands.inputs import weighted

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


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.tsv", "b.tsv"], (("a.tsv", "b.tsv"), ())),
        (["a.tsv", "nli:3"], (("a.tsv", "nli"), (1.0, 3.0))),
        (["C:\\data\\a.tsv", "D:/b.tsv:0.5"], (("C:\\data\\a.tsv", "D:/b.tsv"), (1.0, 0.5))),
        (["run:2.tsv", "notes:2"], (("run:2.tsv", "notes:2"), ())),
        (["notes:2:3", "-:.5"], (("notes:2", "-"), (3.0, 0.5))),
        (["a:b", "a:", ":3"], (("a:b", "a:", ":3"), ())),
    ],
)
def test_a_weight_stands_behind_the_last_colon_of_what_is_no_file(
    names: list[str], expected: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("notes:2").touch()
    assert weighted(names) == expected

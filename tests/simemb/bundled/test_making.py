"""The program that makes the bundled models, on corpora of a few sentences: what it leaves out, and that it goes on."""

import json
import random
from pathlib import Path

import pytest

from simemb import Encoder
from simemb.bundled import __main__ as program
from simemb.bundled import cards, stages, teacher, texts
from simemb.corpus import sources
from simemb.corpus.sources import Source
from simemb.encoder.language_head import is_language_model
from simemb.errors import DataError, ModelError

WORDS = ("a", "dog", "sees", "the", "red", "house", "and", "old", "man", "plays", "with", "small", "green", "boats")
SCORED = "The old man, sees a DOG"
"""A sentence of the STS sets."""


def sentence(dice: random.Random) -> str:
    return " ".join(dice.choices(WORDS, k=dice.randint(4, 9)))


def files(source: Source) -> list[Path]:
    own = [] if source.path is None else [Path(source.path)]
    return own + [path for part in source.parts for path in files(part)]


@pytest.fixture
def corpora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every corpus that the program reads, a few lines each; one sentence of the STS sets is in all of them."""
    import gzip

    folder, dice = tmp_path / "data", random.Random(3)
    monkeypatch.setenv("SIMEMB_DATA", str(folder))
    for path in files(sources.get(texts.SCORED)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(
            f"score\tsentence1\tsentence2\n3.0\t{SCORED}\t{sentence(dice)} .\n4.0\tIt rains.\tSnow.\n"
        )
    hidden = "the old man sees a dog"
    plain = "".join(f"{text}\n" for text in [hidden, *(sentence(dice) for _ in range(60))])
    rows = [(hidden, "x y", "z")] + [tuple(sentence(dice) for _ in range(3)) for _ in range(40)]
    triplets = "anchor\tpositive\tnegative\n" + "".join("\t".join(row) + "\n" for row in rows)
    for name, text in (("wiki", plain), ("wiki_running", plain), ("nli", triplets), ("captions", triplets)):
        (path,) = files(sources.get(name))
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(gzip.compress(text.encode()))
    return folder


def test_no_sentence_of_an_sts_set_is_learnt_whatever_its_case_and_punctuation(corpora: Path, tmp_path: Path) -> None:
    sentences, triplets = texts.write(tmp_path)
    lines = sentences.read_text().splitlines()
    assert len(lines) > 150
    assert not any("the old man sees a dog" in line for line in lines)
    assert len(triplets.read_text().splitlines()) == 81
    assert "x y" not in triplets.read_text()


def test_passages_hold_3_to_16_sentences_but_for_the_last_and_half_of_them_run_on() -> None:
    running = [f"{number}." for number in range(100)]
    passages = texts._passages([f"w{number}." for number in range(50)], running, random.Random(1))
    sizes = [len(passage.split()) for passage in passages]
    assert max(sizes) <= 16
    assert sum(size < 3 for size in sizes) <= texts.READINGS
    assert sizes[: len(sizes) // 8] != sizes[len(sizes) // 8 : len(sizes) // 4]
    half = passages[: len(passages) // 2]
    assert " ".join(half).split() == running * texts.READINGS
    assert all(passage.startswith("w") for passage in passages[len(passages) // 2 :])


def test_the_narrow_teacher_keeps_the_inner_products(tiny_base: Path, sentences_file: Path, tmp_path: Path) -> None:
    wide = Encoder.load(tiny_base, pooling="mean")
    assert isinstance(wide, Encoder)
    wide.save(tmp_path / "wide")
    narrow = Encoder.load(teacher.narrow(tmp_path / "wide", sentences_file, 31, tmp_path / "narrow"))
    lines = sentences_file.read_text().splitlines()[:20]
    ours, theirs = narrow.encode(lines, normalize=True), wide.encode(lines, normalize=True)
    assert ours.shape == (20, 31)
    assert abs(ours @ ours.T - theirs @ theirs.T).max() < 0.01


@pytest.mark.slow
def test_both_models_are_made_and_what_is_finished_stays(
    corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "SUITES", ("sample",))
    monkeypatch.setattr(program, "LAYERS", 1)
    output = tmp_path / "out"
    assert program.main([str(output), "--teacher", "mini"]) == 0
    base, mini = (output / "models" / name for name in ("base", "mini"))
    assert is_language_model(base)
    assert not is_language_model(mini)
    assert Encoder.load(mini).pooling == "mean"
    assert json.loads((mini / "config.json").read_text())["dtype"] == "float16"
    card = (mini / "README.md").read_text()
    for stage in stages.stages(output / "teacher"):
        assert f"| {stage.name} | {stage.method} |" in card
    assert "in the training data" in card
    before = (output / "mini" / "best" / "model.safetensors").stat().st_mtime_ns
    monkeypatch.setattr(program, "fit", lambda *_, **__: pytest.fail("trained again"))
    assert program.main([str(output), "--teacher", "mini"]) == 0
    assert (output / "mini" / "best" / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize("words", [[], ["out"], ["out", "--teacher"], ["out", "teacher", "x"]])
def test_without_output_and_teacher_the_usage_is_shown(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(words) == 2
    assert capsys.readouterr().err == f"{program.USAGE}\n"


def test_without_the_corpora_it_says_which_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path))
    assert program.main([str(tmp_path / "out"), "--teacher", "mini"]) == 2
    assert "simemb.bundled: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_another_teacher_is_refused(tmp_path: Path) -> None:
    program._remember(tmp_path / "settings.json", "first")
    program._remember(tmp_path / "settings.json", "first")
    with pytest.raises(DataError, match="was begun with the teacher first, not second"):
        program._remember(tmp_path / "settings.json", "second")


def test_a_teacher_that_is_too_narrow_is_refused(tiny_base: Path, sentences_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="of 64 dimensions or more"):
        teacher.narrow(tiny_base, sentences_file, 64, tmp_path / "out")

"""Where no dev suite is named, it is one in the language of the data, and what is done without one is said."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from simemb.corpus.language import language_of
from simemb.corpus.rows import open_rows
from simemb.errors import SimembError
from simemb.evaluation.evaluate import evaluate
from simemb.evaluation.suite import Suite
from simemb.method.recipe_files import find
from simemb.report import terminal
from simemb.report.history import History
from simemb.training import dev_suites
from simemb.training.fit import fit

TEXTS = {
    "Chinese": ["一个男人在弹吉他。", "一只猫在睡觉。", "两只狗在雪地里跑。"],
    "English": ["A man plays a guitar.", "A cat sleeps.", "Two dogs run in the snow."],
    "Cyrillic": ["Мужчина играет на гитаре.", "Кошка спит.", "Собаки бегут по снегу."],
}
PAIRS = {
    "sts/stsb/dev.tsv": ["5\tA man plays.\tA man is playing.", "0\tA cat sleeps.\tIt rains.", "3\tA dog.\tA wolf."],
    "zh/stsb/dev.tsv": ["5\t男人弹吉他。\t男人在弹吉他。", "0\t猫在睡觉。\t下雨了。", "3\t一只狗。\t一只狼。"],
}


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A $SIMEMB_DATA with a few development pairs of both languages."""
    for path, pairs in PAIRS.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("\n".join(["score\tsentence1\tsentence2", *pairs]) + "\n", encoding="utf-8")
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path))
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    return tmp_path


def chosen(texts: list[str], dev: str | None = None) -> Suite | None:
    rows = open_rows(texts)
    suites = dev_suites.choose(dev, rows, language_of(rows))
    assert len(suites) < 2
    return suites[0] if suites else None


def test_the_suite_is_in_the_language_of_the_data():
    for language, name in (("Chinese", "zh_stsb_dev"), ("English", "stsb_dev")):
        suite = chosen(TEXTS[language])
        assert suite is not None
        assert suite.name == name
        assert suite.geometry == suite.tasks[0]


def test_texts_in_another_language_are_not_judged_by_english_ones(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING, "simemb"):
        assert chosen(TEXTS["Cyrillic"]) is None
    (message,) = caplog.messages
    assert message.startswith(
        "the list: its texts are Cyrillic, and there are dev suites for English and Chinese only: "
    )
    assert "the last checkpoint is kept; --dev names a file of scored pairs of yours, or a suite" in message


def test_a_suite_that_is_named_is_taken_whatever_the_language(caplog: pytest.LogCaptureFixture):
    for language in TEXTS:
        suite = chosen(TEXTS[language], "stsb_dev")
        assert suite is not None
        assert suite.name == "stsb_dev"
        assert chosen(TEXTS[language], "none") is None
    assert "no evaluation" not in caplog.text


def test_chinese_pairs_that_are_not_at_hand_are_not_replaced_by_english_ones(
    data: Path, caplog: pytest.LogCaptureFixture
):
    (data / "zh/stsb/dev.tsv").unlink()
    with caplog.at_level(logging.WARNING, "simemb"):
        assert chosen(TEXTS["Chinese"]) is None
    (message,) = caplog.messages
    assert message.startswith(
        "no evaluation while training, the last checkpoint is kept: corpus 'zh_stsb_dev' was not "
    )
    assert str(data / "zh/stsb/dev.tsv") in message


def test_a_run_on_the_sample_keeps_the_pairs_of_the_sample():
    (suite,) = dev_suites.choose(None, open_rows("sample"), "English")
    assert suite.name == "sample_dev"


def test_a_chinese_run_is_chosen_on_chinese_pairs_and_sent_to_the_chinese_suite(
    tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    result = fit("simcse", tiny_base, TEXTS["Chinese"] * 6, output=tmp_path / "run")
    assert result.before is not None
    assert result.before.suite == "zh_stsb_dev"
    assert result.language == "Chinese"
    terminal.print_runs([result], [1])
    assert "--suite zh\n" in capsys.readouterr().out


# ---- several -------------------------------------------------------------------------------------


def metrics(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def test_the_first_of_several_chooses_and_all_are_recorded_and_shown(
    tiny_base: Path, sentences_file: Path, dev_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    recipe = replace(find("simcse"), batch_size=16, learning_rate=1e-3, eval_every=2, max_steps=4)
    both = [str(dev_file), "stsb_dev"]
    result = fit(recipe, tiny_base, sentences_file, output=tmp_path / "run", dev=both, progress=True)
    fit(recipe, tiny_base, sentences_file, output=tmp_path / "one", dev=dev_file)
    several, one = metrics(tmp_path / "run"), metrics(tmp_path / "one")
    scores = [line for line in several if "dev_spearman" in line]
    assert [line["step"] for line in scores] == [0, 2, 4]
    assert all("stsb_dev_spearman" in line for line in scores)
    # beside the first, which decides as it does alone, no geometry of the second
    assert [(line["dev_spearman"], line["alignment"]) for line in scores] == [
        (line["dev_spearman"], line["alignment"]) for line in one if "dev_spearman" in line
    ]
    assert (tmp_path / "run/best/model.safetensors").read_bytes() == (
        tmp_path / "one/best/model.safetensors"
    ).read_bytes()
    assert result.after is not None
    assert result.after.suite == "dev"
    assert [each.suite for each in result.others_after] == ["stsb_dev"]
    assert result.others_after[0].points == evaluate(result.encoder, "stsb_dev").points
    record = json.loads((tmp_path / "run/recipe.json").read_text())
    assert record["run"]["dev"] == both
    assert record["dev"]["suites"] == ["dev", "stsb_dev"]
    assert f"; stsb_dev {scores[-1]['stsb_dev_spearman']:.2f}" in capsys.readouterr().err
    assert "- stsb_dev: " in (tmp_path / "run/best/README.md").read_text()
    terminal.print_runs([result], (1,))
    assert f"stsb_dev: {result.others_before[0].points:.2f} before" in capsys.readouterr().out
    history = History.of(tmp_path / "run", record)
    assert history is not None
    assert (history.score, history.others) == ("dev_spearman", ["stsb_dev_spearman"])


def test_a_run_with_several_goes_on_with_them_and_with_no_others(
    tiny_base: Path, sentences_file: Path, dev_file: Path, tmp_path: Path
):
    recipe = replace(find("simcse"), batch_size=16, eval_every=1, max_steps=2)

    def stops(_: object) -> bool:
        return True

    stop = SimpleNamespace(on_step=stops)
    both = [dev_file, "stsb_dev"]
    fit(recipe, tiny_base, sentences_file, output=tmp_path / "run", dev=both, callbacks=[stop])
    with pytest.raises(SimembError, match="cannot resume with another run: dev"):
        fit(recipe, tiny_base, sentences_file, output=tmp_path / "run", dev=dev_file, resume=True)
    moved = tmp_path / "elsewhere" / "dev.tsv"
    moved.parent.mkdir()
    moved.write_bytes(dev_file.read_bytes())
    fit(recipe, tiny_base, sentences_file, output=tmp_path / "run", dev=[moved, "stsb_dev"], resume=True)
    assert [line["step"] for line in metrics(tmp_path / "run") if "stsb_dev_spearman" in line] == [0, 1, 2]
    assert fit(resume=tmp_path / "run").others_after[0].suite == "stsb_dev"


@pytest.mark.parametrize(
    ("dev", "line"),
    [
        (["none", "stsb_dev"], "--dev none is a run without evaluation: name no other suite with it"),
        (["stsb_dev", "stsb_dev"], "--dev: two suites are called 'stsb_dev'"),
        (["stsb_dev", "stsb_deb"], "unknown suite 'stsb_deb': did you mean"),
    ],
)
def test_several_that_cannot_be_told_apart_or_do_not_exist_are_refused(dev: list[str], line: str):
    with pytest.raises(SimembError, match=line):
        dev_suites.choose(dev, open_rows(TEXTS["English"]), "English")

"""Where no dev suite is named, it is one in the language of the data, and what is done without one is said."""

import logging
from pathlib import Path

import pytest

from simemb.corpus.language import language_of
from simemb.corpus.rows import open_rows
from simemb.evaluation.suite import Suite
from simemb.report import terminal
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
    return dev_suites.choose(dev, rows, language_of(rows))


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
    suite = dev_suites.choose(None, open_rows("sample"), "English")
    assert suite is not None
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

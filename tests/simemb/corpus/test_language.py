"""The language of texts by their letters: what is told apart, and that mixtures go to the larger part."""

from pathlib import Path

import pytest

from simemb.corpus.language import ACCENTED, language, language_of
from simemb.corpus.rows import open_rows
from simemb.corpus.sample import SAMPLE

ENGLISH = "A man plays a guitar in the street."
CHINESE = "一个男人在街上弹吉他。"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ENGLISH, "English"),
        ("ＦＵＬＬ ＷＩＤＴＨ", "English"),
        ("The café is closed, and the cook who worked there all year long looks for another place.", "accented Latin"),
        (CHINESE, "Chinese"),
        ("他用 Python 和 PyTorch 寫程式。", "Chinese"),
        ("男の人が通りでギターを弾いている。", "Japanese"),
        ("Der Mann hört zu und geht später über die Straße.", "accented Latin"),
        ("Мужчина играет на гитаре.", "Cyrillic"),
        ("남자가 기타를 친다.", "Hangul"),
        ("رجل يعزف على الجيتار", "Arabic"),
        ("१२३ गिटार", "Devanagari"),
        ("123, 456!", ""),
        ("", ""),
    ],
)
def test_a_text_is_known_by_its_letters(text: str, expected: str):
    assert language([text]) == expected


def test_accents_of_names_do_not_make_english_another_language():
    assert 1 / len("cafe" * 100) < ACCENTED
    assert language([ENGLISH] * 20 + ["Chloé met Zoë."]) == "English"


def test_most_texts_decide():
    assert language([CHINESE] * 2 + [ENGLISH * 20]) == "Chinese"
    assert language([ENGLISH] * 2 + [CHINESE * 20, "", "42"]) == "English"


def test_of_rows_the_first_column_counts(tmp_path: Path):
    rows = open_rows([(ENGLISH, CHINESE), (ENGLISH, CHINESE)])
    assert language_of(rows) == "English"
    assert language_of(open_rows([(CHINESE, ENGLISH)])) == "Chinese"


def test_each_of_several_files_counts(tmp_path: Path):
    long, short = tmp_path / "long.txt", tmp_path / "short.txt"
    long.write_text(f"{ENGLISH}\n" * 3 * SAMPLE, encoding="utf-8")
    short.write_text(f"{CHINESE}\n" * (SAMPLE - 1), encoding="utf-8")
    other = tmp_path / "other.txt"
    other.write_text(f"{CHINESE}\n" * 2, encoding="utf-8")
    assert language_of(open_rows([long, short])) == "English"
    assert language_of(open_rows([long, short, other])) == "Chinese"


def test_a_sentence_that_only_some_rows_have_is_not_asked_for():
    rows = open_rows([{"sentence1": CHINESE, "sentence2": None}, {"sentence1": CHINESE, "sentence2": "是。"}])
    assert language_of(rows) == "Chinese"

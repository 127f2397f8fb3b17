"""Words of texts in spaced, unspaced and mixed scripts."""

import pytest

from simemb.corpus.words import UNSPACED, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A man, a plan: 2 canals!", ["a", "man", "a", "plan", "2", "canals"]),
        ("STRASSE straße", ["strasse", "strasse"]),
        ("两只狗 run 3km", ["两", "只", "狗", "run", "3km"]),
        ("GPT模型v2", ["gpt", "模", "型", "v2"]),
        ("?! ...", []),
        ("", []),
    ],
)
def test_words_have_no_case_and_no_punctuation_and_chinese_is_read_by_character(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize("text", ["ภาษา", "ພາສາ", "မြန်မာ", "ខ្មែរ", "ひらがな", "カタカナ", "漢字"])
def test_letters_of_scripts_without_spaces_are_unspaced(text):
    assert all(UNSPACED.fullmatch(letter) for letter in text)


@pytest.mark.parametrize("text", ["English", "Straße", "Ελληνικά", "русский", "العربية", "हिन्दी", "한국어", "42"])
def test_letters_of_scripts_with_spaces_are_not(text):
    assert UNSPACED.search(text) is None

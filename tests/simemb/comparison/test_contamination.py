"""Texts that were trained on are found, whatever case, width and punctuation they have, and no others."""

import json
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simemb.comparison.contamination import Overlap, TaskOverlap, normalized, overlap

# Letters of several scripts, full-width forms, ligatures, combining marks, punctuation and blanks.
MIXED = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("aAéßſİǅﬁＡ！，。’'\" .-´\u0301\u3000你")), max_size=20
)
WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=1, max_size=6).map(" ".join)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A man plays the guitar.", "a man plays the guitar"),
        ("The man 's dog , barking , ran .", "The man's dog, barking, ran."),
        ("don’t do “that”", 'don\'t do "that"'),
        ("  two   blanks\tand a tab ", "two blanks and a tab"),
        ("STRASSE", "Straße"),
        ("ＡＢＣ　１２３！", "abc 123!"),
        ("the ﬁrst ﬂight", "the first flight"),
        ("cafe\u0301", "caf\u00e9"),
        ("他说：“你好！”", "他说:你好"),
        ("我 爱 北京 。", "我爱北京"),
        ("co\u00adoperate\ufeff", "cooperate"),
    ],
)
def test_case_width_punctuation_and_blanks_make_no_difference(one: str, other: str) -> None:
    assert normalized(one) == normalized(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a man sings", "a man sang"),
        ("café", "cafe"),
        ("他说你好", "他說你好"),
        ("it costs 15", "it costs 16"),
        ("मुझे", "मझे"),
    ],
)
def test_letters_marks_and_digits_make_a_difference(one: str, other: str) -> None:
    assert normalized(one) != normalized(other)


@given(MIXED)
@example("e\u0301 \u1e9b\u0323´\u0301")
@example("L·\u0301")
@example("\ufc5e\u0323\u0301")
def test_normalizing_twice_changes_nothing(text: str) -> None:
    once = normalized(text)
    assert normalized(once) == once
    assert {unicodedata.category(character)[0] for character in once} <= set("LMN")


@given(st.text(st.characters(max_codepoint=127)))
def test_the_fast_way_for_plain_letters_gives_what_the_slow_one_would(text: str) -> None:
    assert normalized(text + "é") == normalized(text) + "é"


@pytest.mark.slow
def test_normalizing_twice_changes_nothing_for_any_character_whatever_marks_surround_it() -> None:
    surroundings = ("{}", "a{}", "{}a", "e{}\u0301", "\u0301{}", "a{}\u0323\u0301")
    for code in (*range(0xD800), *range(0xE000, 0x110000)):
        for around in surroundings:
            once = normalized(around.format(chr(code)))
            assert normalized(once) == once, hex(code)


@given(st.lists(MIXED, min_size=1, max_size=8, unique=True), st.lists(MIXED, max_size=8), st.randoms())
def test_every_planted_text_is_found_exactly_and_nothing_that_is_not_there(
    evaluated: list[str], others: list[str], dice: object
) -> None:
    planted = evaluated[::2]
    training = [*planted, *others]
    dice.shuffle(training)
    found = overlap(training, {"task": evaluated})["task"]
    assert found.texts == len(evaluated)
    assert found.exact == sum(text in training for text in evaluated)
    forms = {normalized(text) for text in training} - {""}
    assert found.normalized == sum(text not in training and normalized(text) in forms for text in evaluated)


@given(st.lists(WORDS, min_size=1, max_size=8, unique_by=normalized))
def test_variants_of_a_text_are_found_but_not_as_exact(evaluated: list[str]) -> None:
    training = [text.replace(" ", " , ").title() + "!" for text in evaluated]
    found = overlap(training, {"task": evaluated})["task"]
    assert (found.exact, found.normalized, found.occurring) == (0, len(evaluated), len(evaluated))
    assert found.examples[0] == (evaluated[0], training[0])


def test_each_task_is_counted_by_its_own_distinct_texts() -> None:
    found = overlap(
        iter(["A cat sat.", "it rains", "it rains"]),
        {"one": ["a cat sat", "A cat sat.", "A cat sat.", "a dog"], "two": ["a dog"], "three": iter(["it rains"])},
    )
    assert found["one"] == TaskOverlap(3, 1, 1, (("a cat sat", "A cat sat."), ("A cat sat.", "A cat sat.")))
    assert found["two"] == TaskOverlap(1, 0, 0)
    assert found["three"] == TaskOverlap(1, 1, 0, (("it rains", "it rains"),))


def test_texts_of_nothing_but_punctuation_are_one_only_if_they_are_equal() -> None:
    found = overlap(["...", ""], {"task": ["...", "?!", ""]})["task"]
    assert (found.exact, found.normalized) == (2, 0)


def test_no_more_than_a_few_examples_are_kept() -> None:
    texts = [f"text {number}" for number in range(50)]
    assert len(overlap(texts, {"task": texts})["task"].examples) == 3


def seen(*, texts: int, exact: int, warning: str = "", unknown: str = "") -> Overlap:
    tasks = {"stsb": TaskOverlap(texts, exact, 1, (("a", "A"),)), "sickr": TaskOverlap(10, 0, 0)}
    return Overlap(("nli",), tasks, warning, unknown)


def test_half_of_the_texts_of_a_task_make_a_run_transductive() -> None:
    assert seen(texts=10, exact=4).transductive == ("stsb",)
    assert seen(texts=10, exact=3).transductive == ()
    assert seen(texts=10, exact=4).to_json()["transductive"] is True


def test_where_the_data_warn_any_text_found_is_enough_and_without_data_the_warning_is() -> None:
    assert seen(texts=100, exact=1, warning="holds test texts").transductive == ("stsb",)
    clean = Overlap(("texts",), {"zh": TaskOverlap(5, 0, 0)}, "holds test texts")
    assert clean.to_json()["transductive"] is False
    assert clean.warnings() == []
    blind = Overlap(("texts",), {}, "holds test texts", "the training data (texts) are not at hand")
    assert blind.to_json()["transductive"] is True
    assert [line.partition(":")[0] for line in blind.warnings()] == [
        "transductive",
        "whether texts of the suite occur in the training data is not known",
    ]


def test_what_was_not_looked_at_is_neither_transductive_nor_clean() -> None:
    part = Overlap(("nli",), {"stsb": TaskOverlap(5, 0, 0)}, not_looked_at=("Tiny", "Small"))
    assert part.to_json()["transductive"] is None
    assert part.words() == ["the texts of Tiny and Small were not looked at: they may occur in the training data (nli)"]
    assert Overlap(("nli",), {}, unknown="gone").to_json()["transductive"] is None
    found = Overlap(("nli",), {"stsb": TaskOverlap(5, 5, 0)}, "", "gone", ("Tiny",))
    assert found.to_json()["transductive"] is True
    assert seen(texts=100, exact=1).to_json()["transductive"] is False


def test_a_record_from_before_tasks_were_left_out_can_be_read() -> None:
    record = seen(texts=20, exact=9).to_json()
    del record["not_looked_at"]
    assert Overlap.from_json(record) == seen(texts=20, exact=9)


def test_the_words_say_how_many_and_how_they_were_found() -> None:
    assert seen(texts=2552, exact=9).warnings() == [
        "10 of 2,552 texts of stsb (9 exactly) occur in the training data (nli)"
    ]
    assert seen(texts=10, exact=9).warnings() == [
        "transductive: trained on the test texts of stsb, which are in the training data (nli)"
    ]
    assert Overlap(("nli",), {"stsb": TaskOverlap(5, 0, 0)}).words() == [
        "no text of the suite occurs in the training data (nli)"
    ]


def test_the_record_survives_json() -> None:
    found = replace(seen(texts=20, exact=9, warning="holds test texts", unknown="gone"), not_looked_at=("Tiny",))
    assert Overlap.from_json(json.loads(json.dumps(found.to_json()))) == found

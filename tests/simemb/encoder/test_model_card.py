"""Model cards: names of others stay names in Markdown."""

import re

import pytest

from simemb.encoder.model_card import code, plain

HOSTILE = ["a`b", "``", "`", "a\n# big", "<script>", "[x](javascript:y)", "a|b", "\\[x]", "&lt;", "\u202e\x1b[2J"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_a_code_span_does_not_end_it(name: str) -> None:
    span = code(name)
    fence = re.match("`+", span)
    assert fence
    assert span.endswith(fence[0])
    inside = span[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall("`+", inside)
    assert not re.search("[\n\x1b\u202e]", span)


@pytest.mark.parametrize("name", HOSTILE)
def test_plain_words_begin_no_markup(name: str) -> None:
    assert not re.search(r"(?<!\\)(\\\\)*[`*\[\]<>|&]", plain(name))
    assert not re.search("[\n\x1b\u202e]", plain(name))


def test_ordinary_names_are_as_they_are() -> None:
    assert plain("sentence_1, label (2)") == "sentence_1, label (2)"
    assert code("runs/first") == "`runs/first`"

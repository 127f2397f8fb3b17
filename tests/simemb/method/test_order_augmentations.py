"""The order of tokens: what is reversed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simemb.method.order_augmentations import Reverse
from simemb.method.token_augmentations import Sentence, Vocabulary

CLS, SEP, MASK = 0, 1, 2
IDS = np.arange(200)
VOCABULARY = Vocabulary(IDS < 4, IDS >= 0, MASK, limit=120, characters=IDS)
ordinary = st.lists(st.integers(4, 199), max_size=40)


def sentence(ids: list[int]) -> Sentence:
    return Sentence(np.array(ids), np.arange(len(ids)))


@given(ordinary)
def test_ordinary_tokens_are_reversed_between_the_special_ones(ids: list[int]):
    given_sentence = sentence([CLS, *ids, SEP])
    found = Reverse()(given_sentence, VOCABULARY, np.random.default_rng(1))
    assert found.ids.tolist() == [CLS, *reversed(ids), SEP]
    assert found.positions.tolist() == list(range(len(ids) + 2))
    assert given_sentence.ids.tolist() == [CLS, *ids, SEP]  # what it is given is the cache

"""What int8 measures the ranges of activations on where a user gives no sentences.

Half are sentences of several kinds, half random tokens of the vocabulary, always the same: the first show what is
usual, the second, whatever the language, how far the channels of a model reach.
"""

from collections.abc import Callable, Sequence

import numpy as np

LONGEST = 64
"""Tokens of the longest random sequence."""

SENTENCES = (
    "A man is playing a guitar on a small stage in front of a quiet crowd.",
    "The government said on Tuesday that it would raise taxes on fuel, tobacco and alcohol next year.",
    "How do I remove a red wine stain from a white cotton shirt?",
    "She was born in 1894 in Lyon, the second of five children of a railway engineer.",
    "Shares of the company fell 3.5 percent to $27.10 in early trading on the New York Stock Exchange.",
    "Two dogs are running through the snow.",
    "No, I have never been there, but my sister has.",
    "The protein binds to the receptor and inhibits the growth of tumor cells in mice (p < 0.01).",
    "In the 2008 season he scored 14 goals in 31 matches for the club before moving to Turkey.",
    "What is the difference between a crocodile and an alligator?",
    "The old bridge across the river was destroyed by a flood and never rebuilt.",
    "I really liked this film, although the ending was a bit too long.",
    "The species is found in the forests of northern Borneo at altitudes between 800 and 1,500 metres.",
    "Police said at least twelve people were killed when a bomb exploded near a market in Baghdad.",
    "You can use a loop to read every line of the file and print the words that match.",
    "A woman in a blue dress is cutting an onion with a sharp knife.",
    "The album received mixed reviews from critics; however, it sold over two million copies worldwide.",
    "Water boils at a lower temperature on a mountain because the pressure of the air is lower.",
    "The United Nations Security Council will vote on the resolution later this week.",
    "It is not clear whether the new law applies to people who work from home.",
    "Children are swimming and splashing in a large outdoor pool.",
    "The village had a population of 412 at the census of 2011.",
    "Please send me an e-mail if the package has not arrived by Friday!",
    "The court rejected the appeal and ordered both parties to pay their own costs.",
    "He opened the window, looked at the street below and said nothing.",
    "Patients who received the drug had fewer headaches than those who were given a placebo.",
    "The train to Kyoto leaves from platform 7 at half past nine every morning.",
    "Mix the flour with the butter, add two eggs and a pinch of salt, and bake for forty minutes.",
    "The theorem states that every bounded sequence of real numbers has a convergent subsequence.",
    "Her third novel, which is set in Dublin during the war, won the prize in 1987.",
    "Nobody knew why the lights had gone out.",
    "The phone has a larger screen, a faster processor and a battery that lasts two days.",
)


def sequences(
    tokenize: Callable[[Sequence[str]], list[list[int]]], vocabulary_size: int, max_length: int
) -> list[list[int]]:
    """Token ids of `SENTENCES`, and as many random sequences, framed as the tokenizer frames an empty text.

    max_length: tokens of the longest sequence, special tokens included.
    """
    rng = np.random.default_rng(0)
    frame = tokenize([""])[0]
    opening, closing = (frame[:1], frame[1:]) if len(frame) > 1 else ([], [])
    longest = max(1, min(LONGEST, max_length) - len(opening) - len(closing))
    lengths = rng.integers(1, longest, len(SENTENCES), endpoint=True)
    random = [[*opening, *rng.integers(vocabulary_size, size=length).tolist(), *closing] for length in lengths]
    return [*tokenize(SENTENCES), *random]

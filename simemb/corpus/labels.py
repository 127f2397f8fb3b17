"""Pairs with a label: which of them are positives, which are hard negatives, and which are left out.

The labels of natural language inference are words, or numbers as on the Hugging Face hub: 0 entailment, 1 neutral,
2 contradiction, -1 none, under a premise and a hypothesis. `is_duplicate` (Quora) is 1 or 0. Names that the data give
to numbers (a `ClassLabel` of `datasets`) go before all of it.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from simemb.corpus import column_values as cells
from simemb.corpus.columns import is_recognized, typed_columns
from simemb.corpus.in_memory import ListTable, list_digest
from simemb.corpus.rows import Rows
from simemb.corpus.several import cycled
from simemb.errors import DataError, UnclearError

log = logging.getLogger("simemb")

Use = Literal["positive", "negative", "neutral", "none"]

INFERENCE: Mapping[str, Use] = {
    "entailment": "positive",
    "neutral": "neutral",
    "not_entailment": "neutral",
    "contradiction": "negative",
    "-": "none",
}
"""The words of natural language inference; "-" is a pair whose annotators did not agree."""
NUMBERED: Mapping[str, Use] = {"0": "positive", "1": "neutral", "2": "negative", "-1": "none"}
DUPLICATES: Mapping[str, Use] = {"1": "positive", "0": "neutral", "true": "positive", "false": "neutral"}
CLASSES: Mapping[str, Use] = {
    **INFERENCE,
    **{"duplicate": "positive", "equivalent": "positive", "paraphrase": "positive"},
    **{"not_duplicate": "neutral", "not_equivalent": "neutral", "not_paraphrase": "neutral"},
}
"""The names of classes, beside the words of inference."""
FLAGS = {"0", "1", "2", "-1", "true", "false", "yes", "no"}
"""Values that sort rows into two or three kinds, whatever their column is called."""
LABEL_NAMES = ("label", "labels", "relation", "class", "target", "similar", "category", "标签", "标注", "类别")
"""Names of labels; without white space around, and in any case."""
CLASSES_AT_MOST, LONGEST = 3, 20
"""How many values a column of labels has, and how many characters the longest of them."""
LOOKED_AT = 10_000
"""Rows whose values show whether a column that is not used holds labels."""
SHOWN = 6
"""Labels that a message names."""


def counts(rows: Rows) -> Counter[str]:
    """How often each label occurs, in lower case: one pass over the data."""
    return Counter(label.lower() for _, label in rows.labeled())


def uses(rows: Rows, labels: Mapping[str, int]) -> Mapping[str, Use] | None:
    """What each label says of its pair, or None if that is not certain."""
    column, found = (rows.score or "").lower(), set(labels)
    if column == "is_duplicate" and not rows.label_names:
        return DUPLICATES if found <= set(DUPLICATES) else None
    if found <= set(CLASSES) and found != {"-"}:
        return CLASSES
    # 0 and 1 alone may as well be those of sets where 1 is an entailment.
    return NUMBERED if "2" in found and _may_be_numbered(rows, found) else None


def _may_be_numbered(rows: Rows, found: set[str]) -> bool:
    named = (rows.score or "").strip().lower() in (*LABEL_NAMES, "gold_label") and is_inference(rows)
    return named and not rows.label_names and found <= set(NUMBERED)


def check_scores(rows: Rows, learner: str, advice: str = "", *, surely: bool = False) -> None:
    """Refuse labels where a larger number must mean more alike; `learner` is what takes them so.

    Numbers that may be labels of inference are scores if the user named the columns; not those that are `surely`
    labels, if that is asked for.

    Raises:
        DataError: the column holds labels.
    """
    if rows.score is None or not (is_inference(rows) or rows.label_names or cells.holds_inference(_head(rows))):
        return
    found = counts(rows)
    certain = surely and uses(rows, found) is NUMBERED
    numbered = certain or (not rows.named and _may_be_numbered(rows, set(found)))
    inverted = rows.label_names and CLASSES.get(rows.label_names[0].lower()) == "positive"
    if numbered or inverted or set(INFERENCE) & set(found):
        typed = typed_columns((*rows.columns[:2], rows.score))
        way_out = f"; {typed} takes the numbers as scores" if numbered and not certain else ""
        error = UnclearError if way_out else DataError
        raise error(
            f"{rows.name}: column {rows.score} holds labels of inference ({shown(found)}), and {learner} from "
            f"scores{advice}{way_out}"
        )


def _head(rows: Rows) -> list[object]:
    return cells.samples(rows, [str(rows.score)])[str(rows.score)]


def check_unused(rows: Rows, learner: str) -> None:
    """Refuse pairs beside a column that is not used and may well say which of them are positives.

    Raises:
        DataError: there is such a column, and the user named no columns.
    """
    for part in rows.joined or (rows,):
        if part.named or len(part.columns) != 2 or part.listed:
            continue
        unknown = [column for column in part.ignored if not is_recognized(column)]
        for column, values in cells.samples(part, unknown, LOOKED_AT).items():
            if _sorts(column, values):
                raise DataError(
                    f"{part.name}: {learner} takes every pair as a positive, and column {column!r} "
                    f"({shown(set(cells.words(values)))}), which is not used, may say which are; "
                    f"{typed_columns(part.columns)} takes all of them, and labels are read in a column label"
                )


def _sorts(column: str, values: Sequence[object]) -> bool:
    """Whether the values of a column look like labels of its rows."""
    found = set(words := cells.words(values))
    few = 1 < len(found) <= CLASSES_AT_MOST and len(words) > len(found) and max(map(len, found)) <= LONGEST
    named = column.strip().lower() in LABEL_NAMES
    return cells.holds_inference(values) or (few and (named or {_whole(word) for word in found} <= FLAGS))


def _whole(word: str) -> str:
    return word.removesuffix(".0")


def is_inference(rows: Rows) -> bool:
    """Whether the texts have the names of natural language inference."""
    return [column.lower() for column in rows.columns[:2]] == ["premise", "hypothesis"]


def shown(labels: Iterable[str]) -> str:
    """The labels for a message, the first few."""
    names = sorted(labels)
    return ", ".join(names[:SHOWN]) + " ..." * (len(names) > SHOWN)


def is_asked_for(rows: Rows, columns: Sequence[str] | None) -> bool:
    """Whether the score or label is used: columns that the user named without it leave it out."""
    if rows.score is None:
        return False
    return columns is None or rows.score.lower() in (column.lower() for column in columns)


def positives(rows: Rows, learner: str, *, negatives: bool = False) -> Rows:
    """The positives by their labels, see `contrasted`; `learner` is what takes pairs as positives.

    Raises:
        DataError: the labels do not say which pairs are positives.
    """
    found = counts(rows)
    if len(rows.columns) < 2:
        raise DataError(
            f"{rows.name}: {learner} learns from pairs, and these are single texts ({', '.join(rows.columns)}) with a "
            f"label ({rows.score}: {shown(found)}); the recipes supcon and triplet learn from class labels"
        )
    meaning = uses(rows, found)
    if meaning is None:
        raise DataError(
            f"{rows.name}: {learner} takes every pair as a positive, and column {rows.score} ({shown(found)}) does not "
            f"say which are; {typed_columns(rows.columns)} takes all of them, the recipes cosent and cosine learn "
            "from scores, and labels are entailment, neutral and contradiction, in words or, under premise and "
            "hypothesis, as 0, 1 and 2"
        )
    return contrasted(rows, meaning, negatives=negatives)


def contrasted(rows: Rows, meaning: Mapping[str, Use], *, negatives: bool) -> Rows:
    """Positives, each with a hard negative of the same anchor if `negatives` are asked for and the labels name some.

    Each positive and each negative of an anchor is used, and the shorter of the two begins again; what has no
    counterpart is left out. A notice counts all of it. The pairs are held in memory, since those of one anchor need not
    be neighbors.

    Raises:
        DataError: a pair has no label, or none is a positive.
    """
    pairs: dict[str, tuple[list[str], list[str]]] = {}
    found = Counter[str]()
    for (anchor, other, *_), label in rows.labeled():
        use = meaning[label.lower()]
        found[use] += 1
        if use in ("positive", "negative"):
            pairs.setdefault(anchor, ([], []))[use == "negative"].append(other)
    triplets = negatives and found["negative"] > 0
    values: list[tuple[str, ...]] = []
    left = found["neutral"] + found["none"]
    for anchor, (positives, contradictions) in pairs.items():
        if not positives or (triplets and not contradictions):
            left += len(positives) + len(contradictions)
        elif triplets:
            values += cycled([anchor], positives, contradictions)
        else:
            left += len(contradictions)
            values += [(anchor, positive) for positive in positives]
    if not values:
        raise DataError(f"{rows.name}: no pair is left to learn from (column {rows.score}: {_said(found)})")
    _say(rows, found, left, len(values), triplets=triplets)
    return _in_memory(rows, values, (*rows.columns[:2], *(["negative"] if triplets else [])))


def numbered(rows: Rows, classes: int) -> Rows:
    """Pairs with whole numbers as labels, from 0 to `classes` - 1, as a classifier learns them.

    Words of natural language inference become 0 entailment, 1 neutral, 2 contradiction; pairs without a label are left
    out and counted.

    Raises:
        DataError: a label is none of these.
    """
    labels = counts(rows)
    numbers = {str(number): number for number in range(classes)}
    if set(labels) <= set(numbers) or (rows.label_names and not set(labels) & set(INFERENCE) - {"-"}):
        return rows
    numbers |= {word: number for number, word in enumerate(("entailment", "neutral", "contradiction")[:classes])}
    without = {"-", "-1"}
    if wrong := set(labels) - set(numbers) - without:
        allowed = f"0 to {classes - 1}, or entailment, neutral and contradiction"
        raise DataError(
            f"{rows.name}: column {rows.score} holds {shown(dict.fromkeys(wrong, 1))}: allowed are {allowed}"
        )
    kept = [(*texts, numbers[label.lower()]) for texts, label in rows.labeled() if label.lower() in numbers]
    if dropped := labels.total() - len(kept):
        log.warning("%s: %d pairs without a label (column %s) are left out", rows.name, dropped, rows.score)
    return _in_memory(rows, kept, (*rows.columns, str(rows.score)))


def reopened(rows: Rows, columns: Sequence[str]) -> Rows:
    """The rows that `contrasted` made of the same data for a run, by the names of its text columns."""
    meaning = uses(rows, counts(rows))
    if meaning is None:
        raise DataError(f"{rows.name}: its labels are no longer what they were")
    return contrasted(rows, meaning, negatives=len(columns) > 2)


def _in_memory(rows: Rows, values: Sequence[Sequence[str | int]], columns: tuple[str, ...]) -> Rows:
    """Rows that were made of others, under the same name."""
    made = Rows(ListTable(values, columns), rows.name, lambda: list_digest([rows.digest(), *values]), columns=columns)
    made.parts, made.warning, made.ignored = rows.parts, rows.warning, rows.ignored
    return made


def _say(rows: Rows, found: Mapping[str, int], left: int, made: int, *, triplets: bool) -> None:
    kind = f"triplets of {', '.join(rows.columns[:2])} and a contradiction of the same {rows.columns[0]}"
    log.warning(
        "%s: column %s: %s; they make %d %s, and %d pairs are left out",
        *(rows.name, rows.score, _said(found), made, kind if triplets else "pairs of positives", left),
    )


def _said(found: Mapping[str, int]) -> str:
    words = {"positive": "positives", "negative": "contradictions", "neutral": "neither", "none": "without a label"}
    return ", ".join(f"{found[use]} {word}" for use, word in words.items() if found.get(use))

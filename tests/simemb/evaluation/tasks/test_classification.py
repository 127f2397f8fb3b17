"""Transfer tasks on small data of their own: scores, outcomes, and one line for everything that can be wrong."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from simemb import Suite, evaluate
from simemb.corpus.sources import Source
from simemb.errors import AbsentError, DataError
from simemb.evaluation import probing
from simemb.evaluation.scores import Scores
from simemb.evaluation.tasks.classification import ClassificationScores, CrossValidated, LabeledTexts, Split, _f1
from simemb.evaluation.text_vectors import TextVectors

WORDS = {"0": ("bad", "sad", "dull"), "1": ("good", "happy", "fine"), "2": ("who", "what", "where")}


class Letters:
    """A sentence is how often each letter occurs in it."""

    name = "letters"

    def fingerprint(self) -> str:
        return "letters"

    def encode(self, texts: list[str], *, batch_size: int | None = None, progress: bool | None = None) -> np.ndarray:
        del batch_size, progress
        return np.array([[text.count(chr(97 + i)) for i in range(26)] for text in texts], dtype=np.float32)


class Noise(Letters):
    """A sentence is a few random numbers."""

    def encode(self, texts: list[str], *, batch_size: int | None = None, progress: bool | None = None) -> np.ndarray:
        del batch_size, progress
        return np.random.default_rng(0).normal(size=(len(texts), 4)).astype(np.float32)


def singles(count: int, labels: str = "01") -> list[tuple[str, ...]]:
    """Rows of each class, `count` of them, with a word of that class."""
    return [
        (label, f"it is {WORDS[label][row % 3]} {'x' * (row // 3)}".strip()) for row in range(count) for label in labels
    ]


def pairs(count: int) -> list[tuple[str, ...]]:
    """Pairs of one word (1) or of two (0)."""
    same = [("1", f"a {word}", f"the {word}") for word in WORDS["0"] + WORDS["1"]]
    other = [("0", f"a {word}", f"the {WORDS['2'][row % 3]}") for row, word in enumerate(WORDS["0"] + WORDS["1"])]
    return (same + other) * (count // 6)


def write(path: Path, rows: list[tuple[str, ...]]) -> Path:
    header = ("label", "sentence") if len(rows[0]) == 2 else ("label", "sentence1", "sentence2")
    path.write_text("".join("\t".join(row) + "\n" for row in [header, *rows]), encoding="utf-8")
    return path


def score(task: CrossValidated | Split, encoder: Letters | None = None) -> tuple[Scores, ClassificationScores]:
    scores = evaluate(encoder or Letters(), Suite("mine", "one task", (task,), geometry=None, headline="accuracy"))
    result = scores.tasks[task.name]
    assert isinstance(result, ClassificationScores)
    return scores, result


def test_classes_with_words_of_their_own_are_told_apart(tmp_path: Path):
    path = write(tmp_path / "a.tsv", singles(12))
    scores, result = score(CrossValidated("mine", path, folds=3))
    assert result == ClassificationScores(100.0, None, 50.0, 24, 2, (1e-5,) * 3)
    assert scores.points == 100.0
    assert list(scores.data) == [str(path)]


def test_outcomes_say_of_each_text_in_order_whether_it_was_predicted_right(tmp_path: Path):
    rows = singles(20)
    rows[5] = ("0", rows[5][1])  # nobody can know
    path = write(tmp_path / "a.tsv", rows)
    scores, result = score(CrossValidated("mine", path, folds=4))
    outcomes = scores.outcomes["mine"]
    assert outcomes.texts == [(text,) for _, text in rows]
    assert outcomes.gold is None
    assert outcomes.values[5] == 0
    assert set(outcomes.values) == {0, 1}
    assert 90 <= outcomes.statistic() == pytest.approx(result.accuracy)
    assert set(outcomes.subsets) == {"all"}


def test_random_vectors_are_no_better_than_the_most_frequent_class(tmp_path: Path):
    rows = [(str(int(row % 3 == 0)), f"text {row}") for row in range(900)]
    _, result = score(CrossValidated("mine", write(tmp_path / "a.tsv", rows)), Noise())
    assert result.majority == pytest.approx(200 / 3)
    assert result.accuracy == pytest.approx(result.majority, abs=3)


@pytest.mark.parametrize("dev", [False, True])
def test_a_split_task_is_scored_on_its_test_part(tmp_path: Path, dev: bool):
    train, test = write(tmp_path / "train.tsv", singles(9, "0112")), write(tmp_path / "test.tsv", singles(4, "012"))
    tried = write(tmp_path / "dev.tsv", singles(2, "01")) if dev else None
    scores, result = score(Split("mine", train, test, tried, folds=3))
    assert (result.accuracy, result.examples, result.classes, len(result.strengths)) == (100.0, 12, 3, 1)
    # The most frequent class is that of the training part.
    assert result.majority == pytest.approx(100 / 3)
    assert scores.outcomes["mine"].texts == [(text,) for _, text in singles(4, "012")]
    assert set(scores.outcomes["mine"].subsets) == {"test"}
    assert set(scores.data) == {str(path) for path in (train, test, tried) if path}


def test_pairs_have_f1_and_it_is_averaged_only_where_all_tasks_have_it(tmp_path: Path):
    train, test = write(tmp_path / "train.tsv", pairs(12)), write(tmp_path / "test.tsv", pairs(6))
    both = Split("pairs", train, test, folds=3), CrossValidated("mine", write(tmp_path / "a.tsv", singles(12)), folds=3)
    scores, result = score(both[0])
    assert scores.tasks["pairs"].numbers() == {"accuracy": result.accuracy, "f1": result.f1}
    assert (scores.number("f1"), scores.outcomes["pairs"].texts[0]) == (result.f1, ("a bad", "the bad"))
    together = evaluate(Letters(), Suite("mine", "two tasks", both, geometry=None, headline="accuracy"))
    assert together.average == {"accuracy": pytest.approx((result.accuracy + 100) / 2)}


def test_a_pair_is_its_absolute_difference_and_its_product(tmp_path: Path):
    data = LabeledTexts.read(write(tmp_path / "a.tsv", [("0", "ab", "b"), ("1", "a", "aac")]))
    vectors = TextVectors(Letters(), ["ab", "b", "a", "aac"])
    features = data.features(vectors)
    assert features.dtype == np.float32
    assert features[:, [0, 1, 2, 26, 27, 28]].tolist() == [[1, 0, 0, 0, 1, 0], [1, 0, 1, 2, 0, 0]]


@pytest.mark.parametrize("seed", range(5))
def test_f1_is_that_of_scikit_learn(seed: int):
    gold, predicted = np.random.default_rng(seed).integers(0, 2, size=(2, 30))
    assert _f1(predicted, gold) == pytest.approx(100 * f1_score(gold, predicted))
    assert _f1(0 * gold, 0 * gold) == 0


def test_the_record_is_plain_json_and_the_same_again(tmp_path: Path):
    task = CrossValidated("mine", write(tmp_path / "a.tsv", singles(12)), folds=3)
    record = score(task)[0].to_json()["tasks"]["mine"]
    assert record == score(task)[0].to_json()["tasks"]["mine"]
    assert record == {
        "accuracy": 100.0,
        "f1": None,
        "majority": 50.0,
        "examples": 24,
        "classes": 2,
        "strengths": [1e-05] * 3,
    }


def test_a_class_needs_enough_examples_for_the_folds(tmp_path: Path):
    path = write(tmp_path / "a.tsv", [*singles(30, "0"), *singles(11, "1")])
    message = r"a.tsv: class '1' has 11 examples, cross-validation by 10 folds within 10 folds needs 12$"
    with pytest.raises(DataError, match=message):
        CrossValidated("mine", path).load()
    CrossValidated("mine", write(path, [*singles(30, "0"), *singles(12, "1")])).load()


def test_a_class_of_the_training_part_needs_an_example_for_each_fold_unless_there_is_a_dev_part(tmp_path: Path):
    train = write(tmp_path / "train.tsv", [*singles(30, "0"), *singles(9, "1")])
    test = write(tmp_path / "test.tsv", singles(2))
    message = r"train.tsv: class '1' has 9 examples, the choice of a penalty by 10 folds needs 10$"
    with pytest.raises(DataError, match=message):
        Split("mine", train, test).load()
    Split("mine", train, test, test).load()


def test_one_class_is_not_enough(tmp_path: Path):
    path = write(tmp_path / "a.tsv", singles(30, "1"))
    with pytest.raises(DataError, match=r"a.tsv: all 30 labels are '1', two classes are needed$"):
        CrossValidated("mine", path).load()


@pytest.mark.parametrize("part", ["test", "dev"])
def test_a_class_that_is_not_in_the_training_part_is_refused(tmp_path: Path, part: str):
    train, fine = write(tmp_path / "train.tsv", singles(12)), write(tmp_path / "fine.tsv", singles(2))
    strange = write(tmp_path / "strange.tsv", singles(2, "02"))
    task = Split("mine", train, **{"test": fine, part: strange})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"strange.tsv: class '2' is not in .*train.tsv, which has 0, 1$"):
        task.load()


def test_pairs_do_not_go_with_single_texts(tmp_path: Path):
    train, test = write(tmp_path / "train.tsv", singles(12)), write(tmp_path / "test.tsv", pairs(6))
    with pytest.raises(DataError, match=r"test.tsv has pairs, but .*train.tsv, which it goes with, has single texts$"):
        Split("mine", train, test).load()


def test_three_texts_and_a_missing_label_are_refused(tmp_path: Path):
    path = tmp_path / "a.tsv"
    path.write_text("label\tanchor\tpositive\tnegative\n1\ta\tb\tc\n")
    with pytest.raises(DataError, match=r"a.tsv has 3 text columns \(anchor, positive, negative\): 1 or 2 do$"):
        CrossValidated("mine", path).load()
    with pytest.raises(DataError, match="line 3, column 'label': nothing where a label is needed"):
        CrossValidated("mine", write(path, [("1", "a"), ("", "b")])).load()


def test_data_that_are_not_there_are_absent(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path))
    source = Source(
        name="no", description="", columns=("sentence",), score="label", path="no.tsv", license="", citation=""
    )
    with pytest.raises(AbsentError, match="corpus 'no' was not found"):
        CrossValidated("mine", source).load()


def test_the_protocol_is_that_of_the_paper_by_default():
    task = CrossValidated("mine", "mr")
    assert (task.folds, task.seed, probing.STRENGTHS) == (10, 1111, (1e-5, 1e-4, 1e-3, 1e-2))


def test_an_encoder_may_have_seen_what_the_classifier_learns_from_but_not_what_it_is_asked(tmp_path: Path):
    train, test = write(tmp_path / "train.tsv", singles(12)), write(tmp_path / "test.tsv", singles(4)[:3])
    scores, _ = score(Split("mine", train, test, dev=train))
    assert scores.texts == {"mine": [text for _, text in singles(4)[:3]]}
    whole, _ = score(CrossValidated("mine", train, folds=3))
    assert set(whole.texts["mine"]) == {text for _, text in singles(12)}

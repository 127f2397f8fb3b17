"""Hard negatives: every rule on vectors worked out by hand, against a slow reference, and through the command line."""

import json
import math
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossing import make_cross_encoder

from simemb import Encoder, Index
from simemb.cli import main
from simemb.corpus.listed import apart, spans
from simemb.corpus.rows import open_rows
from simemb.encoder.reranker import load_reranker
from simemb.encoder.streaming import TextEncoder
from simemb.errors import ArgumentError, DataError, SearchError
from simemb.search import mining
from simemb.search.mining import MiningSummary, mine
from simemb.search.mining_rules import Rules
from simemb.search.reranking import BLOCK


class Known:
    """An encoder whose vectors are given."""

    def __init__(self, vectors: dict[str, Any], name: str = "known") -> None:
        self.vectors = {text: np.asarray(vector, np.float32) for text, vector in vectors.items()}
        self.name = name
        self.dim = len(next(iter(self.vectors.values())))

    def fingerprint(self) -> str:
        return self.name

    def encode(
        self,
        texts: str | Iterable[str],
        *,
        normalize: bool = False,  # noqa: ARG002
        truncate_dim: int | None = None,  # noqa: ARG002
        batch_size: int | None = None,  # noqa: ARG002
        progress: bool | None = None,  # noqa: ARG002
    ) -> Any:
        return np.stack([self.vectors[text] for text in texts])


def at(degrees: float) -> tuple[float, float]:
    """A vector with this angle to the anchors at 0; its length plays no role."""
    return 3 * math.cos(math.radians(degrees)), 3 * math.sin(math.radians(degrees))


# cosines with the anchor:  1, .985, .940, .766, .707, .5, 0
ANGLES = {"A": 0, " a": 0, "Q": 10, "near": 20, "P": 40, "n45": 45, "n60": 60, "n90": 90}
ENCODER = Known({text: at(angle) for text, angle in ANGLES.items()})
PAIRS = [("A", "P"), ("A", "Q")]
CORPUS = ["n90", "near", " a", "P", "n60", "Q", "n45"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def triplets(path: str = "out.tsv") -> list[tuple[str, ...]]:
    return list(open_rows(path).texts())


def mined_for_p(**rules: Any) -> list[str]:
    """The negatives of the row (A, P)."""
    mine(ENCODER, PAIRS, "out.tsv", overwrite=True, corpus=CORPUS, rules=Rules(**rules))
    return [negative for _, positive, negative in triplets() if positive == "P"]


# ---- several negatives of a pair ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.tsv", "out.jsonl"])
def test_in_columns_each_pair_is_written_once(name: str) -> None:
    pairs = [("A", "P"), ("A", "n45")]
    result = mine(
        ENCODER, pairs, name, corpus=CORPUS, rules=Rules(negatives=3, margin=-2, max_similarity=0.9), shape="columns"
    )
    assert (result.successes, result.triplets) == (2, 4)
    rows = apart(open_rows(name), "negative")
    assert list(rows.texts()) == pairs
    assert spans(rows, "negative").tolist() == [[0, 2], [2, 2]]
    assert [text for (text,) in rows.listed["negative"].texts()] == ["n60", "n90"] * 2
    mine(ENCODER, pairs, "rows.jsonl", corpus=CORPUS, rules=Rules(negatives=3, margin=-2, max_similarity=0.9))
    assert list(open_rows(name).texts()) == triplets("rows.jsonl")


def test_a_single_negative_has_a_single_column() -> None:
    mine(ENCODER, PAIRS, "a.tsv", corpus=CORPUS)
    mine(ENCODER, PAIRS, "b.tsv", corpus=CORPUS, shape="columns")
    assert Path("a.tsv").read_text() == Path("b.tsv").read_text()


def test_a_shape_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match="unknown shape 'column': did you mean 'columns'"):
        mine(ENCODER, PAIRS, "a.tsv", shape="column")  # type: ignore[arg-type]


# ---- the rules, by hand ------------------------------------------------------------------------------------


def test_the_encoder_of_these_tests_is_one_that_an_index_takes() -> None:
    assert isinstance(ENCODER, TextEncoder)


def test_an_index_of_the_first_dimensions_is_compared_in_these_alone() -> None:
    wide = Known({text: (*at(angle), 5 * number) for number, (text, angle) in enumerate(ANGLES.items())}, "wide")
    mine(ENCODER, PAIRS, "out.tsv", corpus=CORPUS)
    mine(wide, PAIRS, "cut.tsv", corpus=Index.build(wide, CORPUS, truncate_dim=2))
    assert triplets("cut.tsv") == triplets("out.tsv")


def test_a_negative_is_neither_the_anchor_nor_any_of_its_positives_nor_nearer_than_the_positive() -> None:
    result = mine(ENCODER, PAIRS, "out.tsv", corpus=CORPUS)
    # " a" is the anchor but for case and space; Q is right for A by the other row; near is nearer than P, not than Q
    assert triplets() == [("A", "P", "n45"), ("A", "Q", "near")]
    assert open_rows("out.tsv").columns == ("anchor", "positive", "negative")
    cosines = [math.cos(math.radians(angle)) for angle in (40, 10, 45, 20)]
    assert result == MiningSummary(2, 2, 2, pytest.approx(sum(cosines[:2]) / 2), pytest.approx(sum(cosines[2:]) / 2))


@pytest.mark.parametrize(
    ("rules", "negatives"),
    [
        ({"margin": 0.05}, ["n45"]),  # at most .716
        ({"margin": 0.1}, ["n60"]),  # at most .666
        ({"margin": -2.0}, ["near"]),
        ({"relative_margin": 0.05}, ["n45"]),  # at most .728
        ({"relative_margin": 0.1}, ["n60"]),  # at most .689
        ({"max_similarity": 0.4}, ["n90"]),
        ({"margin": 0.1, "max_similarity": 0.4}, ["n90"]),  # the strictest counts
        ({"margin": 0.5, "relative_margin": 0.05}, ["n90"]),
        ({"skip": 1}, ["n45"]),  # near is passed over, which was not allowed anyway
        ({"skip": 2}, ["n60"]),
        ({"negatives": 2}, ["n45", "n60"]),
        ({"negatives": 9}, ["n45", "n60", "n90"]),
        ({"depth": 4}, []),  # " a", Q, near and P
        ({"depth": 5}, ["n45"]),
    ],
)
def test_every_rule_does_what_it_says(rules: dict[str, Any], negatives: list[str]) -> None:
    assert mined_for_p(**rules) == negatives


def test_a_relative_margin_keeps_its_distance_from_a_positive_of_negative_similarity_too() -> None:
    encoder = Known({"A": at(0), "P": at(120), "n121": at(121), "n130": at(130)})
    mine(encoder, [("A", "P")], "out.tsv", corpus=["n121", "n130"], rules=Rules(relative_margin=0.1))
    assert triplets() == [("A", "P", "n130")]  # at most -.55


def test_a_row_without_a_negative_is_left_out_and_counted() -> None:
    result = mine(ENCODER, PAIRS, "out.tsv", corpus=CORPUS, rules=Rules(depth=4))
    assert (result.rows, result.successes, result.triplets) == (2, 1, 1)
    assert triplets() == [("A", "Q", "near")]


def test_without_a_corpus_negatives_are_positives_of_other_anchors() -> None:
    encoder = Known({"A": at(0), "B": at(90), "P": at(10), "R": at(80), "S": at(75)})
    mine(encoder, [("A", "P"), ("B", "R"), ("B", "S")], "out.tsv")
    assert triplets() == [("A", "P", "S"), ("B", "R", "P"), ("B", "S", "P")]


def test_a_text_that_stands_in_the_corpus_often_is_a_candidate_once() -> None:
    corpus = [*["n45"] * 300, "N45 ", "n60"]
    encoder = Known({**ENCODER.vectors, "N45 ": at(45)})
    mine(encoder, [("A", "P")], "out.tsv", corpus=corpus, rules=Rules(negatives=3))
    assert [negative for *_, negative in triplets()] == ["n45", "n60"]
    twice = Index.build(encoder, ["n45", "n45", "n60"])
    mine(encoder, [("A", "P")], "out.tsv", overwrite=True, corpus=twice, rules=Rules(negatives=3))
    assert [negative for *_, negative in triplets()] == ["n45", "n60"]


def test_a_random_pick_is_any_that_is_allowed_and_the_same_for_the_same_seed() -> None:
    picks = [mined_for_p(pick="random", negatives=2, seed=seed) for seed in range(30)]
    allowed = ["n45", "n60", "n90"]
    assert all(pick == sorted(pick) and len(set(pick)) == 2 for pick in picks)
    assert {text for pick in picks for text in pick} == set(allowed)
    assert mined_for_p(pick="random", negatives=2, seed=7) == picks[7]


# ---- against a slow reference ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_random_pairs_give_what_comparing_everything_with_everything_gives(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simemb.search.mining.ENCODE_BATCH", 16)
    monkeypatch.setattr("simemb.search.mining.SEARCH_BATCH", 5)
    # The cosines of an anchor differ by 1.6e-6 or more, and by 2e-4 from the limits; float32 rounds them by 2e-7.
    rng = random.Random(seed)
    vectors = {f"t{number}": [rng.gauss(0, 1) for _ in range(6)] for number in range(60)}
    pairs = [(f"t{rng.randrange(25)}", f"t{rng.randrange(20, 60)}") for _ in range(50)]
    rules = Rules(negatives=3, depth=20, skip=1, margin=0.02, relative_margin=0.05, max_similarity=0.9)

    def cosine(first: str, second: str) -> float:
        a, b = vectors[first], vectors[second]
        dot = sum(x * y for x, y in zip(a, b, strict=True))
        return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))

    expected = []
    for anchor, positive in pairs:
        candidates = dict.fromkeys(text for _, text in pairs)
        nearest = sorted(candidates, key=lambda text: -cosine(anchor, text))[: rules.depth]
        strangers = [text for text in nearest if text != anchor and (anchor, text) not in pairs]
        p = cosine(anchor, positive)
        limit = min(p - 0.02, p - 0.05 * abs(p), 0.9)
        allowed = [text for text in strangers[1:] if cosine(anchor, text) <= limit]
        expected += [(anchor, positive, text) for text in allowed[:3]]
    result = mine(Known(vectors), pairs, "out.tsv", rules=rules)
    assert triplets() == expected
    assert result.triplets == len(expected) > 20
    assert result.positive == pytest.approx(sum(cosine(a, p) for a, p, _ in expected) / len(expected), abs=1e-6)
    assert result.negative == pytest.approx(sum(cosine(a, n) for a, _, n in expected) / len(expected), abs=1e-6)


# ---- files -------------------------------------------------------------------------------------------------


def test_tabs_and_line_ends_become_blanks_in_tsv_and_stay_in_jsonl() -> None:
    odd = "one\ttwo\r\nthree\u2028four"
    encoder = Known({"A": at(0), "P": at(10), odd: at(20)})
    for path in ("out.tsv", "out.jsonl"):
        mine(encoder, [("A", "P")], path, corpus=[odd])
    assert triplets("out.tsv") == [("A", "P", "one two  three\u2028four")]
    assert json.loads(Path("out.jsonl").read_text()) == {"anchor": "A", "positive": "P", "negative": odd}
    assert triplets("out.jsonl") == [("A", "P", odd)]


def test_cells_that_a_spreadsheet_would_run_are_kept_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    encoder = Known({"=A1": at(0), "P": at(40), " @n": at(45), "-n": at(60)})
    mine(encoder, [("=A1", "P")], "a.tsv", corpus=[" @n", "-n"], rules=Rules(negatives=2))
    assert Path("a.tsv").read_text().splitlines()[1:] == ["=A1\tP\t @n", "=A1\tP\t-n"]
    (told,) = [line for line in caplog.messages if "spreadsheet" in line]
    assert told.startswith("a.tsv: 4 cells begin with =, +, - or @ (the first in line 2): simemb reads them as texts")
    caplog.clear()
    mine(encoder, [("=A1", "P")], "a.jsonl", corpus=[" @n", "-n"])
    assert "spreadsheet" not in caplog.text


def test_the_same_input_gives_the_same_file_and_leaves_nothing_else() -> None:
    for name in ("first/out.tsv", "second/out.tsv"):
        mine(ENCODER, PAIRS, name, corpus=CORPUS, rules=Rules(pick="random"))
    assert Path("first/out.tsv").read_bytes() == Path("second/out.tsv").read_bytes()
    assert [path.name for path in Path("first").iterdir()] == ["out.tsv"]


def test_an_encoder_that_fails_half_way_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simemb.search.mining.ENCODE_BATCH", 1)
    Path("out.tsv").write_text("old")
    encoder = Known({text: vector for text, vector in ENCODER.vectors.items() if text != "Q"})
    with pytest.raises(KeyError):
        mine(encoder, PAIRS, "out.tsv", overwrite=True, corpus=["n45", "n60"])
    assert [path.name for path in Path().iterdir()] == ["out.tsv"]
    assert Path("out.tsv").read_text() == "old"


# ---- mistakes ----------------------------------------------------------------------------------------------


def test_sentences_alone_are_refused_because_nothing_is_known_to_be_right() -> None:
    with pytest.raises(DataError, match=r"has 1 text column \(sentence\) among sentence \('A'\): mining needs"):
        mine(ENCODER, ["A", "P"], "out.tsv")
    assert not Path("out.tsv").exists()


def test_a_corpus_that_is_none_is_called_so() -> None:
    with pytest.raises(ArgumentError, match="corpus must be a path"):
        mine(ENCODER, PAIRS, "out.tsv", corpus=3)


def test_pairs_beside_a_column_that_may_sort_them_are_refused() -> None:
    Path("pairs.csv").write_text("anchor,positive,similar\nA,P,1\nA,Q,0\nA,P,1\n")
    with pytest.raises(DataError, match=r"mining takes every pair as a positive, and column 'similar' \(0, 1\)"):
        mine(ENCODER, "pairs.csv", "out.tsv")
    assert not Path("out.tsv").exists()
    mine(ENCODER, "pairs.csv", "out.tsv", corpus=CORPUS, columns=["anchor", "positive"])


def test_no_negative_at_all_is_an_error_and_no_empty_file() -> None:
    with pytest.raises(DataError, match="no negative for any of 2 rows"):
        mine(ENCODER, PAIRS, "out.tsv")
    assert list(Path().iterdir()) == []


def test_the_pairs_themselves_are_never_replaced() -> None:
    Path("pairs.tsv").write_text("anchor\tpositive\nA\tP\n")
    with pytest.raises(DataError, match=r"pairs.tsv is the input too"):
        mine(ENCODER, "pairs.tsv", "pairs.tsv")


def test_an_index_of_another_encoder_is_refused() -> None:
    Index.build(ENCODER, CORPUS).save("index")
    with pytest.raises(SearchError, match="the index is of known"):
        mine(Known(ENCODER.vectors, name="other"), PAIRS, "out.tsv", corpus="index")


# ---- a reranker --------------------------------------------------------------------------------------------


class Judge:
    """A reranker whose relevances are given; it counts what it is asked."""

    def __init__(self, relevances: dict[str, float]) -> None:
        self.given, self.asked = relevances, 0

    def relevances(self, pairs: list[tuple[str, str]]) -> Any:
        self.asked += len(pairs)
        return np.array([self.given[text] for _, text in pairs])


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, ["near", "n60"]),  # n45 is nearer than n60, and the reranker finds it as right as the positive
        ({"relative_margin": 0.5}, ["n60"]),
        ({"max_similarity": 0.05}, ["n90"]),
    ],
)
def test_a_reranker_drops_what_it_finds_as_right_as_the_positive(
    rules: dict[str, Any], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge({"P": 0.8, "near": 0.6, "n45": 0.9, "n60": 0.3, "n90": 0.0, "Q": 1.0})
    monkeypatch.setattr(mining, "load_reranker", lambda *_: judge)
    mine(ENCODER, PAIRS[:1], "out.tsv", corpus=CORPUS, rules=Rules(negatives=2, margin=0, **rules), reranker="any")
    found = [negative for *_, negative in triplets()]
    assert found[: len(expected)] == expected
    assert "n45" not in found


def test_a_reranker_is_asked_for_no_more_than_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"t{number}" for number in range(60)]
    encoder = Known({"A": at(0), "P": at(5), **{text: at(10 + number) for number, text in enumerate(texts)}})
    judge = Judge({"P": 0.8, **dict.fromkeys(texts, 0.1)})
    monkeypatch.setattr(mining, "load_reranker", lambda *_: judge)
    mine(encoder, PAIRS[:1], "out.tsv", corpus=texts, rules=Rules(depth=50), reranker="any")
    assert (triplets(), judge.asked) == ([("A", "P", "t0")], 1 + BLOCK)


def test_the_verb_takes_a_cross_encoder(tiny_base: Path, pairs: str, tiny_tokenizer: Any, tmp_path: Path) -> None:
    cross = make_cross_encoder(tmp_path / "cross", tiny_tokenizer)
    words = ["mine", str(tiny_base), pairs, "--pooling", "mean", "--reranker", str(cross), "--depth", "10"]
    assert main([*words, "--output", "out.tsv"]) == 0
    judge = load_reranker(cross)
    for anchor, positive, negative in triplets()[:20]:
        right, wrong = judge.relevances([(anchor, positive), (anchor, negative)])
        assert wrong <= right + 1e-6
    assert main([*words, "--output", "other.tsv", "--reranker", "none"]) == 2
    assert not Path("other.tsv").exists()


# ---- on the command line -----------------------------------------------------------------------------------


@pytest.fixture
def pairs(triplets_file: Path) -> str:
    Path("pairs.tsv").write_text("\n".join(line.rpartition("\t")[0] for line in triplets_file.read_text().splitlines()))
    return "pairs.tsv"


def test_the_verb_writes_triplets_says_how_many_and_what_to_type_next(
    tiny_base: Path, pairs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["mine", str(tiny_base), pairs, "--pooling", "mean", "--relative-margin", "0.01", "--negatives", "2"]
    assert main([*words, "--output", "out.tsv"]) == 0
    said = capsys.readouterr().err
    lines = triplets()
    rows = len({line[:2] for line in lines})
    assert f"out.tsv: {len(lines)} triplets of" in said
    assert "simemb train simcse_sup --data out.tsv" in said
    assert 0 < rows <= 90
    encoder = Encoder.load(tiny_base, pooling="mean")
    for anchor, positive, negative in lines:
        a, p, n = encoder.encode([anchor, positive, negative], normalize=True)
        assert a @ n <= 0.99 * (a @ p) + 1e-5


def test_an_index_made_before_serves_as_the_corpus(tiny_base: Path, pairs: str, sentences_file: Path) -> None:
    assert main(["index", str(tiny_base), str(sentences_file), "--pooling", "mean", "--output", "index"]) == 0
    for corpus, output in (("index", "a.jsonl"), (str(sentences_file), "b.jsonl")):
        words = ["mine", str(tiny_base), pairs, "--pooling", "mean", "--corpus", corpus, "--margin", "-0.1"]
        assert main([*words, "--output", output]) == 0
    assert triplets("a.jsonl") == triplets("b.jsonl")
    assert {row[2] for row in triplets("a.jsonl")} <= set(sentences_file.read_text().splitlines())


def test_mined_triplets_train(tiny_base: Path, pairs: str) -> None:
    assert main(["mine", str(tiny_base), pairs, "--pooling", "mean", "--output", "out.tsv", "--margin", "-0.1"]) == 0
    words = ["train", "simcse_sup", "--model", str(tiny_base), "--data", "out.tsv", "--dev", "none", "--output", "run"]
    assert main([*words, "--batch-size", "16", "--max-steps", "2"]) == 0
    assert Path("run/best/model.safetensors").is_file()


def test_an_empty_text_is_never_a_negative_nor_an_anchor() -> None:
    Path("corpus.txt").write_text("One x\n\nTwo y\n")
    pairs = [("a b", "c d"), ("e f", ""), ("g h", "i j")]
    mine(Encoder.load("mini"), pairs, "out.jsonl", corpus="corpus.txt")
    written = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert written
    assert all(text.strip() for row in written for text in row.values())

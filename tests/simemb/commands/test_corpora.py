"""`simemb dedupe`, `cluster` and `pairs`: files, tables, and what is refused."""

import json
from pathlib import Path

import pytest

from simemb.cli import main
from simemb.commands import cluster, dedupe, index, pairs
from simemb.commands.parsing import UsageError
from simemb.errors import DataError

TEXTS = ["the dog sees a ball", "a red boat", "the dog sees a ball", "a red\tboat .", "the man eats cake"]


@pytest.fixture(autouse=True)
def model(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    lines = [{"id": f"t{number}", "text": text, "lang": "en"} for number, text in enumerate(TEXTS)]
    Path("texts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(tiny_base)


def read(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(name).read_text().splitlines()]


def test_dedupe_writes_what_stays_and_what_goes(model: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    words = ["texts.jsonl", "--model", model, "--threshold", "0.9999", "--keep", "lang"]
    dedupe.run([*words, "--output", "kept.jsonl", "--report", "gone.jsonl"])
    assert [line["id"] for line in read("kept.jsonl")] == ["t0", "t1", "t3", "t4"]
    assert read("kept.jsonl")[0] == {"id": "t0", "text": TEXTS[0], "lang": "en"}
    assert read("gone.jsonl") == [{"cosine": 1.0, "id": "t2", "kept_id": "t0", "text": TEXTS[2], "kept_text": TEXTS[0]}]
    assert "kept.jsonl: 4 texts stay, 1 are near one of them (cosine 0.9999 or more)" in caplog.text
    dedupe.run([*words, "--output", "kept.txt"])
    assert Path("kept.txt").read_text().splitlines() == [TEXTS[0], TEXTS[1], "a red boat .", TEXTS[4]]
    dedupe.run([*words, "--output", "kept.tsv", "--report", "gone.tsv"])
    assert Path("kept.tsv").read_text().splitlines()[:2] == ["id\ttext\tlang", f"t0\t{TEXTS[0]}\ten"]


def test_an_index_gives_what_its_texts_give(model: str) -> None:
    index.run([model, "texts.jsonl", "--output", "my.index", "--keep", "all"])
    for words in (["texts.jsonl", "--model", model, "--keep", "all"], ["my.index"]):
        dedupe.run([*words, "--output", f"{words[0][:2]}.jsonl"])
        pairs.run([*[word for word in words if word not in ("--keep", "all")], "--output", f"{words[0][:2]}.tsv"])
    assert Path("my.jsonl").read_text() == Path("te.jsonl").read_text()
    assert Path("my.tsv").read_text() == Path("te.tsv").read_text()
    assert Path("my.tsv").read_text().splitlines()[1] == f"1.0\tt0\tt2\t{TEXTS[0]}\t{TEXTS[2]}"
    with pytest.raises(UsageError, match="is an index, which has its vectors, ids and columns already: leave --model"):
        dedupe.run(["my.index", "--model", model, "--output", "other.txt"])


def test_tables_show_clusters_and_pairs(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.run(["texts.jsonl", "--model", model, "--threshold", "0.9999", "--min-size", "2", "--output", "c.jsonl"])
    shown = capsys.readouterr().out
    assert "central text" in shown
    assert TEXTS[0] in shown
    assert [(line["cluster"], line["id"]) for line in read("c.jsonl")] == [(1, "t0"), (1, "t2")]
    cluster.run(["texts.jsonl", "--model", model, "-k", "2", "--output", "c.tsv", "--show", "0"])
    assert len(Path("c.tsv").read_text().splitlines()) == 1 + len(TEXTS)
    assert not capsys.readouterr().out
    pairs.run(["texts.jsonl", "--model", model, "--top", "1"])
    assert "1.0000" in capsys.readouterr().out


def test_mistakes_are_told_before_the_work(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("there.tsv").write_text("mine")
    for verb, words, error, line in (
        (dedupe, ["--output", "kept.csv"], DataError, "unknown ending '.csv': did you mean '.tsv'"),
        (dedupe, ["--output", "there.tsv"], DataError, "there.tsv exists"),
        (dedupe, ["--output", "a.tsv", "--report", "a.tsv"], UsageError, "--output and --report are one file"),
        (pairs, ["--output", "there.tsv"], DataError, "there.tsv exists"),
        (cluster, ["--output", "c.txt"], DataError, "unknown ending '.txt'"),
    ):
        with pytest.raises(error, match=line):
            verb.run(["no.txt", *words])
    assert main(["cluster", "texts.jsonl", "--model", model, "--threshold", "2"]) == 2
    assert "threshold must be in [-1, 1], not 2" in capsys.readouterr().err
    assert main(["pairs", "no.txt"]) == 2
    assert "no.txt" in capsys.readouterr().err
    assert sorted(path.name for path in Path().iterdir()) == ["texts.jsonl", "there.tsv"]

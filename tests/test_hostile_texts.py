"""What other people wrote never acts on a terminal: every verb with hostile texts and names, byte by byte."""

import json
import os
import pty
import re
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from simemb.cli import main

CONTROLS = "\x1b]0;owned\x07\x1b[38;5;199mred\x1b[2J\x9b2J\x7f"
DIRECTIONS = "\u202eevil\u2066\u200f\u061c\u2028\u2029"
MARKUP = "[bold]b[/bold][link=http://e]l[/link][/x]:smile:"
HOSTILE = CONTROLS + DIRECTIONS + MARKUP
NAME = HOSTILE.replace("/", "\u2044")
"""The same where a slash would begin a folder."""
ACTING = re.compile(
    "[\x00-\x06\x07\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]"
)
OURS = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")
"""Styles and bars, which rich and tyro write; texts may hold none, not even a color."""
ALIEN = ("\x1b]", "\x1b[38;5;199m", "\x1b[2J")

Terminal = Callable[..., str]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Terminal:
    """Run a command as in a terminal, and give all that the terminal received."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm-256color")

    def run(*words: str, code: int = 0, columns: int = 200) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        master, slave = pty.openpty()
        received: list[bytes] = []

        def read() -> None:
            try:
                while piece := os.read(master, 65536):
                    received.append(piece)
            except OSError:  # the other end has been closed
                return

        reader = threading.Thread(target=read)
        reader.start()
        with os.fdopen(slave, "w", encoding="utf-8") as screen, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", screen)
            patch.setattr(sys, "stderr", screen)
            ended = main([*words])
        reader.join()
        os.close(master)
        shown = b"".join(received).decode()
        assert ended == code, shown
        return shown

    return run


def check(shown: str, *pieces: str) -> None:
    """Nothing in it acts on a terminal but our styles; the pieces of hostile text are there to be read."""
    assert not any(alien in shown for alien in ALIEN)
    plain = OURS.sub("", shown)
    assert not ACTING.findall(plain)
    assert "\x1b" not in plain
    for piece in pieces or (r"\x1b]0;owned\x07", r"\u202eevil\u2066\u200f\u061c"):
        assert piece in plain, plain


@pytest.fixture
def model(tiny_base: Path, tmp_path: Path) -> Path:
    """A model in a folder of a hostile name."""
    shutil.copytree(tiny_base, tmp_path / NAME)
    return Path(NAME)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Texts, ids, titles and columns, all hostile, in a file of such a name."""
    row = {"id": HOSTILE, "text": f"the dog {HOSTILE}", HOSTILE: "other"}
    path = tmp_path / f"{NAME}.jsonl"
    path.write_text("".join(json.dumps({**row, "id": f"{place}{HOSTILE}"}) + "\n" for place in range(20)))
    return path


def test_search_index_encode_and_mine(terminal: Terminal, model: Path, texts: Path) -> None:
    check(terminal("index", str(model), str(texts), "--pooling", "mean", "--output", f"{NAME}.index"))
    check(terminal("search", f"{NAME}.index", HOSTILE, "-k", "2", "--pooling", "mean"), "[link=http://e]")
    check(terminal("search", f"{NAME}.index", HOSTILE, "-k", "99", "--pooling", "mean", columns=60), "[bold]b")
    check(terminal("update", f"{NAME}.index", str(texts), "--pooling", "mean", "--model", str(model)))
    check(terminal("encode", str(model), str(texts), "--output", f"{NAME}.npy", "--pooling", "mean"))
    pairs = Path(f"{NAME}.tsv")
    pairs.write_text(
        f"anchor\tpositive\tx{CONTROLS}\n" + "".join(f"the {n}\ta {n}\tz\n" for n in ("dog", "cat", "man"))
    )
    check(terminal("mine", str(model), str(pairs), "--output", f"{NAME}.out.jsonl", "--pooling", "mean"))


def test_update_where_dedupe_cluster_and_pairs(terminal: Terminal, model: Path, texts: Path) -> None:
    terminal("index", str(model), str(texts), "--pooling", "mean", "--output", "an.index", "--keep", "all")
    check(terminal("update", "an.index", "--delete", HOSTILE, code=2))
    check(terminal("search", "an.index", "a", "--where", f"`{HOSTILE}` = 1 and", code=2))
    check(terminal("search", "an.index", "a", "--where", f"x{HOSTILE} = 1", code=2))
    check(terminal("search", "an.index", "a", "--where", "nothing = 1", code=2))
    for words in (("an.index",), (str(texts), "--model", str(model), "--pooling", "mean")):
        check(terminal("pairs", *words, "--top", "3"), "[link=http://e]")
        check(terminal("cluster", *words, "--min-size", "2"), "[link=http://e]")
        check(terminal("dedupe", *words, "--output", f"{NAME}.txt", "--overwrite", "--report", f"{NAME}.gone.tsv"))
    check(terminal("pairs", "an.index", "--output", f"{NAME}.{HOSTILE[:9]}", code=2), r"\x1b]0;owned")


def test_json_lines_of_a_search_are_json_with_the_same_texts(terminal: Terminal, model: Path, texts: Path) -> None:
    terminal("index", str(model), str(texts), "--pooling", "mean", "--output", "an.index")
    shown = terminal("search", "an.index", HOSTILE, "-k", "1", "--json", "--pooling", "mean", "--model", str(model))
    check(shown, r"\u001b]0;owned\u0007")
    hit = json.loads(next(line for line in shown.splitlines() if line.startswith("{")))
    assert (hit["query"], hit["text"]) == (HOSTILE, f"the dog {HOSTILE}")


def test_train_eval_compare_and_whiten(terminal: Terminal, model: Path, sentences_file: Path, dev_file: Path) -> None:
    data, dev = Path(f"{NAME}.txt"), Path(f"{NAME}.dev.tsv")
    shutil.copy(sentences_file, data)
    shutil.copy(dev_file, dev)
    quick = ["--batch-size", "16", "--max-steps", "4", "--eval-every", "2", "--learning-rate", "1e-3"]
    words = ["train", "simcse", "--model", str(model), "--data", str(data), "--dev", str(dev), *quick]
    check(terminal(*words, "--output", f"{NAME}.run"))
    check(terminal(*words, "--output", f"{NAME}.run", code=2))
    both = [str(model), f"{NAME}.run"]
    check(terminal("eval", *both, "--pooling", "mean", "--suite", str(dev), columns=60))
    check(terminal("compare", *both, "--pooling", "mean", "--suite", str(dev), "--resamples", "99"))
    check(terminal("whiten", f"{NAME}.run", "--data", str(data), "--output", f"{NAME}.white"))


def test_help_shows_what_a_recipe_of_others_holds_as_text(terminal: Terminal) -> None:
    from simemb.method.recipe_files import find

    recipe = {**find("denoise").to_json(), "guide": HOSTILE}
    record = {"recipe": recipe, "run": {"model": HOSTILE, "data": HOSTILE, "seed": 1}}
    Path(f"{NAME}.json").write_text(json.dumps(record))
    check(terminal("train", f"{NAME}.json", "--help"))


@pytest.mark.parametrize(
    "words",
    [
        (HOSTILE,),
        ("train", HOSTILE),
        ("train", f"{NAME}.py"),
        ("train", "simcse", f"--{HOSTILE}", "1"),
        ("train", "simcse", "--batch-size", HOSTILE),
        ("encode", HOSTILE, "sample_search", "--output", "v.npy"),
        ("encode", "mini", HOSTILE, "--output", "v.npy"),
        ("eval", "mini", "--suite", HOSTILE),
        ("list", HOSTILE),
        ("search", HOSTILE, "a"),
    ],
    ids=lambda words: " ".join(words)[:12].encode("ascii", "ignore").decode().replace("\x1b", ""),
)
def test_a_mistake_is_told_as_text(terminal: Terminal, words: tuple[str, ...]) -> None:
    check(terminal(*words, code=2))


def test_files_that_are_damaged_are_told_as_text(terminal: Terminal, texts: Path, model: Path) -> None:
    Path("a.json").write_text(json.dumps({"recipe": {"kind": "Recipe", HOSTILE: 1}}))
    check(terminal("train", "a.json", code=2))
    Path("mine.py").write_text(f"raise ValueError({HOSTILE!r})")
    check(terminal("train", "mine.py", code=2))
    Path("a.tsv").write_text(f"{CONTROLS}\tb{CONTROLS}\nc\td\n" * 3)
    check(terminal("encode", str(model), "a.tsv", "--column", HOSTILE, "--output", "v.npy", code=2))
    terminal("index", str(model), str(texts), "--pooling", "mean", "--output", "an.index")
    manifest = Path("an.index/index.json")
    content = json.loads(manifest.read_text())
    content["encoder"]["name"] = HOSTILE
    content.pop("beside", None)
    manifest.write_text(json.dumps(content))
    check(terminal("search", "an.index", "a", code=2))

"""The options of every verb: what `--help` shows, and the one line for what cannot be understood."""

import re
from dataclasses import fields

import pytest

from simemb.cli import main
from simemb.commands import (
    cluster,
    compare,
    dedupe,
    encode,
    index,
    mine,
    new,
    pairs,
    plot,
    push,
    report,
    search,
    serve,
    train,
    update,
    whiten,
)
from simemb.commands import eval as eval_verb
from simemb.commands import list as list_verb
from simemb.commands.parsing import UsageError, parse

VERBS = {
    "train simcse": train.Train,
    "encode": encode.Encode,
    "eval": eval_verb.Eval,
    "index": index.BuildIndex,
    "search": search.Search,
    "serve": serve.Serve,
    "update": update.Update,
    "dedupe": dedupe.Dedupe,
    "cluster": cluster.ClusterTexts,
    "pairs": pairs.Pairs,
    "compare": compare.Compare,
    "report": report.Report,
    "plot": plot.Plot,
    "whiten": whiten.Whiten,
    "mine": mine.Mine,
    "push": push.Push,
    "new": new.New,
    "list": list_verb.List,
}


SHOWN = {
    ("encode", "model"): "MODEL",
    ("encode", "input"): "INPUT",
    ("eval", "models"): "MODEL [MODEL ...]",
    ("index", "model"): "MODEL",
    ("index", "input"): "INPUT",
    ("search", "index"): "INDEX",
    ("update", "index"): "INDEX",
    **{(verb, "input"): "INPUT" for verb in ("dedupe", "cluster", "pairs")},
    **{(verb, "corpus"): "--header, --no-header" for verb in ("dedupe", "cluster", "pairs")},
    ("update", "input"): "INPUT",
    ("search", "queries"): "QUERY [QUERY ...]",
    ("serve", "model"): "MODEL",
    ("serve", "limits"): "--max-texts",
    ("compare", "models"): "MODEL MODEL [MODEL ...]",
    ("report", "models"): "RUN [RUN ...]",
    ("plot", "figure"): "FIGURE",
    ("plot", "models"): "RUN [RUN ...]",
    ("whiten", "model"): "MODEL",
    ("mine", "model"): "MODEL",
    ("mine", "data"): "DATA",
    ("mine", "rules"): "--relative-margin",
    **{
        (verb, "layout"): "--header, --no-header"
        for verb in ("train simcse", "encode", "index", "update", "mine", "eval", "new", "whiten")
    },
    ("push", "model"): "RUN",
    ("push", "name"): "ORG/NAME",
    ("new", "output"): "OUTPUT",
    ("list", "what"): "WHAT",
}


@pytest.mark.parametrize("verb", VERBS)
def test_help_names_every_option_in_80_columns_without_color(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*verb.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"usage: simemb {verb}" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown
    for field in fields(VERBS[verb]):
        if field.name == "place":
            assert "--device" in shown
            continue
        assert (SHOWN.get((verb, field.name)) or f"--{field.name.replace('_', '-')}") in shown


@pytest.mark.parametrize("verb", [*VERBS, "demo", *(f"train {name}" for name in ("moco_v1", "simcse_mlm", "byol"))])
def test_every_flag_is_shown_with_its_opposite_and_its_help_is_true_of_the_first(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*verb.split(), "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    flags = re.findall(r"(--\S+), (--\S+) ((?:(?! --\S+, --).)*?\(default: (?:True|False)\))", shown)
    assert len(flags) == len(re.findall(r"\(default: (?:True|False)\)", shown))
    for flag, opposite, text in flags:
        before, _, name = flag.removeprefix("--").rpartition(".")
        assert opposite == f"--{before}{'.' if before else ''}no-{name}"
        assert not re.match(r"(?i)(do not|don't|no|not|never|without|leave out|ignore)\b", text), (flag, text)
        assert not name.startswith("no-"), flag


def test_a_flag_can_be_set_and_taken_back_whatever_its_default(caplog: pytest.LogCaptureFixture) -> None:
    def parsed(*words: str) -> eval_verb.Eval:
        return parse(eval_verb.Eval, ["model", *words], prog="simemb eval")

    spelled = ((), ("--cache",), ("--no-cache",), ("--no_cache",), ("--no-cache", "--cache"))
    assert [parsed(*words).cache for words in spelled] == [True, True, False, False, True]
    assert [parsed(*words).layout.header for words in ((), ("--no-header",))] == [True, False]
    assert not caplog.messages
    assert complaint(eval_verb.Eval, "m", "--no-cach") == "unknown option '--no-cach': did you mean --no-cache?"


def test_an_option_of_two_names_is_known_by_both(caplog: pytest.LogCaptureFixture) -> None:
    assert complaint(encode.Encode, "m", "t.txt", "--columns", "text") == "missing: --output"
    words = ["m", "t.txt", "--columns", "a", "--column", "b", "--output", "v.npy"]
    assert parse(encode.Encode, words, prog="simemb encode").column == "b"
    assert caplog.messages == ["--column is given twice: the last one counts"]


def test_the_help_of_a_recipe_names_every_field_down_to_the_last_noun(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "simcse_mlm", "--help"]) == 0
    shown = capsys.readouterr().out
    fields_of_nouns = (
        "--learning-rate",
        "--objective.temperature",
        "--objective.hard-negative-weight",
        "--head.activation",
        "--views.1.column",
        "--auxiliaries.0.weight",
        "--auxiliaries.0.probability",
    )
    assert all(option in shown for option in fields_of_nouns)
    assert "0.05" in shown


@pytest.mark.parametrize("words", [["train"], ["train", "--help"]])
def test_train_without_a_recipe_shows_the_recipes(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("simcse ", "simcse_mlm", "simcse_sup", "./mine.py", "recipe.json"))


@pytest.mark.parametrize("columns", [50, 60, 100])
@pytest.mark.parametrize("words", ["--help", "train", "train simcse --help", "eval --help", "list"])
def test_help_in_a_pipe_is_as_wide_as_columns_says(
    words: str, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(words.split()) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= columns
    assert "…" not in shown


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("--outptu", ": did you mean --output?"),
        ("--keeep", ": did you mean --head.keep or --lora.keep or --keep?"),
        ("--lr", ""),
        ("--xyzzy", ""),
    ],
)
def test_only_options_that_are_near_are_hints(wrong: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "simcse", wrong, "1"]) == 2
    line = f"simemb: unknown option '{wrong}'{hint}; `simemb train simcse --help` tells more\n"
    assert capsys.readouterr().err.endswith(line)


def complaint(kind: type, *words: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse(kind, words, prog="simemb verb")
    line = str(caught.value)
    assert "\n" not in line
    assert line.endswith("; `simemb verb --help` tells more")
    return line.removesuffix("; `simemb verb --help` tells more")


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("--batch_sise", "--batch-size"),
        ("--truncate", "--truncate-dim"),
        ("--normalise=yes", "--normalize"),
        ("--poling", "--pooling"),
    ],
)
def test_an_unknown_option_is_answered_with_the_nearest_and_not_with_all(wrong: str, near: str) -> None:
    line = complaint(encode.Encode, "model", "texts.txt", wrong, "--output", "v.npy")
    assert f"did you mean {near}" in line
    assert len(re.findall(r" --[a-z]", line)) <= 3
    assert len(line) < 100


def test_an_unknown_option_is_found_wherever_it_stands() -> None:
    assert complaint(encode.Encode, "--colum", "text") == "unknown option '--colum': did you mean --column?"
    assert complaint(encode.Encode, "--xyzzy") == "unknown option '--xyzzy'"
    assert complaint(search.Search, "index", "--jsn").startswith("unknown option '--jsn': did you mean --json?")


def test_what_is_missing_is_called_as_in_the_help() -> None:
    assert complaint(encode.Encode, "model", "--output", "v.npy") == "missing: INPUT"
    assert complaint(encode.Encode, "model", "texts.txt") == "missing: --output"
    assert complaint(eval_verb.Eval) == "missing: MODEL, at least one"
    assert complaint(search.Search, "index") == "missing: QUERY, at least one"
    assert complaint(search.Search, "index", "query", "-k") == "--k: a value is missing"


def test_a_value_that_is_no_number_is_named() -> None:
    assert complaint(search.Search, "index", "query", "-k", "1.5") == "--k: '1.5' is not a whole number"
    assert complaint(eval_verb.Eval, "model", "--batch-size", "x") == "--batch-size: 'x' is not a whole number"
    assert "did you mean 'wmean'?" in complaint(eval_verb.Eval, "model", "--aggregate", "wmeen")


def test_short_and_long_spellings_mean_the_same() -> None:
    short = parse(search.Search, ["index", "one", "two", "-k", "7"], prog="simemb search")
    assert short == parse(search.Search, ["--k=7", "index", "one", "two"], prog="simemb search")
    assert (short.k, short.queries) == (7, ("one", "two"))
    chosen = parse(eval_verb.Eval, ["a", "b", "--batch_size", "3", "--no-geometry"], prog="simemb eval")
    assert (chosen.models, chosen.batch_size, chosen.geometry) == (("a", "b"), 3, False)


def test_an_option_that_is_given_twice_loses_no_value_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    twice = ("a.txt", "--output", "o", "--data", "b.txt", "--resume")
    assert parse(train.Train, ["--data", *twice], prog="simemb train").data == ("a.txt", "b.txt")
    assert parse(train.Train, ["--data=a.txt", "--data=b.txt"], prog="simemb train").data == ("a.txt", "b.txt")
    assert not caplog.messages
    assert parse(train.Train, ["--seed", "1", "--seed=2"], prog="simemb train").seed == 2
    assert caplog.messages == ["--seed is given twice: the last one counts"]
    with pytest.raises(UsageError, match="--suite is given twice; it takes all its values at once"):
        parse(eval_verb.Eval, ["a", "--suite", "sts", "--suite=zh"], prog="simemb eval")
    assert parse(eval_verb.Eval, ["a", "--suite", "sts", "zh"], prog="simemb eval").suite == ("sts", "zh")


@pytest.mark.parametrize(
    ("word", "path"), [("~/v.npy", "{home}/v.npy"), ("~", "{home}"), ("~me/v.npy", "~me/v.npy"), ("a~/v", "a~/v")]
)
def test_the_home_directory_stands_for_a_tilde_behind_an_equals_sign(
    word: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/of/me")
    options = parse(encode.Encode, ["m", "t.txt", f"--output={word}"], prog="simemb encode")
    assert str(options.output) == path.format(home="/home/of/me")

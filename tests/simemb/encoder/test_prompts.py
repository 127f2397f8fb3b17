"""Prompts: the vectors of sentence-transformers, everywhere a text is encoded, and said once."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from families import SENTENCES, make_encoder

from simemb.cli import main
from simemb.encoder import prompts
from simemb.encoder.encoder import Encoder
from simemb.encoder.prompts import announce, prompt_for
from simemb.errors import ModelError
from simemb.evaluation.evaluate import evaluate
from simemb.evaluation.text_vectors import TextVectors
from simemb.evaluation.vector_cache import VectorCache
from simemb.search.index import Index

TEXTS = [*SENTENCES, ""]
PROMPTS = {"query": "we saw ", "document": "the sky ", "sts": "a red man "}


@pytest.fixture(autouse=True)
def _say_again() -> None:
    """A notice that another test has seen is given again."""
    prompts._say.cache_clear()


def model(path: Path, *, pooling: str = "mean", include_prompt: bool = True, **settings: Any) -> Path:
    """A saved encoder whose directory states prompts."""
    make_encoder(pooling=pooling).save(path)
    file = path / "config_sentence_transformers.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"prompts": PROMPTS} | settings))
    file = path / "1_Pooling" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"include_prompt": include_prompt}))
    return path


def theirs(path: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(path), device="cpu")


# ---- vectors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("include_prompt", [True, False])
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@pytest.mark.parametrize("default", [None, "sts"])
def test_a_prompt_gives_the_vectors_of_sentence_transformers(tmp_path, default, pooling, include_prompt):
    path = model(tmp_path / "m", pooling=pooling, include_prompt=include_prompt, default_prompt_name=default)
    encoder, reference = Encoder.load(path), theirs(path)
    assert isinstance(encoder, Encoder)
    for options in ({}, {"prompt": "dog "}, {"prompt": ""}, {"prompt_name": "query"}, {"prompt_name": "sts"}):
        expected = reference.encode(TEXTS, show_progress_bar=False, **options)
        np.testing.assert_allclose(encoder.encode(TEXTS, **options), expected, atol=1e-5, rtol=0)
    plain = encoder.encode(TEXTS, prompt="")
    assert np.allclose(encoder.encode(TEXTS), plain) == (default is None)
    assert not np.allclose(encoder.encode(TEXTS, prompt_name="query"), plain, atol=1e-3)


def test_a_text_that_its_prompt_fills_has_the_vector_of_sentence_transformers(tmp_path):
    path = model(tmp_path / "m", include_prompt=False)
    encoder, reference = Encoder.load(path, max_length=4), theirs(path)
    reference.max_seq_length = 4
    expected = reference.encode(TEXTS, prompt="a red man ", show_progress_bar=False)
    np.testing.assert_allclose(encoder.encode(TEXTS, prompt="a red man "), expected, atol=1e-5, rtol=0)


def test_roles_take_the_prompts_that_sentence_transformers_takes(tmp_path):
    path = model(tmp_path / "m")
    encoder, reference = Encoder.load(path), theirs(path)
    for role, expected in (("query", reference.encode_query(TEXTS)), ("document", reference.encode_document(TEXTS))):
        vectors = encoder.encode(TEXTS, prompt=prompt_for(encoder, role))
        np.testing.assert_allclose(vectors, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("names", "default", "expected"),
    [
        ({"query": "q ", "passage": "p "}, None, ("", "q ", "p ")),
        ({"query": "q ", "corpus": "c ", "passage": "p "}, None, ("", "q ", "p ")),
        ({"sts": "s "}, "sts", ("s ", "s ", "s ")),
        ({"query": "q ", "document": "", "passage": "p "}, None, ("", "q ", "")),
        ({}, None, ("", "", "")),
    ],
)
def test_a_role_has_the_first_of_its_names_or_the_default(names, default, expected):
    encoder = make_encoder()
    encoder.prompts, encoder.default_prompt = names, default
    assert tuple(prompt_for(encoder, role) for role in prompts.ROLES) == expected


def test_a_prompt_that_the_model_does_not_have_is_refused(tmp_path):
    encoder = Encoder.load(model(tmp_path / "m"))
    with pytest.raises(ModelError, match="unknown prompt 'qeury': did you mean 'query'"):
        encoder.encode("a man", prompt_name="qeury")
    with pytest.raises(ModelError, match="exclude each other"):
        encoder.encode("a man", prompt="a ", prompt_name="query")


# ---- saving and the fingerprint ------------------------------------------------------------------------


def test_prompts_survive_saving(tmp_path):
    encoder = Encoder.load(model(tmp_path / "m", include_prompt=False, default_prompt_name="sts"))
    path = encoder.save(tmp_path / "saved")
    loaded = Encoder.load(path)
    assert (loaded.prompts, loaded.default_prompt, loaded.include_prompt) == (PROMPTS, "sts", False)
    assert loaded.fingerprint() == encoder.fingerprint()
    assert theirs(path).prompts == PROMPTS
    np.testing.assert_allclose(loaded.encode(TEXTS), theirs(path).encode(TEXTS), atol=1e-5, rtol=0)


def test_prompts_are_part_of_the_fingerprint(tmp_path):
    paths = [
        make_encoder().save(tmp_path / "plain"),
        model(tmp_path / "prompts"),
        model(tmp_path / "default", default_prompt_name="sts"),
        model(tmp_path / "other", prompts={"query": "a "}),
        model(tmp_path / "excluded", include_prompt=False),
    ]
    assert len({Encoder.load(path).fingerprint() for path in paths}) == len(paths)


# ---- where texts are encoded ---------------------------------------------------------------------------


def test_vectors_of_roles_are_told_apart_in_memory_and_in_the_cache(tmp_path):
    encoder = Encoder.load(model(tmp_path / "m", default_prompt_name="sts"))
    by_role = [("query", "a man"), ("document", "a man"), ("document", "dog")]
    for _ in range(2):  # computed, then read
        vectors = TextVectors(encoder, ["a man"], by_role=by_role, cache=VectorCache(encoder.fingerprint()))
        np.testing.assert_allclose(vectors[["a man"]][0], encoder.encode("a man"), atol=1e-6)
        for role, text in by_role:
            expected = encoder.encode(text, prompt_name=role)
            np.testing.assert_allclose(vectors.of(role, [text])[0], expected, atol=1e-6)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder in BEIR layout."""
    path = tmp_path / "beir"
    (path / "qrels").mkdir(parents=True)
    rows = [{"_id": f"d{number}", "title": "", "text": text} for number, text in enumerate(SENTENCES)]
    (path / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (path / "queries.jsonl").write_text('{"_id": "q", "text": "dog runs"}\n')
    (path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td2\t1\n")
    return path


def test_retrieval_is_scored_with_the_prompts_of_queries_and_documents(tmp_path, folder, caplog):
    encoder = Encoder.load(model(tmp_path / "m"))
    scores = evaluate(encoder, folder)
    documents = encoder.encode(list(SENTENCES), prompt_name="document", normalize=True)
    ranked = np.argsort(-documents @ encoder.encode("dog runs", prompt_name="query", normalize=True))
    rank = 1 + ranked.tolist().index(2)
    (task,) = scores.tasks.values()
    assert task.numbers()["mrr@10"] == pytest.approx(100 / rank)
    (line,) = [record.getMessage() for record in caplog.records if "has prompts" in record.getMessage()]
    assert line.endswith("has prompts (query, document, sts): 'the sky ' before documents, 'we saw ' before queries")


def test_other_suites_take_the_default_prompt(tmp_path, caplog):
    encoder = Encoder.load(model(tmp_path / "m", default_prompt_name="sts"))
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("score\tsentence1\tsentence2\n1\ta man\tdog\n2\tsky\ta red sky\n4\tthe dog\ta dog\n")
    scored = evaluate(encoder, pairs)
    assert "'a red man ' before texts" in caplog.text
    encoder.default_prompt = None
    assert evaluate(encoder, pairs).average != scored.average


def test_an_index_takes_the_prompt_of_documents_and_a_search_that_of_queries(tmp_path, caplog):
    encoder = Encoder.load(model(tmp_path / "m"))
    index = Index.build(encoder, list(SENTENCES), path=tmp_path / "index")
    documents = encoder.encode(list(SENTENCES), prompt_name="document", normalize=True)
    query = encoder.encode("dog runs", prompt_name="query", normalize=True)
    for searched in (index, Index.load(tmp_path / "index")):
        hits = searched.search("dog runs", k=len(SENTENCES))
        assert {hit.text: pytest.approx(hit.score, abs=1e-5) for hit in hits} == dict(
            zip(SENTENCES, (documents @ query).tolist(), strict=True)
        )
    assert caplog.text.count("has prompts") == 1


def test_the_command_line_takes_a_prompt_and_the_name_of_one(tmp_path, caplog):
    path, texts = model(tmp_path / "m"), tmp_path / "texts.txt"
    texts.write_text("\n".join(SENTENCES) + "\n")
    encoder = Encoder.load(path)
    words = ["encode", str(path), str(texts), "--overwrite", "--output", str(tmp_path / "v.npy")]
    for options, expected in (
        (["--prompt", "dog "], {"prompt": "dog "}),
        (["--prompt-name", "query"], {"prompt_name": "query"}),
        ([], {}),
    ):
        assert main([*words, *options]) == 0
        np.testing.assert_allclose(np.load(tmp_path / "v.npy"), encoder.encode(list(SENTENCES), **expected), atol=1e-6)
    assert main([*words, "--prompt-name", "no"]) == 2


def test_a_model_without_prompts_says_nothing(caplog):
    announce(make_encoder(), "query", "document")
    assert not caplog.records

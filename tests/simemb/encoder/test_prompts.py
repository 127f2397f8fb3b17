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
from simemb.errors import ModelError, SearchError, SimembError
from simemb.evaluation.evaluate import evaluate
from simemb.evaluation.text_vectors import TextVectors
from simemb.evaluation.vector_cache import VectorCache
from simemb.search.index import Index
from simemb.search.mining import mine
from simemb.search.mining_rules import Rules

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


# ---- setting them, and roles ----------------------------------------------------------------------------


@pytest.mark.parametrize("default", [None, "sts"])
def test_queries_and_documents_have_the_vectors_of_sentence_transformers(tmp_path, default):
    path = model(tmp_path / "m", default_prompt_name=default)
    encoder, reference = Encoder.load(path), theirs(path)
    for ours, other in (
        (encoder.encode_query, reference.encode_query),
        (encoder.encode_document, reference.encode_document),
    ):
        for options in ({}, {"prompt": "dog "}, {"prompt_name": "sts"}):
            expected = other(TEXTS, show_progress_bar=False, **options)
            np.testing.assert_allclose(ours(TEXTS, **options), expected, atol=1e-5, rtol=0)
        unit = ours(TEXTS, normalize=True, truncate_dim=8, batch_size=1)
        np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-5)
        assert unit.shape[1] == 8


def test_a_model_without_prompts_gets_some_and_is_saved_with_them(tmp_path):
    encoder = make_encoder()
    plain = encoder.fingerprint()
    assert encoder.set_prompts({"query": "we saw ", "document": ""}, default="query", include_prompt=False) is encoder
    assert encoder.fingerprint() != plain
    loaded, reference = Encoder.load(encoder.save(tmp_path / "m")), theirs(tmp_path / "m")
    for made in (encoder, loaded):
        for ours, other in ((made.encode, reference.encode), (made.encode_document, reference.encode_document)):
            np.testing.assert_allclose(ours(TEXTS), other(TEXTS, show_progress_bar=False), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (({"query": 3},), "prompts must be texts by name, not 'query': 3"),
        (({3: "query: "},), "prompts must be texts by name, not 3: 'query: '"),
        ((["query: "],), "prompts must be a dict"),
    ],
)
def test_what_is_no_text_by_name_is_refused(given, words):
    with pytest.raises(SimembError, match=words):
        make_encoder().set_prompts(*given)


def test_a_default_prompt_must_be_there():
    with pytest.raises(ModelError, match="unknown prompt 'qery': did you mean 'query'"):
        make_encoder().set_prompts({"query": "a "}, default="qery")


def test_a_static_model_has_roles_too(tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding

    path = tmp_path / "static"
    SentenceTransformer(modules=[StaticEmbedding(make_encoder().tokenizer, embedding_dim=8)]).save(str(path))
    encoder = Encoder.load(path)
    plain = encoder.fingerprint()
    encoder.set_prompts({"query": "dog "})
    assert encoder.fingerprint() != plain
    np.testing.assert_array_equal(encoder.encode_query(TEXTS), encoder.encode(TEXTS, prompt="dog "))
    np.testing.assert_array_equal(encoder.encode_document(TEXTS), encoder.encode(TEXTS, prompt=""))
    with pytest.raises(ModelError, match="is a static model, where include_prompt cannot be chosen"):
        encoder.set_prompts({}, include_prompt=False)


def test_the_card_shows_the_prompts_and_their_use(tmp_path):
    path = Encoder.load(model(tmp_path / "m", include_prompt=False, default_prompt_name="sts")).save(tmp_path / "n")
    card = (path / "README.md").read_text()
    assert '- `query`: `"we saw "`' in card
    assert "`encode_query(texts)` puts that of queries" in card
    assert "`encode(texts)` the one called `sts`" in card
    assert "Their tokens are not pooled." in card
    assert "## Prompts" not in (make_encoder().save(tmp_path / "plain") / "README.md").read_text()


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
    assert scores.to_json()["prompts"] == {"document": "the sky ", "query": "we saw "}
    assert "prompts" not in evaluate(make_encoder(), folder).to_json()


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
    manifest = json.loads((tmp_path / "index" / "index.json").read_text())
    assert manifest["encoder"]["prompts"] == {"document": "the sky ", "query": "we saw "}
    encoder.set_prompts({"query": "we saw "})
    says = "built with 'the sky ' before documents, .*, and this one has nothing before documents, 'we saw '"
    with pytest.raises(SearchError, match=says):
        Index.load(tmp_path / "index", encoder=encoder)


def test_negatives_are_mined_with_the_prompts_of_queries_and_documents(tmp_path, caplog):
    encoder = Encoder.load(model(tmp_path / "m"))
    pairs = [("the dog runs", "a dog"), ("a red man", "the man"), ("we saw a sky", "the sky")]
    summary = mine(encoder, pairs, tmp_path / "out.tsv", corpus=list(SENTENCES), rules=Rules(margin=-2.0))
    anchors, positives = (list(texts) for texts in zip(*pairs, strict=True))
    of_anchors = encoder.encode_query(anchors, normalize=True)
    expected = (of_anchors * encoder.encode_document(positives, normalize=True)).sum(1).mean()
    assert summary.positive == pytest.approx(expected, abs=1e-5)
    documents = encoder.encode_document(list(SENTENCES), normalize=True)
    nearest = [SENTENCES[row] for row in (of_anchors @ documents.T).argmax(1)]
    rows = [line.split("\t") for line in (tmp_path / "out.tsv").read_text().splitlines()[1:]]
    assert [row[2] for row in rows] == nearest
    assert "'the sky ' before documents, 'we saw ' before queries" in caplog.text


def test_the_command_line_takes_a_prompt_and_the_name_of_one(tmp_path, capsys):
    path, texts = model(tmp_path / "m"), tmp_path / "texts.txt"
    texts.write_text("\n".join(SENTENCES) + "\n")
    encoder = Encoder.load(path)
    words = ["encode", str(path), str(texts), "--overwrite", "--output", str(tmp_path / "v.npy")]
    for options, expected in (
        (["--prompt", "dog "], {"prompt": "dog "}),
        (["--prompt-name", "query"], {"prompt_name": "query"}),
        (["--role", "document"], {"prompt_name": "document"}),
        ([], {}),
    ):
        assert main([*words, *options]) == 0
        np.testing.assert_allclose(np.load(tmp_path / "v.npy"), encoder.encode(list(SENTENCES), **expected), atol=1e-6)
    assert main([*words, "--prompt-name", "no"]) == 2
    assert main([*words, "--prompt", "dog ", "--role", "query"]) == 2
    assert "--role query chooses a prompt: leave --prompt and --prompt-name out" in capsys.readouterr().err


def test_a_model_without_prompts_says_nothing(caplog):
    announce(make_encoder(), "query", "document")
    assert not caplog.records

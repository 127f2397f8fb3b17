"""docs/stores.md does what it says, against the stores themselves."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simemb import Index, encode_shards, index_vectors
from simemb.cli import main

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "stores.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    (found,) = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return found


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """Vectors in the folder where the test is, and an index of them to compare with."""
    monkeypatch.chdir(tmp_path)
    encode_shards("mini", "sample_search", "vectors", shards=2)
    return index_vectors("vectors", "plain.index", kind="exact")


def found(shown: str) -> list[str]:
    return [line.split(" ", 1)[0] for line in shown.strip().splitlines()]


def best(index: Index) -> list[str]:
    return [hit.id for hit in index.search("the first question", 3)]


def test_lancedb(index: Index, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("lancedb", reason='needs LanceDB: pip install "simemb[lancedb]"')
    for line in block("sh lancedb").splitlines():
        assert main(shlex.split(line)[1:]) == 0
    capsys.readouterr()
    exec(compile(block("python lancedb"), "stores.md", "exec"), {})
    assert found(capsys.readouterr().out) == best(index)


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server of its own, with pgvector."""
    reason = 'needs a PostgreSQL with pgvector: pip install pgserver "psycopg[binary]"'
    pytest.importorskip("psycopg", reason=reason)
    pgserver = pytest.importorskip("pgserver", reason=reason)
    server = pgserver.get_server(tmp_path_factory.mktemp("postgres") / "data", cleanup_mode="delete")
    yield server
    server.cleanup()


@pytest.mark.filterwarnings("ignore")
def test_pgvector(index: Index, postgres: Any, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block("python pgvector"), "stores.md", "exec"), {"SERVER": postgres.get_uri()})
    assert found(capsys.readouterr().out) == best(index)

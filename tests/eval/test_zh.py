"""Where the files of the Chinese suite are found: under every name that they go by, gzipped or plain."""

import gzip
from pathlib import Path

import pytest

from simemb.errors import AbsentError
from simemb.evaluation.evaluate import find
from simemb.evaluation.tasks import Pairs, Similarity

PAIRS = "score\tsentence1\tsentence2\n1\t花呗怎么还款\t如何还花呗\n0\t花呗怎么还款\t怎么关闭花呗\n"
FOLDERS = ("pawsx", "atec", "bq")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path))
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    return tmp_path


def read(name: str) -> list[Pairs]:
    task = next(task for task in find("zh").tasks if task.name == name)
    assert isinstance(task, Similarity)
    return task.read()


def write(path: Path, content: str = PAIRS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = content.encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


@pytest.mark.parametrize("file", ["test.tsv", "test.tsv.gz", "all.tsv", "all.tsv.gz"])
@pytest.mark.parametrize("folder", FOLDERS)
def test_a_set_is_found_by_its_test_split_or_as_a_whole(folder: str, file: str, data: Path):
    write(data / "zh" / folder / file)
    (pairs,) = read(folder)
    assert pairs.origin == f"zh/{folder}"
    assert pairs.gold.tolist() == [1, 0]
    assert pairs.first == ["花呗怎么还款"] * 2


@pytest.mark.parametrize(
    ("name", "path"), [("stsb", "stsb/test.tsv"), ("lcqmc", "lcqmc/test.tsv"), ("afqmc", "afqmc/dev.tsv")]
)
def test_a_set_with_one_split_is_found_gzipped(name: str, path: str, data: Path):
    write(data / "zh" / f"{path}.gz")
    (pairs,) = read(name)
    assert pairs.gold.tolist() == [1, 0]


def test_the_file_of_paws_x_is_read_as_it_is_downloaded(data: Path):
    write(data / "zh/pawsx/test_2k.tsv", "id\tsentence1\tsentence2\tlabel\n1\t甲乙\t乙甲\t0\n2\t甲乙\t甲乙。\t1\n")
    (pairs,) = read("pawsx")
    assert (pairs.gold.tolist(), pairs.second) == ([0, 1], ["乙甲", "甲乙。"])


def test_the_test_split_goes_before_the_whole(data: Path):
    write(data / "zh/atec/all.tsv.gz")
    write(data / "zh/atec/test.tsv", PAIRS.replace("1\t花呗怎么还款", "1\t花呗"))
    (pairs,) = read("atec")
    assert pairs.first[0] == "花呗"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_set_that_is_nowhere_is_refused_with_the_paths_that_were_looked_at(folder: str, data: Path):
    with pytest.raises(AbsentError) as caught:
        read(folder)
    for place in (data, data / "cache"):
        files = f"({place}/zh/{folder}/test.tsv, test_2k.tsv, all.tsv, plain or .gz)"
        assert files in str(caught.value)

"""The hub, by a stand-in on loopback: pushing a run and an encoder, and loading them by their names."""

import shutil
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_server import Hub, serving

from simemb import Encoder
from simemb.cli import main
from simemb.encoder import publishing
from simemb.errors import ModelError
from simemb.method.recipe_files import find
from simemb.training.fit import fit

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # by which the library uploads

TEXTS = ["the red dog eats a ball", "a cat"]
RECIPE = replace(find("simcse"), batch_size=16, eval_every=1, max_steps=2)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Hub, None, None]:
    """The stand-in, where the library looks for the hub, with a cache of its own and the token of a writer."""
    from huggingface_hub import constants

    def pause(_: float) -> None: ...

    with serving() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        template = hub.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no token"))
        monkeypatch.setenv("HF_TOKEN", "writer")
        monkeypatch.setattr("huggingface_hub.file_download.time.sleep", pause)  # between two tries
        monkeypatch.chdir(tmp_path)
        yield hub


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, sentences_file: Path, dev_file: Path) -> Path:
    """A run of two steps, which is finished; tests leave it as it is."""
    output = tmp_path_factory.mktemp("runs") / "tiny"
    fit(RECIPE, tiny_base, sentences_file, output=output, dev=dev_file)
    return output


def load(model: str | Path, revision: str | None = None) -> Encoder:
    encoder = Encoder.load(model, revision=revision)
    assert isinstance(encoder, Encoder)
    return encoder


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def test_a_run_is_pushed_with_its_card_and_loads_by_its_name(
    hub: Hub, run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    words = ["push", str(run), "org/tiny", "--license", "mit", "--language", "en", "--message", "first"]
    assert main(words) == 0
    assert capsys.readouterr().out == f"{hub.address}/org/tiny\n"
    repository = hub.repositories["org/tiny"]
    assert (repository.private, repository.messages) == (False, ["first"])
    held = repository.commits[repository.branches["main"]]
    best = {path.relative_to(run / "best").as_posix(): path for path in (run / "best").rglob("*") if path.is_file()}
    assert held.keys() == {*best, ".gitattributes"}
    assert all(held[path] == best[path].read_bytes() for path in best if path != "README.md")
    card = held["README.md"].decode()
    assert 'Encoder.load("org/tiny")' in card
    assert "license: mit\n" in card
    assert "language: en\n" in card
    assert "model-index:\n- name: org/tiny\n" in card
    assert "PATH/OF/THIS/DIRECTORY" in (run / "best" / "README.md").read_text()  # the run is as it was
    loaded = load("org/tiny")
    np.testing.assert_array_equal(loaded.encode(TEXTS), load(run).encode(TEXTS))
    # the same again is nothing; out of the cache, without the hub, the same model
    assert main(["push", str(run), "org/tiny", "--license", "mit", "--language", "en"]) == 0
    assert len(repository.messages) == 1
    offline(monkeypatch)
    np.testing.assert_array_equal(load("org/tiny").encode(TEXTS), loaded.encode(TEXTS))


def test_an_encoder_is_pushed_to_a_private_repository_and_a_branch(hub: Hub, run: Path, monkeypatch: Any):
    encoder = load(run)
    assert encoder.push_to_hub("org/own", private=True) == f"{hub.address}/org/own"
    assert hub.repositories["org/own"].private
    encoder.max_length = 7
    encoder.push_to_hub("org/own", revision="short", overwrite=True)
    assert load("org/own", revision="short").max_length == 7
    assert load("org/own").max_length == load(run).max_length
    shutil.rmtree("cache")
    with pytest.raises(ModelError, match=r"'org/own' \(revision long\): .*did not provide it: it has no such revision"):
        load("org/own", revision="long")
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(ModelError, match="there is none of that name, or it is private and no token may read it: set"):
        load("org/own")
    monkeypatch.setenv("HF_TOKEN", "reader")
    assert load("org/own").dim == 32


def test_other_files_are_replaced_when_that_is_asked_for_and_stay_in_the_history(hub: Hub, run: Path):
    encoder = load(run)
    encoder.push_to_hub("org/tiny")
    repository = hub.repositories["org/tiny"]
    repository.commit("main", {**repository.commits[repository.branches["main"]], "model-2.safetensors": b"stale"})
    with pytest.raises(ModelError, match=r"org/tiny holds other files already .*: --overwrite \(overwrite=True\)"):
        encoder.push_to_hub("org/tiny")
    encoder.push_to_hub("org/tiny", overwrite=True)
    assert "model-2.safetensors" not in repository.commits[repository.branches["main"]]
    assert len(repository.commits) == 4


@pytest.mark.parametrize(
    ("token", "name", "options", "line"),
    [
        (None, "org/new", {}, r"org/new: there is no token of the Hugging Face hub: set HF_TOKEN, or log in with `hf"),
        ("nobody", "org/new", {}, "org/new: the hub does not know the token: set HF_TOKEN"),
        ("reader", "org/new", {}, "org/new: the token has no right to write there"),
        ("writer", "others/new", {}, "others/new: the token has no right to write there"),
        ("writer", "org/new/er", {}, "org/new/er: that is no name on the hub"),
        ("writer", "org/public", {"private": True}, r"org/public exists and is public, so --private .* pushes nothing"),
        ("writer", "org/new", {"license": "<b>"}, "license '<b>' is none that the hub knows"),
    ],
)
def test_what_cannot_be_pushed_is_told_in_one_line(
    token: str | None, name: str, options: dict[str, Any], line: str, hub: Hub, run: Path, monkeypatch: Any
):
    load(run).push_to_hub("org/public")
    monkeypatch.delenv("HF_TOKEN")
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(ModelError, match=line) as caught:
        load(run).push_to_hub(name, **options)
    assert "\n" not in str(caught.value)
    assert hub.repositories.keys() == {"org/public"}
    assert len(hub.repositories["org/public"].messages) == 1


def test_without_the_hub_nothing_is_pushed_and_that_is_told(hub: Hub, run: Path, monkeypatch: pytest.MonkeyPatch):
    from huggingface_hub import constants

    encoder = load(run)
    with monkeypatch.context() as patch:
        patch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
        with pytest.raises(ModelError, match="org/new: the hub cannot be reached, or the connection broke"):
            encoder.push_to_hub("org/new")
    offline(monkeypatch)
    with pytest.raises(ModelError, match="org/new: HF_HUB_OFFLINE forbids to reach the hub"):
        encoder.push_to_hub("org/new")
    with pytest.raises(ModelError, match="it is not in the cache, and HF_HUB_OFFLINE forbids to look on the hub"):
        load("org/new")
    assert not hub.repositories


def test_a_run_with_steps_left_is_not_pushed_but_what_it_kept_may_be(
    hub: Hub, tiny_base: Path, sentences_file: Path, capsys: pytest.CaptureFixture[str]
):
    class Stop:
        def on_step(self, _: object) -> bool:
            return True

    fit(RECIPE, tiny_base, sentences_file, output="stopped", dev="none", callbacks=[Stop()])
    assert main(["push", "stopped", "org/tiny"]) == 2
    error = capsys.readouterr().err
    assert "stopped: the run is at step 1 of 2: `simemb train --resume stopped` goes on; stopped/best names" in error
    assert not hub.repositories
    assert main(["push", "stopped/best", "org/tiny"]) == 0
    assert main(["push", "nowhere", "org/tiny"]) == 2
    assert "nowhere: no directory of a run or a model" in capsys.readouterr().err


def test_neither_pickle_nor_code_is_pushed(hub: Hub, run: Path, tmp_path: Path):
    for name in ("pytorch_model.bin", "modeling.py"):
        shutil.copytree(run / "best", tmp_path / name)
        (tmp_path / name / name).write_bytes(b"x")
        with pytest.raises(ModelError, match=f"{name} is not pushed, only configuration, vocabularies, safetensors"):
            publishing.push(tmp_path / name, "org/tiny")
    assert not hub.repositories


def test_a_download_that_breaks_is_told_never_believed_and_goes_on(
    hub: Hub, run: Path, monkeypatch: pytest.MonkeyPatch
):
    from huggingface_hub import constants

    load(run).push_to_hub("org/tiny")
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 500)
    hub.cut = 1000
    broken = "did not provide it: the hub cannot be reached, or the connection broke"
    with pytest.raises(ModelError, match=broken) as caught:
        load("org/tiny")
    assert "\n" not in str(caught.value)
    with monkeypatch.context() as patch:
        offline(patch)
        with pytest.raises(ModelError, match="the copy in the cache is not whole, a download of it was interrupted"):
            load("org/tiny")
    assert set(hub.ranges) == {"bytes=1000-"}  # each try goes on where the wire broke
    hub.cut = None
    np.testing.assert_array_equal(load("org/tiny").encode(TEXTS), load(run).encode(TEXTS))
    offline(monkeypatch)
    assert load("org/tiny").dim == 32

"""A model to the Hugging Face hub: its files and its card, in one commit.

What is pushed is what `simemb.encoder.location` downloads: configuration, vocabularies, safetensors and the card. The
token is that of HF_TOKEN or of the login; it is no option, which a process list would show.
"""

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from simemb import files
from simemb.arguments import checked
from simemb.encoder import card_metadata, hub, saving
from simemb.encoder.model_card import PLACE
from simemb.errors import ModelError

log = logging.getLogger("simemb")

ENDINGS = (".json", ".txt", ".model", ".safetensors")
CARD = "README.md"
MESSAGE = "A sentence encoder, saved by simemb"


def push(
    folder: Path,
    name: str,
    *,
    private: bool = False,
    revision: str | None = None,
    message: str | None = None,
    overwrite: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> str:
    """Push the model in a folder to the repository `name`, which is made if there is none; returns its address.

    private: make it private; refused where it exists and is public. revision: a branch, made if there is none, instead
    of main. metadata: put into the card in place of what is there. Nothing is done where the same files are there
    already; others are replaced with `overwrite` alone, and stay in the history.

    Raises `ModelError` for files that are not pushed, without a token or the right to write, and without the hub.
    """
    from huggingface_hub import HfApi, get_token

    ours = contents(folder, name, metadata or {})
    if get_token() is None:
        raise ModelError(f"{name}: there is no token of the Hugging Face hub: {hub.LOGIN}")
    api = HfApi(library_name="simemb")
    with hub.speaking_of(name):
        api.create_repo(name, private=private or None, exist_ok=True)
        if private and not api.repo_info(name).private:
            raise ModelError(f"{name} exists and is public, so --private (private=True) pushes nothing there")
        if revision is not None:
            api.create_branch(name, branch=revision, exist_ok=True)
        theirs = _there(api, name, revision)
        if theirs.keys() != ours.keys() or not all(_same(theirs[path], held) for path, held in ours.items()):
            _commit(api, name, ours, set(theirs), revision, message, overwrite=overwrite)
        else:
            log.info("%s holds the same files already", name)
        return f"{api.endpoint}/{name}"


def contents(folder: Path, name: str, metadata: Mapping[str, Any]) -> dict[str, bytes | Path]:
    """What is pushed of a folder, by path. Raises `ModelError` for a file that no model of ours has."""
    found: dict[str, bytes | Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or files.is_temporary(path):
            continue
        inside = path.relative_to(folder).as_posix()
        if inside == CARD:
            found[inside] = card(path.read_text(encoding="utf-8"), name, metadata).encode()
        elif path.is_file() and path.suffix in ENDINGS:
            found[inside] = path
        else:
            raise ModelError(
                f"{path} is not pushed, only configuration, vocabularies, safetensors and the card are: save the model "
                "with simemb (Encoder.save), or remove the file"
            )
    if not any(path.endswith("safetensors") for path in found):
        raise ModelError(f"{folder} holds no weights in safetensors: save the model with simemb (Encoder.save)")
    return found


def card(text: str, name: str, metadata: Mapping[str, Any]) -> str:
    """A model card under the name of its repository."""
    from huggingface_hub import ModelCard

    made: Any = ModelCard(text.replace(PLACE, name), ignore_metadata_errors=True)
    for field, value in metadata.items():
        setattr(made.data, field, value)
    if made.data.eval_results:
        made.data.model_name = name
    return str(made)


def _there(api: Any, name: str, revision: str | None) -> dict[str, str]:
    """The files of a repository with their digests, of LFS where they are kept so."""
    tree = api.list_repo_tree(name, recursive=True, revision=revision)
    listed = [each for each in tree if hasattr(each, "blob_id") and each.path != ".gitattributes"]
    return {each.path: f"sha256 {each.lfs.sha256}" if each.lfs else f"git {each.blob_id}" for each in listed}


def _same(there: str, content: bytes | Path) -> bool:
    """Whether a file of ours is the one that is there."""
    held = content if isinstance(content, bytes) else content.read_bytes()
    kind, _, digest = there.partition(" ")
    if kind == "sha256":
        return hashlib.sha256(held).hexdigest() == digest
    return hashlib.sha1(b"blob %d\0" % len(held) + held, usedforsecurity=False).hexdigest() == digest


def _commit(
    api: Any,
    name: str,
    ours: Mapping[str, bytes | Path],
    theirs: set[str],
    revision: str | None,
    message: str | None,
    *,
    overwrite: bool,
) -> None:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    if theirs and not overwrite:
        raise ModelError(
            f"{name} holds other files already ({min(theirs)}): --overwrite (overwrite=True) replaces them by a commit"
        )
    operations: list[Any] = [CommitOperationAdd(path, content) for path, content in ours.items()]
    operations += [CommitOperationDelete(path) for path in sorted(theirs - ours.keys())]
    api.create_commit(name, operations, commit_message=message or MESSAGE, revision=revision)


class Published:
    """An encoder that can be pushed to the Hugging Face hub."""

    @checked
    def push_to_hub(
        self,
        name: str,
        *,
        private: bool = False,
        revision: str | None = None,
        message: str | None = None,
        license: str | None = None,
        language: str | None = None,
        overwrite: bool = False,
    ) -> str:
        """Push this encoder to the repository `name` ("org/name"), which is made if there is none.

        private: make it private. revision: a branch instead of main. message: of the commit. license, language: stated
        in the card, say "apache-2.0" and "en"; by default as the card of the directory states them that this encoder
        was loaded from. overwrite: replace other files that are there; they stay in the history. The token is that of
        HF_TOKEN or of `hf auth login`. A run is pushed with its own card by `simemb push`.

        Returns: the address of the repository. Raises `ModelError`.
        """
        encoder: Any = self
        metadata = {**card_metadata.known(encoder.source), **stated(license, language)}
        with TemporaryDirectory(prefix="simemb-") as folder:
            saved = saving.save(encoder.complete().parts, Path(folder) / "model", metadata=metadata)
            options: dict[str, Any] = {"private": private, "revision": revision, "message": message}
            return push(saved, name, **options, overwrite=overwrite)


def stated(license: str | None, language: str | None) -> dict[str, Any]:
    """What a user states of a model. Raises `ModelError` for what the hub takes for neither."""
    given = {name: value for name, value in (("license", license), ("language", language)) if value is not None}
    for name, value in given.items():
        if not card_metadata.FORMS[name].fullmatch(value):
            example = "apache-2.0" if name == "license" else "en"
            raise ModelError(f"{name} {value!r} is none that the hub knows by such a name (as {example!r})")
    return given

"""The JSON files of a model's directory."""

from pathlib import Path
from typing import Any

from simemb import json_files
from simemb.errors import ModelError


def read_settings(path: Path) -> dict[str, Any]:
    """The content of a JSON file of settings, or {} if it does not exist. Raises `ModelError` if it is damaged."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds no settings: it must be a JSON object")
    return content


def read_json(path: Path) -> Any:
    """The content of a JSON file, or {} if it does not exist. Raises `ModelError` if it is damaged."""
    if not path.exists():
        return {}
    return json_files.read_json(path, lambda error: ModelError(f"{path} is not valid JSON: {error}"))

"""Where a run was made: versions, machine and command, which its record keeps."""

import os
import subprocess
import sys
from pathlib import Path
from platform import machine, python_version
from typing import Any

from simemb import extras

VERSIONED = ("simemb", "torch", "transformers", "tokenizers", "accelerate", "numpy", "sentence-transformers")


def environment() -> dict[str, Any]:
    """Versions, machine and command of this process, for the record."""
    return {
        "versions": extras.versions(VERSIONED) | {"python": python_version()},
        "machine": f"{machine()}, {os.cpu_count()} cores",
        "git": _git_hash(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def _git_hash() -> str | None:
    """The commit of the folder that the user works in, if it is a git checkout."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()

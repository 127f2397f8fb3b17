"""The adapter of a run (LoRA): kept beside the merged encoder, and merged into it at the end."""

from dataclasses import replace
from pathlib import Path

from simemb import files
from simemb.encoder import adapters, saving
from simemb.encoder.encoder import Encoder
from simemb.method.course import Trained
from simemb.method.trained_parts import LoRA

FOLDER = "adapter"


def keep(encoder: Encoder, lora: LoRA, base: str, best: Path) -> None:
    """Write adapter and base beside `best`, as `Encoder.load` and peft read them, if they are to be kept.

    base: the name of the model that the run began with; its weights lie in the folder `base` of the adapter.
    """
    if not lora.keep:
        return
    with files.new_directory(best.parent / FOLDER) as folder:
        adapters.write(encoder.network, folder, base)
        base_parts = replace(encoder.parts, backbone=adapters.without(encoder.network))
        saving.save(base_parts, folder / adapters.BASE)


def fold(method: Trained) -> None:
    """Put the adapters of a run into the weights of its networks, in place."""
    for encoder in (method.encoder, *([method.second.encoder] if method.second else [])):
        if adapters.has_adapters(encoder.network):
            encoder._modules["backbone"] = adapters.fold(encoder.network)  # pyright: ignore[reportPrivateUsage]

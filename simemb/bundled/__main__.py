"""Makes the models that ship with simemb: `python -m simemb.bundled OUTPUT --teacher MODEL`, in a checkout.

From texts to cards: the texts (`simemb.bundled.texts`), an untrained BERT whose words start from the teacher, a
language model (`base`), and out of it an encoder (`mini`). It needs the corpora under $SIMEMB_DATA, and some hours on
two cores. It can be stopped and started again: what is finished stays, and a training goes on where it was.
"""

import json
import logging
import sys
from pathlib import Path
from typing import Any

from simemb import streams
from simemb.bundled import cards, teacher, texts
from simemb.bundled.stages import HEADS, LAYERS, LENGTH, SEED, VOCABULARY, WIDTH, Stage, stages
from simemb.encoder import untrained
from simemb.errors import DataError, SimembError
from simemb.files import write_text
from simemb.json_files import read_json
from simemb.training.fit import fit
from simemb.training.run_directory import RunDirectory
from simemb.transformer import malloc

USAGE = "usage: python -m simemb.bundled OUTPUT --teacher MODEL"

log = logging.getLogger("simemb")


def make(output: Path, model: str) -> None:
    """Make both models in `output`, with the runs that led to them; `model` is the teacher."""
    cards.check()
    _remember(output / "settings.json", model)
    if not (output / "triplets.tsv").exists():
        log.info("collecting the texts")
        texts.write(output)
    if not (output / "teacher").exists():
        log.info("cutting the teacher to %d dimensions", WIDTH)
        teacher.narrow(model, output / "texts.txt", WIDTH, output / "teacher")
    if not (output / "untrained").exists():
        log.info("learning the vocabulary, and taking the words from the teacher")
        untrained.new(
            output / "untrained",
            output / "texts.txt",
            vocabulary=VOCABULARY,
            layers=LAYERS,
            width=WIDTH,
            heads=HEADS,
            length=LENGTH,
            words_from=output / "teacher",
            seed=SEED,
        )
    records: list[dict[str, Any]] = []
    for stage in stages(output / "teacher"):
        records.append(_train(stage, output))
        if stage.model and not (output / "models" / stage.model).exists():
            log.info("%s: scoring it", stage.model)
            cards.publish(stage.model, output / stage.name, output / "models" / stage.model, records)


def _remember(path: Path, model: str) -> None:
    """Record the teacher, or refuse to go on with another one."""
    if not path.exists():
        write_text(path, json.dumps({"teacher": model}) + "\n")
    known = read_json(path, lambda error: DataError(f"{path}: {error}"))["teacher"]
    if known != model:
        raise DataError(f"{path.parent} was begun with the teacher {known}, not {model}: give another OUTPUT")


def _train(stage: Stage, output: Path) -> dict[str, Any]:
    """Run a stage, or the rest of it, unless it is finished; returns what it took, and its score."""
    run, finished = RunDirectory(output / stage.name), output / f"{stage.name}.json"
    if finished.exists():
        return read_json(finished, lambda error: DataError(f"{finished}: {error}"))
    log.info("%s: from %s, on %s", stage.name, stage.start, stage.data)
    result = fit(
        stage.recipe,
        output / stage.start,
        output / stage.data,
        output=run.path,
        dev=stage.dev,
        pooling=stage.recipe.pooling,
        seed=SEED,
        precision="bf16",
        resume=run.checkpoint.exists(),
        overwrite=not run.checkpoint.exists(),
    )
    score = None if result.after is None else result.after.points
    record = {
        "name": stage.name,
        "recipe": stage.method,
        "steps": result.steps,
        "seconds": result.seconds,
        "dev": score,
    }
    write_text(finished, json.dumps(record, indent=2) + "\n")
    return record


def main(words: list[str]) -> int:
    """`python -m simemb.bundled OUTPUT --teacher MODEL`."""
    if len(words) != 3 or words[1] != "--teacher":
        streams.say(USAGE)
        return 2
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    malloc.keep()
    try:
        make(Path(words[0]), words[2])
    except SimembError as error:
        streams.say(f"simemb.bundled: {error}")
        return 2
    except KeyboardInterrupt:
        streams.say("stopped; the same command goes on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

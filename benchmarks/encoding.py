"""How fast is encoding? Short, medium and long texts: sentences of STS and of Wikipedia, abstracts of SciFact.

    python benchmarks/encoding.py PATH/minilm-l4-mlm [--models base 6x384 12x768] [--kinds short medium long]
    python benchmarks/encoding.py PATH/minilm-l4-mlm --own-backend

Alternating in one run: simemb; sentence-transformers with its default batch of 32, with the fastest batch of 8, 16, 32,
64 and 128 for these texts, on ONNX Runtime and on OpenVINO (see runtimes.py); bfloat16 of simemb and of
sentence-transformers with both batches; and int8 of simemb and of OpenVINO. From
strings to float32 vectors, tokenizing included, with texts cut to 256 tokens. Mean pooling; Wikipedia also with [CLS].
`differences` holds the largest difference of a component from the float32 vectors of sentence-transformers. Useful
operations: see flops.py. Results: benchmarks/results/encoding.json.

With --own-backend, in an environment with optimum-intel (the README says which), OpenVINO runs in
sentence-transformers' own backend (see own_backend.py), and the results go to encoding_own_backend.json.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import own_backend
import runtimes
import torch
from flops import forward, matrix_peak
from models import arguments, configuration, directories, lengths, prepare
from record import add
from runtimes import AbsentError, Encode, encode_with
from texts import KINDS, texts, wiki
from timing import Program, alternate, clock

LONGEST = 256
WORK = 3e11
"""Useful operations of one pass, about two seconds: the number of texts follows from it."""
FEWEST, MOST = {"short": 64, "medium": 64, "long": 16}, {"short": 4096, "medium": 4096, "long": 512}
SIZES = (8, 16, 32, 64, 128)


Makers = dict[str, Callable[[], Encode]]


def programs(
    model: Path, pooling: str, folder: Path, *, own_backend: bool, other_runtimes: bool = True
) -> dict[str, Encode]:
    """Every program that can run here; prints why another cannot."""
    place = (model, pooling, LONGEST)
    makers: Makers = {
        "simemb": partial(runtimes.simemb, *place),
        "simemb int8": partial(runtimes.simemb, *place, "int8"),
        "simemb bf16": partial(runtimes.simemb, *place, "bf16"),
        "sentence-transformers": lambda: encode_with(runtimes.sentence_transformer(*place)),
        "sentence-transformers bf16": lambda: encode_with(runtimes.sentence_transformer(*place, torch.bfloat16)),
    }
    if other_runtimes:
        makers |= _own_runtimes(place, folder) if own_backend else _direct_runtimes(place, folder)
    encoders: dict[str, Encode] = {}
    for name, make in makers.items():
        try:
            encoders[name] = make()
        except AbsentError as reason:
            print(f"{name}: left out, {reason}", flush=True)
    return encoders


def _direct_runtimes(place: tuple[Path, str, int], folder: Path) -> Makers:
    return {
        "ONNX Runtime": partial(runtimes.onnx, *place, folder),
        "OpenVINO f32": partial(runtimes.openvino, *place),
        "OpenVINO default": partial(runtimes.openvino, *place, "default"),
        "OpenVINO int8": partial(runtimes.openvino, *place, "int8", wiki(runtimes.CALIBRATION)),
    }


def _own_runtimes(place: tuple[Path, str, int], folder: Path) -> Makers:
    return {
        "OpenVINO f32": partial(own_backend.openvino, *place, folder),
        "OpenVINO default": partial(own_backend.openvino, *place, folder, "default"),
        "OpenVINO int8": partial(own_backend.openvino, *place, folder, "int8", wiki(runtimes.CALIBRATION)),
    }


def best_batch_size(encoder: Any, sentences: list[str]) -> tuple[int, dict[str, float]]:
    """sentence-transformers' fastest batch size for these texts, and the seconds of each size (the better of two)."""
    sizes = [size for size in SIZES if size <= len(sentences)]
    encode_with(encoder)(sentences[:32])
    programs = {str(size): clock(partial(encode_with(encoder, size), sentences)) for size in sizes}
    seconds = {size: min(times) for size, times in alternate(programs, rounds=2).items()}
    return int(min(seconds, key=seconds.__getitem__)), seconds


def measure(
    name: str, model: Path, kind: str, pooling: str, encoders: dict[str, Encode], rounds: int
) -> dict[str, Any]:
    """The line of one model on one kind of text."""
    config = configuration(model)
    sentences = enough(config, model, kind)
    useful = forward(config, lengths(model, sentences, LONGEST))
    peer = runtimes.sentence_transformer(model, pooling, LONGEST)
    size, sweep = best_batch_size(peer, sentences)
    encoders = {**encoders, "sentence-transformers, best batch": encode_with(peer, size)}
    half = runtimes.sentence_transformer(model, pooling, LONGEST, torch.bfloat16)
    half_size, half_sweep = best_batch_size(half, sentences)
    encoders["sentence-transformers bf16, best batch"] = encode_with(half, half_size)
    print(f"{name}, {kind}, {pooling}: {len(sentences)} texts, best batch {size}", flush=True)
    truth = encoders["sentence-transformers"](sentences)
    differences = {
        program: float(np.abs(encode(sentences) - truth).max())  # this also warms every program up
        for program, encode in encoders.items()
    }
    cosine = least_cosine(encoders["simemb bf16"](sentences), truth) if "simemb bf16" in encoders else None
    peaks: list[float] = []
    timed: dict[str, Program] = {program: clock(partial(encode, sentences)) for program, encode in encoders.items()}
    timed["matrix peak"] = clock(lambda: peaks.append(matrix_peak(config)))
    seconds = alternate(timed, rounds)
    del seconds["matrix peak"]
    return {
        "model": name,
        "kind": kind,
        "pooling": pooling,
        "texts": len(sentences),
        "mean_tokens": mean(lengths(model, sentences, LONGEST)),
        "best_batch_size": size,
        "sweep": sweep,
        "best_batch_size_bf16": half_size,
        "sweep_bf16": half_sweep,
        "least_cosine_bf16": cosine,
        "seconds": seconds,
        "differences": differences,
        "largest_component": float(np.abs(truth).max()),
        "useful_operations": useful,
        "peak": median(peaks),
    }


def least_cosine(vectors: Any, truth: Any) -> float:
    """The smallest cosine of a text's vector to the one in float32."""
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(truth, axis=1)
    return float(((vectors * truth).sum(1) / norms).min())


def enough(config: Any, model: Path, kind: str) -> list[str]:
    """Texts of a kind, as many as `WORK` allows between `FEWEST` and `MOST`."""
    sample = lengths(model, texts(kind, 256), LONGEST)
    count = round(WORK / (forward(config, sample) / len(sample)))
    return texts(kind, max(FEWEST[kind], min(MOST[kind], count)))


def main() -> None:
    """Measure every requested model."""
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--poolings", nargs="+", default=["mean", "cls"], choices=["mean", "cls"])
    parser.add_argument("--own-backend", action="store_true")
    parser.add_argument("--no-runtimes", dest="runtimes", action="store_false", help="without ONNX and OpenVINO")
    options = parser.parse_args()
    prepare(options)
    question = "encoding_own_backend" if options.own_backend else "encoding"
    with directories(options) as paths, tempfile.TemporaryDirectory() as folder:
        for name, model in paths.items():
            for pooling in options.poolings:
                how = {"own_backend": options.own_backend, "other_runtimes": options.runtimes}
                encoders = programs(model, pooling, Path(folder), **how)
                for kind in options.kinds:
                    if pooling == "mean" or kind == "medium":
                        line = measure(name, model, kind, pooling, encoders, options.rounds)
                        add(question, f"{name}, {kind}, {pooling}", line)


if __name__ == "__main__":
    main()

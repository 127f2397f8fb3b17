"""The programs that encode: simemb, sentence-transformers, and sentence-transformers on other runtimes.

sentence-transformers' own ONNX and OpenVINO backends need optimum-onnx and optimum-intel, which support older versions
of transformers (the README of the benchmarks says which). So the exported network replaces the one inside a
`SentenceTransformer`, as in those backends; tokenizing, sorting, batching and pooling remain sentence-transformers'.
"""

import inspect
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

Vectors = np.ndarray[Any, Any]
Encode = Callable[[list[str]], Vectors]

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""What a network takes; families without token types take the first two."""
CALIBRATION = 300
"""Sentences that int8 is calibrated on, as many as sentence-transformers uses."""


class AbsentError(Exception):
    """The reason why a program cannot run here."""


def simemb(model: Path, pooling: str, longest: int, precision: str | None = None) -> Encode:
    """`Encoder.encode`."""
    from simemb import Encoder
    from simemb.errors import ModelError

    options = {} if precision is None else {"precision": precision}
    if options and "precision" not in inspect.signature(Encoder.load).parameters:
        raise AbsentError("this simemb has no Encoder.load(precision=...)")
    try:
        encoder = Encoder.load(model, pooling=pooling, max_length=longest, **options)
    except ModelError as reason:
        raise AbsentError(str(reason)) from reason
    return lambda texts: encoder.encode(texts, progress=False)


def sentence_transformer(model: Path, pooling: str, longest: int, dtype: torch.dtype = torch.float32) -> Any:
    """The same weights, pooling and length as a `SentenceTransformer`."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    transformer = Transformer(str(model), max_seq_length=longest, model_kwargs={"dtype": dtype})
    pooled = Pooling(transformer.get_embedding_dimension(), pooling)
    return SentenceTransformer(modules=[transformer, pooled], device="cpu")


def encode_with(encoder: Any, batch_size: int = 32) -> Encode:
    """`SentenceTransformer.encode`; 32 sentences are its default."""
    return lambda texts: encoder.encode(texts, batch_size=batch_size, show_progress_bar=False)


class _Backbone(nn.Module):
    """The network as a function of tensors, so that it can be exported."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> Any:
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        return self.network(input_ids=input_ids, attention_mask=attention_mask, **types).last_hidden_state


class _Runtime(nn.Module):
    """Replaces the network in a `SentenceTransformer`."""

    def __init__(self, config: Any, run: Callable[[dict[str, Vectors]], Vectors]) -> None:
        super().__init__()
        self.config, self.run = config, run

    def forward(self, **tensors: Any) -> Any:
        hidden = self.run({name: tensors[name].numpy() for name in INPUTS if name in tensors})
        return SimpleNamespace(last_hidden_state=torch.from_numpy(hidden))


def onnx(model: Path, pooling: str, longest: int, folder: Path) -> Encode:
    """ONNX Runtime, float32, with all of its graph optimizations (its default)."""
    try:
        import onnx  # noqa: F401
        import onnxruntime
    except ImportError as error:
        raise AbsentError(f"{error.name} is not installed") from error
    encoder = sentence_transformer(model, pooling, longest)
    path, example = folder / f"{model.name}.onnx", _example(encoder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer; each benchmark compares the vectors
        torch.onnx.export(
            _Backbone(encoder[0].model).eval(),
            tuple(example.values()),
            path,
            input_names=list(example),
            output_names=["hidden"],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in (*example, "hidden")},
            opset_version=18,
            dynamo=False,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    encoder[0].model = _Runtime(encoder[0].model.config, lambda arrays: session.run(None, arrays)[0])
    return encode_with(encoder)


def openvino(
    model: Path, pooling: str, longest: int, precision: str = "f32", calibration: Sequence[str] = ()
) -> Encode:
    """OpenVINO in "f32", in "default" precision (bfloat16 where the processor has it), or in "int8".

    int8: weights and activations, by nncf's quantization for transformers with the sentences of `calibration`, as in
    sentence-transformers' `export_static_quantized_openvino_model`; the rest is computed in the default precision.
    """
    try:
        import openvino as runtime
    except ImportError as error:
        raise AbsentError(f"{error.name} is not installed") from error
    encoder = sentence_transformer(model, pooling, longest)
    network = encoder[0].model
    graph = runtime.convert_model(_Backbone(network).eval(), example_input=_example(encoder))
    if precision == "int8":
        graph = _quantized(graph, encoder, calibration)
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    if precision == "f32":
        settings["INFERENCE_PRECISION_HINT"] = "f32"
    compiled = runtime.Core().compile_model(graph, "CPU", settings)
    encoder[0].model = _Runtime(network.config, lambda arrays: compiled(arrays)[0])
    return encode_with(encoder)


def _quantized(graph: Any, encoder: Any, calibration: Sequence[str]) -> Any:
    try:
        import nncf
    except ImportError as error:
        raise AbsentError(f"{error.name} is not installed") from error
    batches = [_arrays(encoder, [text]) for text in calibration[:CALIBRATION]]
    return nncf.quantize(graph, nncf.Dataset(batches), subset_size=len(batches), model_type=nncf.ModelType.TRANSFORMER)


def _example(encoder: Any) -> dict[str, torch.Tensor]:
    """The network's input tensors for two sentences of different lengths."""
    features = encoder.preprocess(["a sentence", "and one that is longer"])
    return {name: features[name] for name in INPUTS if name in features}


def _arrays(encoder: Any, texts: list[str]) -> dict[str, Vectors]:
    features = encoder.preprocess(texts)
    return {name: features[name].numpy() for name in INPUTS if name in features}

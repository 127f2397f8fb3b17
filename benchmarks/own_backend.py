"""sentence-transformers' own OpenVINO backend, for an environment in which optimum-intel works.

Export, quantization and loading follow sentence-transformers' documentation; int8 is calibrated on sentences of a local
file.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import runtimes
from runtimes import AbsentError, Encode, encode_with

LATENCY = {"PERFORMANCE_HINT": "LATENCY"}


def openvino(
    model: Path, pooling: str, longest: int, folder: Path, precision: str = "f32", calibration: Sequence[str] = ()
) -> Encode:
    """`SentenceTransformer(backend="openvino")` in "f32", in its "default" precision, or in "int8"."""
    try:
        import optimum.intel.openvino  # noqa: F401
    except ImportError as error:
        raise AbsentError(f"sentence-transformers' OpenVINO backend cannot be used here ({error})") from error
    from sentence_transformers import SentenceTransformer

    saved = folder / f"{model.name}-{pooling}"
    settings = LATENCY | ({"INFERENCE_PRECISION_HINT": "f32"} if precision == "f32" else {})
    if not (saved / "openvino").exists():
        runtimes.sentence_transformer(model, pooling, longest).save(str(saved))
        SentenceTransformer(str(saved), backend="openvino", device="cpu").save_pretrained(str(saved))
    options = {"ov_config": settings, "file_name": "openvino/openvino_model.xml"}
    if precision == "int8":
        options["file_name"] = _quantized(saved, calibration)
    return encode_with(SentenceTransformer(str(saved), backend="openvino", model_kwargs=options, device="cpu"))


def _quantized(saved: Path, calibration: Sequence[str]) -> str:
    """The file of the int8 model, which `export_static_quantized_openvino_model` writes next to the float32 one."""
    from optimum.intel import OVQuantizationConfig
    from sentence_transformers import SentenceTransformer, export_static_quantized_openvino_model

    texts = saved.parent / f"{saved.name}-calibration"
    texts.mkdir(exist_ok=True)
    with (texts / "train.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["text"], *([text] for text in calibration)])
    export_static_quantized_openvino_model(
        SentenceTransformer(str(saved), backend="openvino", device="cpu"),
        OVQuantizationConfig(num_samples=len(calibration)),
        str(saved),
        dataset_name=str(texts),
        dataset_config_name="default",
        dataset_split="train",
        column_name="text",
    )
    return "openvino/openvino_model_qint8_quantized.xml"

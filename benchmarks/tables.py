"""The tables of benchmarks/README.md, one or two for each question, from its result file.

A ratio is the peer's time over simemb's, by the medians over the rounds; the lowest and the highest ratio of a round
follow in parentheses.
"""

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Any

from timing import ratio

Line = dict[str, Any]
Result = dict[str, Any]
OURS, THEIRS, BEST = "simemb", "sentence-transformers", "sentence-transformers, best batch"


def page(results: dict[str, Result]) -> str:
    """All tables, those of `QUESTIONS` first."""
    order = [*QUESTIONS, *(name for name in sorted(results) if name not in QUESTIONS)]
    return "\n\n".join(section(name, results[name]) for name in order if name in results)


def section(name: str, result: Result) -> str:
    """The title, the tables, and what they were measured on."""
    title, tables = QUESTIONS.get(name, (name, [generic]))
    if "lines" not in result:
        return f"### {title}\n\n{single(result)}\n\n{provenance([result])}"
    parts = [f"### {title}"]
    for lines in by_machine(result["lines"]).values():
        texts = (table(list(lines.values())) for table in tables)
        parts += [text for text in texts if text] + [provenance(list(lines.values()))]
    return "\n\n".join(parts)


def by_machine(lines: dict[str, Line]) -> dict[str, dict[str, Line]]:
    """The lines of each machine, the machine of the newest line first: a table never mixes machines."""
    groups: dict[str, dict[str, Line]] = {}
    for key, line in sorted(lines.items(), key=lambda item: item[1]["date"], reverse=True):
        groups.setdefault(line["machine"], {})[key] = line
    return groups


def provenance(lines: list[Line]) -> str:
    """The machines, days and versions of these lines, each once."""

    def once(values: Iterable[str]) -> str:
        return "; ".join(dict.fromkeys(values))

    versions: dict[str, dict[str, None]] = {}
    for line in lines:
        for package, number in line["versions"].items():
            versions.setdefault(package, {})[number] = None
    packages = ", ".join(f"{package} {' and '.join(numbers)}" for package, numbers in versions.items())
    return f"Measured on {once(line['machine'] for line in lines)}; {once(line['date'] for line in lines)}; {packages}."


def grid(heads: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """A Markdown table; the first `words` columns are text, the others numbers."""
    marks = ["---"] * words + ["---:"] * (len(heads) - words)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, marks, *rows))


def times(seconds: dict[str, list[float]], peer: str, ours: str = OURS) -> str:
    """The ratio of two programs; a dash if one was not measured."""
    if peer not in seconds or ours not in seconds:
        return "-"
    middle, low, high = ratio(seconds[peer], seconds[ours])
    return f"**{middle:.2f}x** ({low:.2f} to {high:.2f})"


def share(line: Line, operations: float, seconds: list[float]) -> str:
    """The percentage of the matrix peak."""
    return f"{100 * operations / median(seconds) / line['peak']:.0f} %"


# ---- one function a table ------------------------------------------------------------------------------


def training(lines: list[Line]) -> str:
    """Seconds per step, ratios and shares of the peak."""
    heads = ["model", "task", "step, simemb", "beside sentence-transformers", "beside the padded loop"]
    heads += ["peak, GFLOP/s", "simemb", "sentence-transformers", "padded loop"]
    rows: list[list[str]] = []
    for line in lines:
        seconds, operations = line["seconds_per_step"], line["useful_operations_per_step"]
        task = f"{line['task']}, batch {line['batch']}, {line['mean_tokens']:.0f} tokens on average"
        shares = [share(line, operations, seconds[program]) for program in (OURS, THEIRS, "padded loop")]
        ratios = [times(seconds, THEIRS), times(seconds, "padded loop")]
        peak = f"{line['peak'] / 1e9:.0f}"
        rows.append([line["model"], task, f"{median(seconds[OURS]):.3f} s", *ratios, peak, *shares])
    return grid(heads, rows, words=2)


def encoding(lines: list[Line]) -> str:
    """Float32: texts per second, ratios, shares of the peak, and the difference of vectors."""
    heads = ["model", "text, pooling", "simemb, texts/s", "beside the default", "beside the best batch", "ONNX Runtime"]
    heads += ["OpenVINO f32", "OpenVINO default", "of the peak: simemb", "its default", "difference of vectors"]
    rows: list[list[str]] = []
    for line in lines:
        seconds, operations = line["seconds"], line["useful_operations"]
        best = f"{times(seconds, BEST)} at {line['best_batch_size']}"
        others = [times(seconds, name) for name in ("ONNX Runtime", "OpenVINO f32", "OpenVINO default")]
        shares = [share(line, operations, seconds[program]) for program in (OURS, THEIRS)]
        rate = f"{line['texts'] / median(seconds[OURS]):,.0f}"
        difference = f"{line['differences'][OURS]:.1e}"
        row = [line["model"], _text(line), rate, times(seconds, THEIRS), best, *others, *shares, difference]
        rows.append(row)
    return grid(heads, rows, words=2)


def encoding_int8(lines: list[Line]) -> str:
    """Int8: ratios and differences; empty if no int8 was measured."""
    heads = ["model", "text, pooling", "simemb int8 beside the float32 default", "beside simemb float32"]
    heads += ["beside OpenVINO int8", "OpenVINO int8 beside the float32 default", "difference: simemb int8"]
    heads += ["OpenVINO int8", "OpenVINO default", "largest component"]
    rows: list[list[str]] = []
    for line in lines:
        seconds, ours, theirs = line["seconds"], "simemb int8", "OpenVINO int8"
        if ours in seconds or theirs in seconds:
            ratios = [times(seconds, peer, ours) for peer in (THEIRS, OURS, theirs)] + [times(seconds, THEIRS, theirs)]
            values = [line["differences"].get(name) for name in (ours, theirs, "OpenVINO default")]
            differences = ["-" if value is None else f"{value:.3f}" for value in [*values, line["largest_component"]]]
            rows.append([line["model"], _text(line), *ratios, *differences])
    return grid(heads, rows, words=2) if rows else ""


def training_bf16(lines: list[Line]) -> str:
    """Training with bfloat16: ratios; empty if it was not measured."""
    heads = ["model", "task", "step, simemb bf16", "beside simemb float32", "beside sentence-transformers bf16"]
    heads += ["sentence-transformers bf16 beside its float32"]
    rows: list[list[str]] = []
    for line in lines:
        seconds, ours, theirs = line["seconds_per_step"], "simemb bf16", "sentence-transformers bf16"
        if ours in seconds:
            ratios = [times(seconds, OURS, ours), times(seconds, theirs, ours), times(seconds, THEIRS, theirs)]
            rows.append([line["model"], line["task"], f"{median(seconds[ours]):.3f} s", *ratios])
    return grid(heads, rows, words=2) if rows else ""


def encoding_bf16(lines: list[Line]) -> str:
    """Bfloat16: ratios and differences; empty if it was not measured."""
    heads = ["model", "text, pooling", "simemb bf16 beside simemb float32", "beside sentence-transformers bf16"]
    heads += ["at its best batch", "beside OpenVINO default", "beside sentence-transformers float32", "least cosine"]
    rows: list[list[str]] = []
    for line in lines:
        seconds, ours = line["seconds"], "simemb bf16"
        if ours in seconds:
            best = f"{times(seconds, f'{THEIRS} bf16, best batch', ours)} at {line['best_batch_size_bf16']}"
            ratios = [times(seconds, peer, ours) for peer in (OURS, f"{THEIRS} bf16")]
            others = [times(seconds, peer, ours) for peer in ("OpenVINO default", THEIRS)]
            rows.append([line["model"], _text(line), *ratios, best, *others, f"{line['least_cosine_bf16']:.6f}"])
    return grid(heads, rows, words=2) if rows else ""


def _text(line: Line) -> str:
    return f"{line['kind']} ({line['mean_tokens']:.0f} tokens), {line['pooling']}"


def memory(lines: list[Line]) -> str:
    """Peak and growth, by program and batch."""
    first = {line["model"]: line for line in lines if line["program"] == OURS and line["batch"] == 64}
    heads = ["model", "program", "batch", "peak, MiB", "of it training, MiB", "peak over simemb's at batch 64"]
    rows: list[list[str]] = []
    for line in sorted(lines, key=lambda line: (line["model"], line["program"], line["batch"])):
        cells = [f"more than {line['limit_gib']:g} GiB", "-", "-"]
        if line["peak"] is not None:
            peak, grown = line["peak"] / 2**20, (line["peak"] - line["before"]) / 2**20
            base = first.get(line["model"])
            over = f"{line['peak'] / base['peak']:.2f}" if base and base["peak"] else "-"
            cells = [f"{peak:,.0f}", f"{grown:,.0f}", over]
        rows.append([line["model"], line["program"], str(line["batch"]), *cells])
    return grid(heads, rows, words=2)


def tokenizing(lines: list[Line]) -> str:
    """Tokens per second with an empty cache, and seconds with the cache."""
    heads = ["tokenizer", "sentences", "simemb, million tokens/s", "beside datasets.map", "opened again and read"]
    heads += ["beside datasets"]
    rows: list[list[str]] = []
    for line in lines:
        seconds = line["seconds"]
        rate = f"{line['tokens'] / median(seconds['simemb, first']) / 1e6:.2f}"
        again = f"{median(seconds['simemb, again']):.3f} s"
        first = times(seconds, "datasets, first", "simemb, first")
        second = times(seconds, "datasets, again", "simemb, again")
        rows.append([line["tokenizer"], f"{line['sentences']:,}", rate, first, again, second])
    return grid(heads, rows)


def search(lines: list[Line]) -> str:
    """Build and search."""
    heads = ["kind", "vectors", "build, simemb", "beside FAISS", "1,000 queries", "beside FAISS", "one query"]
    heads += ["beside FAISS", "same hits"]
    rows: list[list[str]] = []
    for line in lines:
        seconds = line["seconds"]
        cells: list[str] = []
        for what, unit, scale in (("build", "s", 1), ("together", "ms", 1000), ("one by one", "ms", 10)):
            cells += [f"{scale * median(seconds[f'simemb, {what}']):.2f} {unit}"]
            cells += [times(seconds, f"FAISS, {what}", f"simemb, {what}")]
        rows.append([line["kind"], f"{line['texts']:,} x {line['dim']}", *cells, f"{100 * line['same_hits']:.1f} %"])
    return grid(heads, rows, words=2)


def serving(lines: list[Line]) -> str:
    """Requests a second, and the time of one."""
    heads = [
        "model",
        "clients",
        "requests a second, simemb",
        "beside FastAPI",
        "p50, simemb",
        "p50",
        "p99, simemb",
        "p99",
    ]
    rows: list[list[str]] = []
    for line in sorted(lines, key=lambda line: (line["model"], line["clients"])):
        ours, theirs = line["simemb"], line["peer"]
        cells = [line["model"], str(line["clients"]), f"{ours['per_second']:.0f}", f"**{line['ratio']:.2f}x**"]
        for share in ("p50", "p99"):
            cells += [f"{ours[share]:.1f} ms", f"{theirs[share]:.1f} ms"]
        rows.append(cells)
    return grid(heads, rows)


def suite(lines: list[Line]) -> str:
    """The whole suite."""
    heads = ["model", "sentences of both sides", "distinct", "simemb", "beside sentence-transformers"]
    rows: list[list[str]] = []
    for line in lines:
        counts = [f"{line[what]:,}" for what in ("sentences", "distinct")]
        ours = f"{median(line['seconds'][OURS]):.1f} s"
        rows.append([line["model"], *counts, ours, times(line["seconds"], THEIRS)])
    return grid(heads, rows)


def bundled(lines: list[Line]) -> str:
    """Texts a second of the encoder that ships, beside a larger model in its own library."""
    heads = ["texts", "mini in simemb, texts/s", "beside it", "its texts/s", "ratio"]
    rows: list[list[str]] = []
    for line in lines:
        seconds = line["seconds"]
        ours, theirs = (f"{line['count'] / median(seconds[name]):,.0f}" for name in (OURS, THEIRS))
        rows.append([line["texts"], ours, line["peer"], theirs, times(seconds, THEIRS)])
    return grid(heads, rows)


def cold(lines: list[Line]) -> str:
    """Seconds to the first vector."""
    heads = ["model", "simemb", "sentence-transformers", "ratio", "of its time"]
    rows: list[list[str]] = []
    for line in lines:
        seconds = line["seconds"]
        ours, theirs = median(seconds[OURS]), median(seconds[THEIRS])
        percent = f"{100 * ours / theirs:.0f} %"
        rows.append([line["model"], f"{ours:.2f} s", f"{theirs:.2f} s", times(seconds, THEIRS), percent])
    return grid(heads, rows)


def startup(lines: list[Line]) -> str:
    """Seconds of each command."""
    rows = [[line["command"], f"{median(line['seconds']):.3f} s"] for line in lines]
    return grid(["command", "median"], rows)


def single(result: Result) -> str:
    """A question with a single line; its plain values if it names no peer."""
    if "ratio" not in result:
        return generic([result])
    rounds = f" ({min(result['ratios']):.2f} to {max(result['ratios']):.2f})" if "ratios" in result else ""
    row = [result["what"], result["peer"], f"**{result['ratio']:.2f}x**{rounds}"]
    return grid(["what", "peer", "ratio"], [row], words=2)


def generic(lines: list[Line]) -> str:
    """The table of any other question: every plain value of its lines."""
    provenance_fields = ("date", "machine", "versions", "others")
    heads = list(dict.fromkeys(name for line in lines for name in line if name not in provenance_fields))
    heads = [name for name in heads if not any(isinstance(line.get(name), dict | list) for line in lines)]
    return grid(heads, ([_plain(line.get(name, "")) for name in heads] for line in lines), words=0)


def _plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


QUESTIONS: dict[str, tuple[str, list[Callable[[list[Line]], str]]]] = {
    "training": ("Training", [training, training_bf16]),
    "encoding": ("Encoding", [encoding, encoding_bf16, encoding_int8]),
    "encoding_own_backend": ("Encoding, OpenVINO as sentence-transformers' own backend", [encoding, encoding_int8]),
    "bundled": ("`mini` beside all-MiniLM-L6-v2, each in its own library at its defaults", [bundled]),
    "memory": ("Memory of training", [memory]),
    "suite": ("The whole `sts` suite", [suite]),
    "tokenizing": ("Tokenizing", [tokenizing]),
    "search": ("Search", [search]),
    "serving": ("Serving, beside sentence-transformers behind FastAPI", [serving]),
    "cold": ("Time to the first vector, cold", [cold]),
    "startup": ("Start-up", [startup]),
    "filling": ("Batches filled to a round number of tokens", [generic]),
}

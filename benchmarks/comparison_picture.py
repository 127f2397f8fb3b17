"""The picture of the comparison: the average of the seven tasks of every method, with its three seeds."""

from pathlib import Path
from statistics import mean
from typing import Any

PLACE = Path(__file__).resolve().parent.parent / "docs" / "comparison.svg"
COLORS = {"wiki": "#2f6fb0", "wiki_running": "#2f6fb0", "nli": "#c2571a", "stsb": "#c2571a"}


def write(groups: dict[str, list[dict[str, Any]]], before: dict[str, Any] | None) -> None:
    """Draw all methods, the best on top; nothing if there are none."""
    if not groups or before is None:
        return
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "simemb"  # the same picture from the same records
    from matplotlib import pyplot

    order = sorted(groups, key=lambda name: mean(run["average"] for run in groups[name]))
    figure, axes = pyplot.subplots(figsize=(7, 0.6 + 0.2 * len(order)))
    for place, name in enumerate(order):
        values = [run["average"] for run in groups[name]]
        color = COLORS[groups[name][0]["data"]]
        axes.plot([min(values), max(values)], [place, place], color=color, linewidth=1)
        axes.plot(values, [place] * len(values), "o", color=color, markersize=3)
    axes.axvline(before["average"], color="#777777", linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(order)), order, fontsize=8)
    axes.set_xlabel("average of STS12-16, STS-B and SICK-R; dashed: the base; blue: without labels, orange: with")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.8, len(order) - 0.2)
    figure.tight_layout()
    figure.savefig(PLACE, metadata={"Date": None})

"""What a server counts, in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats).

Names are `simemb_*`; a histogram has the cumulative `_bucket`, `_sum` and `_count` of that format.
"""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0)

Labels = tuple[tuple[str, str], ...]


class Histogram:
    """How often a value was in each of some ranges, whose upper ends are `bounds`."""

    def __init__(self, bounds: tuple[float, ...]):
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Metrics:
    """Counters and histograms that any thread may add to.

    COUNTERS, HISTOGRAMS: what there is, with its help text; a histogram also has its bounds.
    """

    COUNTERS: Mapping[str, str] = {
        "simemb_requests_total": "Requests that were answered, by route and status.",
        "simemb_texts_total": "Texts that were computed.",
        "simemb_tokens_total": "Tokens that were computed.",
        "simemb_truncated_texts_total": "Texts that were longer than the model takes, and were cut.",
    }
    HISTOGRAMS: Mapping[str, tuple[str, tuple[float, ...]]] = {
        "simemb_request_seconds": ("Seconds from the head of a request to the end of its answer, by route.", SECONDS),
        "simemb_queue_seconds": ("Seconds that a request waited before its first text was computed.", SECONDS),
        "simemb_batch_tokens": ("Tokens that were computed together.", SIZES),
        "simemb_batch_requests": ("Requests whose texts were computed together.", SIZES),
    }

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[str, Counter[Labels]] = {name: Counter() for name in self.COUNTERS}
        self._histograms: dict[str, dict[Labels, Histogram]] = {name: {} for name in self.HISTOGRAMS}

    def count(self, name: str, by: int = 1, labels: Labels = ()) -> None:
        """Add to a counter."""
        with self._lock:
            self._counters[name][labels] += by

    def observe(self, name: str, value: float, labels: Labels = ()) -> None:
        """Add a value to a histogram."""
        with self._lock:
            histogram = self._histograms[name].setdefault(labels, Histogram(self.HISTOGRAMS[name][1]))
            histogram.add(value)

    def text(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """The page that Prometheus reads. gauges: what is so now, with its help text, by name."""
        with self._lock:
            lines = [*self._of_counters(), *self._of_histograms()]
        for name, (words, value) in gauges.items():
            lines += [f"# HELP {name} {words}", f"# TYPE {name} gauge", f"{name} {value:g}"]
        return "\n".join(lines) + "\n"

    def _of_counters(self) -> Iterator[str]:
        for name, words in self.COUNTERS.items():
            yield from (f"# HELP {name} {words}", f"# TYPE {name} counter")
            for labels, value in sorted((self._counters[name] or Counter({(): 0})).items()):
                yield f"{name}{_braces(labels)} {value}"

    def _of_histograms(self) -> Iterator[str]:
        for name, (words, bounds) in self.HISTOGRAMS.items():
            yield from (f"# HELP {name} {words}", f"# TYPE {name} histogram")
            for labels, histogram in sorted(self._histograms[name].items()):
                cumulated = 0
                for bound, count in zip((*map(str, bounds), "+Inf"), histogram.counts, strict=True):
                    cumulated += count
                    yield f"{name}_bucket{_braces((*labels, ('le', bound)))} {cumulated}"
                yield f"{name}_sum{_braces(labels)} {histogram.total:.9g}"
                yield f"{name}_count{_braces(labels)} {cumulated}"


def _braces(labels: Labels) -> str:
    """Labels as they stand behind a name; their values are ours and need no escaping."""
    inside = ",".join(f'{name}="{value}"' for name, value in labels)
    return f"{{{inside}}}" if labels else ""

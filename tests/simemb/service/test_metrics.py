"""The metrics are in Prometheus' text format: every sample has its help and type, and a histogram adds up."""

import re
import threading

from simemb.service.metrics import SECONDS, Metrics

SAMPLE = re.compile(r"^([a-z_]+?)(_bucket|_sum|_count)?(\{[a-z]+=\"[^\"]*\"(,[a-z]+=\"[^\"]*\")*\})? ([0-9.e+-]+)$")


def test_every_line_is_a_comment_or_a_sample_of_what_was_announced() -> None:
    metrics = Metrics()
    metrics.count("simemb_requests_total", labels=(("route", "/embed"), ("status", "200")))
    metrics.observe("simemb_request_seconds", 0.003, (("route", "/embed"),))
    announced = set[str]()
    for line in metrics.text({"simemb_texts_waiting": ("Texts.", 3.0)}).splitlines():
        if line.startswith("# TYPE "):
            announced.add(line.split()[2])
        elif not line.startswith("# HELP "):
            found = SAMPLE.match(line)
            assert found, line
            assert found[1] in announced
    assert announced == {*Metrics.COUNTERS, *Metrics.HISTOGRAMS, "simemb_texts_waiting"}


def test_a_histogram_is_cumulative_and_its_bounds_are_inclusive() -> None:
    metrics = Metrics()
    for value in (0.001, 0.0011, 99.0):
        metrics.observe("simemb_queue_seconds", value)
    lines = metrics.text({}).splitlines()
    buckets = [int(line.split()[1]) for line in lines if line.startswith("simemb_queue_seconds_bucket")]
    assert buckets == [1, *[2] * (len(SECONDS) - 1), 3]
    assert "simemb_queue_seconds_sum 99.0021" in lines
    assert "simemb_queue_seconds_count 3" in lines


def test_threads_lose_no_count() -> None:
    metrics = Metrics()

    def add() -> None:
        for _ in range(5000):
            metrics.count("simemb_texts_total")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "simemb_texts_total 20000" in metrics.text({})

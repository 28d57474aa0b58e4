"""Plain counters show what prometheus_client's own would show."""

from __future__ import annotations

import prometheus_client
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from dmz import tallies

BOUNDS = (0.002, 0.1, 1.0, 30.0)


def page(kinds, steps):
    registry = CollectorRegistry()
    counters = kinds.Counter("dmz_a_total", "A", ("x", "y"), registry=registry)
    single = kinds.Counter("dmz_b_bytes", "B", registry=registry)
    histogram = kinds.Histogram("dmz_c_seconds", "C", ("x",), registry=registry, buckets=BOUNDS)
    plain = kinds.Histogram("dmz_d_seconds", "D", registry=registry, buckets=BOUNDS)
    alone = single if kinds is prometheus_client else single.labels()
    alone_histogram = plain if kinds is prometheus_client else plain.labels()
    bound = [counters.labels("1", "2"), counters.labels("1", "3")]
    timed = histogram.labels("w")
    for which, amount in steps:
        bound[which].inc()
        alone.inc(which + 2)
        timed.observe(amount)
        alone_histogram.observe(amount / 2)
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if "_created" not in line]


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.001, 0.002, 0.05, 0.1, 2.0, 30.0, 31.0]))))
def test_the_page_is_the_same(steps):
    assert page(tallies, steps) == page(prometheus_client, steps)


def test_a_sample_can_be_asked_by_name():
    registry = CollectorRegistry()
    tallies.Counter("dmz_a_total", "A", ("x",), registry=registry).labels("1").inc()
    assert registry.get_sample_value("dmz_a_total", {"x": "1"}) == 1

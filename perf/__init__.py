"""Load from outside: drives a running hall as browsers do, with client certificates, and prints figures.

    hall           starts an installation of its own (or uses a running one) and knows its demo accounts
    ports          a run of free ports for it
    client         one browser whose connection gevent can drive; the rest of it is the visitor's
    shapes         what is typed, made from the declarations
    figures        medians, percentiles, one line a figure
    measures       the measurements of `make bench`
    locustfile     the same users for locust: `locust -f perf/locustfile.py`

Imports no zone: what it knows it has from the declarations (wire_formats) and, as every visitor, from the pages
(ops.visitor, which knows the ground only).
"""

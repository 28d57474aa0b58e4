"""Composition: turns the zones into running processes.

`runtime` is what every role needs (log, metrics page, clock, watch, pools, limits), `roles` puts
one zone's parts together per process, `supervisor` keeps the processes alive, `provision` makes an
installation, `cli` is the command line. Nothing below `ops` imports `ops`.
"""

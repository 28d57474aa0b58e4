"""Figures of the ferry: its diode beside pydiode, over a link that loses datagrams (``make bench-ferry``).

``link`` makes a network of its own in which the kernel drops a share of the datagrams; ``diode`` are the parts.  The
product is driven through its own processes (``ops.ferry_lab``): nothing here imports a zone.
"""

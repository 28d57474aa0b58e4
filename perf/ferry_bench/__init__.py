"""Figures of the ferry (``make bench-ferry``): its diode over a lossy link with pydiode beside it, and its media.

``link`` makes a network of its own in which the kernel drops a share of the datagrams; ``diode`` are the parts over it;
``media`` carries a medium by the operators' commands.  The product is driven through its own processes and commands
(``ops.ferry_lab``, ``ferrygate ferry media``): nothing here imports a zone.
"""

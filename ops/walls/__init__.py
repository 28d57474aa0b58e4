"""Walls around a process, put up by itself and never taken down: which files, which sockets, which system calls.

``landlock`` bounds files and TCP ports, ``seccomp`` bounds system calls; ``walls`` says what a role may keep.
They hold whoever started the process: by hand, by ``ferrygate up`` or by a service manager (``ops.units``).
"""

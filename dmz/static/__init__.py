"""The static role: style sheet and pictures, held in memory, named by their content.

    assets   a folder → files with digest, type and compressed form; addresses that never change their meaning
    handler  a handler for the same port as the workers' (``dmz.switch.worker_port``)

Invariant: nothing that a user sends reaches the file system; the map is complete before the first request.
"""

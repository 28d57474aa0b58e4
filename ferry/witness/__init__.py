"""The witnessed log (存证日志) of one half: every crossing a leaf, every second a checkpoint for the other half.

Map
    queue         leaves wait in the journal's own transactions, so that crossing and leaf are one commit
    files         one log on disk: entries, tree nodes, material of proof, checkpoints
    own_log       moves leaves from the queue into the files, signs checkpoints, begins the next log
    judgement     pure: whether the other half's new tree continues the one that was cosigned last
    peer          the other half's checkpoints: judged, kept, then cosigned
    station       both, driven by the half: what is sent over the control lane, and what is done on arrival
    reading       a log's folder as an auditor or a writer of evidence sees it; evidence, audit stand on it

Invariants
    A leaf is committed with the state of its crossing, or neither is.
    No checkpoint is signed before its leaves are on the disk; what was signed is never cut off again.
    No tree is cosigned that does not continue the last one cosigned, and none before it is kept.
    A log that was damaged stops the half at its start; a fork of the other half's log is an alarm.

Source: DESIGN invariant 10; research, section 7, point 8; docs/witnessed-log.md.
"""

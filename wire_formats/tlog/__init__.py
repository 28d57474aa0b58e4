"""The witnessed log (存证日志): trees that only grow, signed checkpoints, proofs that need no log to be read.

Map
    tree         positions of nodes on disk, roots, inclusion and consistency proofs over stored nodes
    note         C2SP signed notes: texts with signature lines
    checkpoint   a log's origin, size and root as a note; cosignatures of a witness
    submission   a checkpoint with its consistency proof, as a witness is asked to cosign it
    proof        one entry's inclusion proof with the checkpoint it leads to, as a file
    crossing     what one crossing says in the log: a record of fixed length
    evidence     everything that proves one crossing, or one request or answer in it

Everything here is text or bytes to values and back: parse -> format gives the same bytes, or PeerError.

Source: RFC 9162, 2.1; C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-witness (v1.0.0), tlog-proof.
"""

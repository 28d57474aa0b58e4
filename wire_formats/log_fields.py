"""Which fields may appear in a log line; everything else is redacted.

A list of what is allowed, not of what is forbidden: a new field is private until someone has
thought about it.  Names, identity numbers, passwords, cookies and bodies are never allowed.
"""

from __future__ import annotations

from typing import Final

#: Field name -> what it holds.
ALLOWED: Final[dict[str, str]] = {
    "address": "remote address of a connection",
    "age_ms": "age in milliseconds",
    "bytes": "size in bytes",
    "child": "number of a forked child",
    "code": "public error code, FG-nnnn",
    "count": "how many",
    "duration_ms": "time taken, milliseconds",
    "epoch": "epoch of a lane or list",
    "exit_code": "exit status of a process",
    "file": "name of a file inside a known directory",
    "holder": "name of a role or part",
    "lane": "lane name",
    "limit": "a limit that was reached",
    "method": "HTTP method",
    "offender": "address, network or certificate fingerprint that the intrusion watch counts",
    "operator": "who banned or lifted: a process, or an operator's name",
    "pid": "process id",
    "port": "TCP port",
    "profile": "certificate profile",
    "reason": "private reason, made by our own code from fixed words",
    "request_id": "request id: 32 hex digits, or the edge's id of an HTTP request",
    "resumed": "whether a TLS session was resumed",
    "role": "role of the process",
    "rule": "id of a firewall rule",
    "score": "firewall score",
    "sequence": "sequence number",
    "serial": "certificate serial number, hex",
    "service": "service code",
    "signal": "signal number",
    "stage": "stage of a pipeline",
    "state": "named state",
    "status": "HTTP or answer status",
    "until_ms": "end of a ban, milliseconds since 1970",
    "verdict": "named verdict",
    "way": "inbound or outbound",
    "window": "window name",
    "worker": "worker name",
}

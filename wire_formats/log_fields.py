"""Which fields may appear in a log line; everything else is redacted.

A list of what is allowed, not of what is forbidden: a new field is private until someone has
thought about it.  Names, identity numbers, passwords, cookies and bodies are never allowed.
"""

from __future__ import annotations

from typing import Final

#: Field name -> what it holds.
ALLOWED: Final[dict[str, str]] = {
    "account_digest": "first 8 hex digits of the SHA-256 of an account name",
    "address": "remote address of a connection",
    "age_ms": "age in milliseconds",
    "attempt": "number of the try",
    "batch": "batch id, hex",
    "bytes": "size in bytes",
    "case": "case id, hex",
    "child": "number of a forked child",
    "code": "public error code, FG-nnnn",
    "count": "how many",
    "duration_ms": "time taken, milliseconds",
    "epoch": "epoch of a lane or list",
    "exit_code": "exit status of a process",
    "file": "name of a file inside a known directory",
    "folder": "directory named by a setting",
    "gaps": "missing sequence numbers",
    "holder": "name of a role or part",
    "kid": "first 16 hex digits of a signer's key id",
    "lane": "lane name",
    "limit": "a limit that was reached",
    "mark": "high-water mark",
    "method": "HTTP method",
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
    "setting": "name of a setting",
    "signal": "signal number",
    "stage": "stage of a pipeline",
    "state": "named state",
    "status": "HTTP or answer status",
    "stream": "stream number on a socket",
    "url_path": "canonical path without parameters",
    "verdict": "named verdict",
    "version": "version of a part",
    "way": "inbound or outbound",
    "window": "window name",
    "worker": "worker name",
}

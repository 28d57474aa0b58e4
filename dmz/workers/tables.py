"""Tables of the exchange database (交换库). No column holds a name, an identity number, a wage or a password.

Times are milliseconds since 1970 UTC. ``account`` is the opaque account id of the certificate. Columns named
``sealed`` or ``private`` can be read only with a key that is not here.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table

metadata = MetaData()

session = Table(
    "session",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("secret_hash", LargeBinary(32), nullable=False),
    Column("account", String(40), nullable=False),
    Column("window", String(16), nullable=False),
    Column("certificate", LargeBinary(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    # AES-GCM under the cookie's wrapping key: grant, rights, display name, draft key ...
    Column("private", LargeBinary, nullable=False),
    Index("session_by_account", "account", "window"),
    Index("session_by_certificate", "certificate"),
    Index("session_by_end", "ends_at"),
)

draft = Table(
    "draft",
    metadata,
    Column("account", String(40), primary_key=True),
    Column("window", String(16), primary_key=True),
    Column("id", LargeBinary(16), primary_key=True),
    Column("service", String(40), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("saved_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger, nullable=True),
    Index("draft_by_end", "expires_at"),
)

request_out = Table(
    "request_out",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("account", String(40), nullable=False),
    Column("window", String(16), nullable=False),
    Column("session", LargeBinary(16), nullable=False),
    Column("worker", String(32), nullable=False),
    Column("service", String(40), nullable=False),
    Column("lane", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("saved_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_try_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger, nullable=True),
    Column("taken_at", BigInteger, nullable=True),
    Column("crossed_at", BigInteger, nullable=True),
    Column("answered_at", BigInteger, nullable=True),
    Column("batch", LargeBinary(16), nullable=True),
    Column("chunk", Integer, nullable=True),
    # Mark of the unit for which it is asked (``session.unit_mark``); rows from before it was kept have none.
    Column("unit", LargeBinary(16), nullable=True),
    Index("request_out_by_account", "account", "window", "saved_at"),
    Index("request_out_to_send", "worker", "state", "next_try_at"),
    Index("request_out_by_batch", "batch", "chunk"),
    Index("request_out_by_unit", "unit", "state"),
    Index("request_out_by_end", "expires_at"),
)

result_in = Table(
    "result_in",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("header", LargeBinary, nullable=False),
    # HPKE to the reply key of the request.
    Column("content", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("error_kind", Integer, nullable=True),
    Column("received_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("result_in_by_end", "expires_at"),
)

upload = Table(
    "upload",
    metadata,
    # The batch id of its chunks: HMAC under the account's key over service and file.
    Column("id", LargeBinary(16), primary_key=True),
    Column("account", String(40), nullable=False),
    Column("window", String(16), nullable=False),
    Column("service", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("uploaded_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("file_error", Integer, nullable=True),
    # Known once it is read: rows with content, and those of them that were sent.
    Column("rows_total", Integer, nullable=True),
    Column("rows_sent", Integer, nullable=True),
    # AES-GCM under the account's key: file name, raw rows, findings of the page check.
    Column("sealed", LargeBinary, nullable=False),
    Index("upload_by_account", "account", "window", "uploaded_at"),
    Index("upload_by_end", "expires_at"),
)

login_throttle = Table(
    "login_throttle",
    metadata,
    Column("subject", LargeBinary(32), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("locked_until", BigInteger, nullable=False),
)

form_token = Table(
    "form_token",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    # HMAC under the session's key over service and body: says "the same form again" and nothing else.
    Column("body_mark", LargeBinary(32), nullable=False),
    Column("used_for", LargeBinary(16), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("form_token_by_end", "expires_at"),
)

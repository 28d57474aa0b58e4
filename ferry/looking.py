"""Opens a half's SQLite file for somebody who only looks, while the half runs or not."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def open_to_look(path: Path) -> sqlite3.Connection:
    """Open a database in WAL mode for reading; nothing is made or changed.

    A running writer's log lies beside the file and is read with it.  Without one nobody writes, and the file alone is
    the whole: it is read as it stands, since there is no log to share.

    Raises:
        sqlite3.OperationalError: there is no such file, or it cannot be read now.
    """
    alone = not path.with_name(f"{path.name}-wal").exists()
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}", uri=True, isolation_level=None
    )

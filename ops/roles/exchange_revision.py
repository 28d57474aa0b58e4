"""Whether the exchange database needs a migration, found out without loading the migration tool.

Loading it costs every worker a fifth of its start; it is needed only after an update.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

import dmz.workers

_VERSIONS: Final = Path(dmz.workers.__file__).parent / "migrations" / "versions"
_REVISION: Final = re.compile(r"""^revision\s*(?::[^=]*)?=\s*["']([^"']+)["']""", re.MULTILINE)
_BEFORE: Final = re.compile(r"""^down_revision\s*(?::[^=]*)?=\s*["']([^"']+)["']""", re.MULTILINE)


def bring_up_to_date(engine: Engine) -> None:
    """Upgrade the exchange database if it is not at the newest revision."""
    if present_revision(engine) == newest_revision():
        return
    from dmz.workers import migrate

    migrate.upgrade(engine)


def newest_revision() -> str:
    """Give the revision this code was made for: the one no other follows."""
    revisions: set[str] = set()
    followed: set[str] = set()
    for path in _VERSIONS.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        revisions.update(_REVISION.findall(source))
        followed.update(_BEFORE.findall(source))
    (newest,) = revisions - followed
    return newest


def present_revision(engine: Engine) -> str:
    """Give the database's revision; nothing when it has none."""
    try:
        with engine.connect() as connection:
            found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            return found or ""
    except SQLAlchemyError:
        return ""

"""Shared column builders, the one MetaData, and the list of insert-only tables.

Every column carries as its comment the standard code (LB 101 family, e.g. aac002) and the Chinese term, so that
exports can use the standard vocabulary while code stays in plain English.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Integer, LargeBinary, MetaData, String

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

DISTRICT_LENGTH = 6
REFERENCE_LENGTH = 40
CASE_ID_LENGTH = 32
ACCOUNT_ID_LENGTH = 40

INSERT_ONLY = "insert_only"
"""Key of `Table.info` that marks a table whose rows are never updated or deleted (triggers enforce it)."""
NO_UPDATE = "no_update"
"""Key of `Table.info` that marks a table whose rows are never updated, but may be cleared when they are old."""

Col = Column[Any]


def district(*, key: bool = True) -> Col:
    """Return the six-digit district code (行政区划), the distribution key of person and case tables."""
    return Column(
        "district", String(DISTRICT_LENGTH), primary_key=key, nullable=False, comment="行政区划代码, distribution key"
    )


def unit_id(*, key: bool = True, nullable: bool = False) -> Col:
    """Return the unit number, the distribution key of enrolments and ledgers."""
    return Column(
        "unit_id", BigInteger, primary_key=key, autoincrement=False, nullable=nullable, comment="aab001 单位编号"
    )


def person_id(*, key: bool = True, nullable: bool = False) -> Col:
    """Return the person number, one identity across all windows."""
    return Column(
        "person_id", BigInteger, primary_key=key, autoincrement=False, nullable=nullable, comment="aac001 个人编号"
    )


def fen(name: str, comment: str, *, default: int | None = 0) -> Col:
    """Return an amount of money in integer fen (分)."""
    server_default = None if default is None else str(default)
    return Column(name, BigInteger, nullable=default is None, server_default=server_default, comment=comment)


def instant(name: str, comment: str, *, nullable: bool = False) -> Col:
    """Return a point in time: integer milliseconds since 1970-01-01 UTC."""
    return Column(name, BigInteger, nullable=nullable, comment=comment)


def month(name: str, comment: str, *, key: bool = False, nullable: bool = False) -> Col:
    """Return a month as the integer YYYYMM."""
    return Column(name, Integer, primary_key=key, autoincrement=False, nullable=nullable, comment=comment)


def whole(name: str, comment: str, *, key: bool = False, nullable: bool = False, default: int | None = None) -> Col:
    """Return a whole number of 64 bits."""
    server_default = None if default is None else str(default)
    return Column(
        name,
        BigInteger,
        primary_key=key,
        autoincrement=False,
        nullable=nullable,
        server_default=server_default,
        comment=comment,
    )


def text(
    name: str, length: int, comment: str, *, key: bool = False, nullable: bool = False, default: str | None = None
) -> Col:
    """Return a text of at most `length` characters."""
    return Column(name, String(length), primary_key=key, nullable=nullable, server_default=default, comment=comment)


def flag(name: str, comment: str) -> Col:
    """Return a truth value."""
    return Column(name, Boolean, nullable=False, comment=comment)


def blob(name: str, comment: str, *, key: bool = False, nullable: bool = False) -> Col:
    """Return opaque bytes."""
    return Column(name, LargeBinary, primary_key=key, nullable=nullable, comment=comment)


def one_of(column: str, values: type[Enum]) -> CheckConstraint:
    """Return the check that `column` holds a value of the Enum: an illegal stored state is impossible."""
    listed = ", ".join(f"'{member.value}'" for member in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def valid_month(column: str) -> CheckConstraint:
    """Return the check that `column` is a YYYYMM between 1990 and 2199."""
    # No modulo sign: drivers take it for a placeholder.
    month_part = f"{column} - ({column} / 100) * 100"
    return CheckConstraint(
        f"{column} BETWEEN 199001 AND 219912 AND {month_part} BETWEEN 1 AND 12", name=f"{column}_month"
    )

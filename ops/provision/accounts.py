"""Demo accounts: each with a certificate as PKCS#12, a temporary password, and a line in the list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Engine, select

from ca.accounts import TrialAccount, TrialCertificate, issue_operator_certificate, issue_trial_certificates
from ca.issue import Issuer
from core.accounts import NewAccount, bind_certificate, binding_of, create_account
from core.city.generate import City
from core.db.engine import reading, writing
from core.db.states import AccountKind
from core.db.tables import person
from core.password_hashing import PasswordHashing
from core.staff.operators import NewOperator, bind_operator_certificate, create_operator
from ops.visitor.account_list import write_private
from wire_formats.collaborators import Clock, Randomness


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One account to make.

    Attributes:
        label: file name of its certificate, without suffix.
        words: who it is, for the list.
        new: what the core is told.
    """

    label: str
    words: str
    new: NewAccount


@dataclass(frozen=True, slots=True)
class AccountMaker:
    """What making accounts needs.

    Attributes:
        engine: the production database.
        hashing: the core's password hashing.
        issuer: of the opened authority.
        folder: ``var/demo``.
    """

    engine: Engine
    hashing: PasswordHashing
    issuer: Issuer
    folder: Path
    clock: Clock
    randomness: Randomness


def demo_accounts(city: City, engine: Engine) -> Iterator[DemoAccount]:
    """Choose the demo accounts: the largest unit, a small one that is reviewed, a community, a person."""
    largest, small = city.units[0], city.units[1]
    yield DemoAccount(
        "unit",
        f"the largest unit, {largest.size:,} employees, VIP (最大单位)",
        NewAccount("demo-unit", AccountKind.UNIT, largest.name, largest.district, unit_id=largest.unit_id),
    )
    yield DemoAccount(
        "unit2",
        f"a unit of {small.size} employees whose cases are reviewed (需审核单位)",
        NewAccount("demo-unit2", AccountKind.UNIT, small.name, small.district, unit_id=small.unit_id),
    )
    office = city.communities[0]
    yield DemoAccount(
        "community",
        "a community office (社区)",
        NewAccount("demo-community", AccountKind.COMMUNITY, office.name, office.district, community=office.number),
    )
    with reading(engine) as connection:
        someone = connection.execute(select(person).order_by(person.c.person_id).limit(1)).one()
    yield DemoAccount(
        "person",
        "an insured person (个人)",
        NewAccount("demo-person", AccountKind.PERSON, someone.name, someone.district, person_id=someone.person_id),
    )


def more_operators(city: City, count: int) -> Iterator[DemoAccount]:
    """Choose further operators, for load tests: every fourth is the largest unit's, the others have a unit each."""
    for number in range(1, count + 1):
        unit = city.units[0] if number % 4 == 1 else city.units[number % len(city.units)]
        yield DemoAccount(
            f"operator-{number:03d}",
            "an operator for load tests (压力测试)",
            NewAccount(f"demo-operator-{number}", AccountKind.UNIT, unit.name, unit.district, unit_id=unit.unit_id),
        )


def make_accounts(maker: AccountMaker, wanted: Iterator[DemoAccount]) -> list[dict[str, str]]:
    """Make accounts, certificates and files.

    Args:
        maker: collaborators.
        wanted: the accounts.

    Returns:
        What ``accounts.json`` holds: label, window, user name, password, PKCS#12 and its password.
    """
    listed: list[dict[str, str]] = []
    for demo in wanted:
        now_ms = maker.clock.now_ms()
        with writing(maker.engine) as connection:
            created = create_account(
                connection, demo.new, hashing=maker.hashing, randomness=maker.randomness, now_ms=now_ms
            )
        trial = TrialAccount(demo.new.kind.value, created.account_id, demo.new.display_name)
        made = _certificate(maker, demo.label, trial)
        certificate = x509.load_pem_x509_certificate(made.chain_pem)
        with writing(maker.engine) as connection:
            bind_certificate(connection, created.account_id, binding_of(certificate), now_ms=now_ms)
        listed.append(_line(demo.label, demo.words, demo.new.user_name, created.password, made))
    return listed


def make_operators(maker: AccountMaker, district: str) -> list[dict[str, str]]:
    """Make two operators of one district, so that one can check what the other has checked."""
    listed: list[dict[str, str]] = []
    for label, name in (("staff", "演示经办一"), ("staff2", "演示经办二")):
        now_ms = maker.clock.now_ms()
        new = NewOperator(f"demo-{label}", name, district, department="registration")
        with writing(maker.engine) as connection:
            created = create_operator(
                connection, new, hashing=maker.hashing, randomness=maker.randomness, now_ms=now_ms
            )
        made = _certificate(maker, label, TrialAccount("staff", created.operator_id, name))
        with writing(maker.engine) as connection:
            bind_operator_certificate(connection, created.operator_id, made.fingerprint, now_ms=now_ms)
        words = f"an operator of district {district} (经办人员)"
        listed.append(_line(label, words, new.user_name, created.password, made))
    return listed


def make_gatekeepers(maker: AccountMaker, halves: tuple[Path, ...]) -> list[dict[str, str]]:
    """Make two gatekeeper operators, whose two signatures a medium needs, and make them known to both halves.

    Args:
        maker: collaborators.
        halves: the folders of both ferry halves.
    """
    listed: list[dict[str, str]] = []
    known = b""
    for label, display in (("gatekeeper", "演示网闸操作员一"), ("gatekeeper2", "演示网闸操作员二")):
        made = issue_operator_certificate(
            maker.issuer, "gatekeeper", label, display=display, randomness=maker.randomness
        )
        write_private(maker.folder / f"{label}.p12", made.pkcs12)
        known += x509.load_pem_x509_certificate(made.chain_pem).public_bytes(Encoding.PEM)
        listed.append(_line(label, "a gatekeeper operator: console, media, held bundles (网闸操作员)", "-", "-", made))
    for half in halves:
        (half / "trust" / "operators.pem").write_bytes(known)
    return listed


def _certificate(maker: AccountMaker, label: str, trial: TrialAccount) -> TrialCertificate:
    (made,) = issue_trial_certificates(maker.issuer, [trial], randomness=maker.randomness)
    write_private(maker.folder / f"{label}.p12", made.pkcs12)
    write_private(maker.folder / f"{label}.pem", made.key_pem + made.chain_pem)
    return made


def _line(label: str, words: str, user_name: str, password: str, made: TrialCertificate) -> dict[str, str]:
    return {
        "label": label,
        "words": words,
        "window": made.account.window,
        "user_name": user_name,
        "password": password,
        "pkcs12": f"{label}.p12",
        "pkcs12_password": made.password,
    }

"""Demo accounts: each with a certificate as PKCS#12, a temporary password, and a line in the list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from sqlalchemy import Engine, select

from ca.accounts import TrialAccount, issue_trial_certificates
from ca.issue import Issuer
from core.accounts import NewAccount, bind_certificate, binding_of, create_account
from core.city.generate import City
from core.db.engine import reading, writing
from core.db.states import AccountKind
from core.db.tables import person
from core.password_hashing import PasswordHashing
from ops.provision.account_list import write_private
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
        window = demo.new.kind.value
        trial = TrialAccount(window, created.account_id, demo.new.display_name)
        (made,) = issue_trial_certificates(maker.issuer, [trial], randomness=maker.randomness)
        certificate = x509.load_pem_x509_certificate(made.chain_pem)
        with writing(maker.engine) as connection:
            bind_certificate(connection, created.account_id, binding_of(certificate), now_ms=now_ms)
        write_private(maker.folder / f"{demo.label}.p12", made.pkcs12)
        write_private(maker.folder / f"{demo.label}.pem", made.key_pem + made.chain_pem)
        listed.append(
            {
                "label": demo.label,
                "words": demo.words,
                "window": window,
                "user_name": demo.new.user_name,
                "password": created.password,
                "pkcs12": f"{demo.label}.p12",
                "pkcs12_password": made.password,
            }
        )
    return listed

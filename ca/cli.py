"""What `ferrygate ca <word>` does: plain functions; the caller parses words and prints the lines.

They work on the ledger directly, beside the running role: the database keeps both in one order,
and the role publishes a revocation made here at its next look.

Every function returns the lines to print. Those of `prepare` hold the slip's secrets: they are
printed once, never logged, never written to a file by us.

Source: F1, F6, F7; catalogue D7 (acts carry their operator).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ca import crl, hash_log, key_rows, ocsp
from ca.authority import Authority
from ca.authority_keys import certificates_pem
from ca.ceremony import hold_ceremony
from ca.key_rows import KeyEntry
from ca.lifecycle import KEY_STATE_ZH
from ca.names import Holder
from ca.requests import issue_for_csr
from ca.slip_codes import grouped
from wire_formats.collaborators import Clock, Randomness
from wire_formats.errors import Kind, Refused
from wire_formats.instants import iso, local_day, local_minute

HEADING: Final = "number        window     account                         state        prepared"


def ceremony(plan_file: Path, *, clock: Clock, randomness: Randomness) -> list[str]:
    """`ferrygate ca ceremony FILE`.

    Raises:
        SettingsError: the file, a passphrase or an existing key cannot be used.
    """
    result = hold_ceremony(plan_file, clock=clock, randomness=randomness)
    made = ", ".join(result.made) or "nothing: all of it existed"
    return [f"made: {made}", f"root: {result.root.subject.rfc4514_string()}"]


def prepare(authority: Authority, account: str, window: str, *, display: str = "", operator: str) -> list[str]:
    """`ferrygate ca prepare ACCOUNT --window W`: the slip (密码条), once.

    Raises:
        Refused: account or window outside the grammar.
    """
    slip = authority.slips.prepare(account, window, display=display, operator=operator)
    return [
        f"证书编号 certificate number:   {grouped(slip.secrets.number)}",
        f"验证码 verification code:      {grouped(slip.secrets.code)}",
        f"证书密码 certificate password: {slip.secrets.password}",
        f"有效期至 code usable until:     {local_day(slip.code_expires_ms)}",
    ]


def enable(authority: Authority, number: str, *, agreement: str, operator: str) -> list[str]:
    """`ferrygate ca enable NUMBER --agreement A`.

    Raises:
        Refused: no such number, not in this state, or no agreement.
    """
    authority.slips.enable(number, agreement=agreement, operator=operator)
    return [f"{number}: 启用 enabled"]


def revoke(authority: Authority, which: str, *, reason: str, operator: str) -> list[str]:
    """`ferrygate ca revoke NUMBER|SERIAL --reason R`.

    Raises:
        Refused: no such number or serial, already ended, or no such reason.
    """
    serials = authority.revoker.revoke(which, reason=reason, operator=operator)
    return [f"{which}: 注销 revoked", *(f"certificate {serial} is on the deny list" for serial in serials)]


def list_slips(authority: Authority, *, window: str = "", state: str = "", after: str = "") -> list[str]:
    """`ferrygate ca list`: up to 200 entries, in order of number."""
    with authority.ledger.transaction() as connection:
        entries = key_rows.listed(connection, window=window, state=state, after=after)
    return [HEADING, *(_line(entry) for entry in entries)]


def write_lists(authority: Authority, folder: Path, *, clock: Clock) -> list[str]:
    """`ferrygate ca crl`: write the revocation list of every authority.

    Raises:
        OSError: the folder cannot be written.
    """
    now = clock.now_ms()
    paths = [crl.write_crl(authority.ledger, one, folder, now_ms=now) for one in authority.authorities.values()]
    return [f"wrote {path}" for path in paths]


def write_staple(authority: Authority, certificate_file: Path, staple_file: Path, *, clock: Clock) -> list[str]:
    """`ferrygate ca staple CERTIFICATE FILE`: the OCSP response that a server passes to its clients.

    Raises:
        Refused: not a certificate of this authority.
        OSError: a file cannot be read or written.
    """
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    except ValueError:
        raise Refused(Kind.NOT_FOUND, f"{certificate_file} holds no PEM certificate") from None
    issuers = [one for one in authority.authorities.values() if one.certificate.subject == certificate.issuer]
    if not issuers:
        raise Refused(Kind.NOT_FOUND, f"{certificate_file} is not a certificate of this authority")
    ocsp.write_response(authority.ledger, issuers[0], certificate, staple_file, now_ms=clock.now_ms())
    return [f"wrote {staple_file}, good for {ocsp.NEXT_UPDATE_DAYS} days"]


def verify_log(authority: Authority) -> list[str]:
    """`ferrygate ca verify-log`: recompute the chain; compare the digest with one noted earlier.

    Raises:
        Bug: the first position that does not fit.
    """
    with authority.ledger.transaction() as connection:
        head = hash_log.verify(connection)
    return [f"{head.position} rows, unbroken; last digest {head.digest.hex()}"]


def sign_request(
    authority: Authority, request_file: Path, *, profile: str, name: str, hosts: tuple[str, ...], operator: str
) -> list[str]:
    """`ferrygate ca sign CSR --profile P`: a certificate for a server or a machine, as PEM.

    Raises:
        PeerError: not a signing request.
        Refused: names or key outside the profile.
        OSError: the file cannot be read.
    """
    holder = Holder(name=name, hosts=hosts)
    issued = issue_for_csr(
        authority.issuer, request_file.read_bytes(), profile=profile, holder=holder, operator=operator
    )
    pem = issued.certificate.public_bytes(Encoding.PEM) + certificates_pem(issued.chain)
    return pem.decode("ascii").splitlines()


def _line(entry: KeyEntry) -> str:
    state = f"{KEY_STATE_ZH[entry.state]} {entry.state.value}"
    when = local_minute(entry.prepared_ms)
    return f"{grouped(entry.number):<13} {entry.window:<10} {entry.account:<31} {state:<12} {when}"


def describe(entry: KeyEntry) -> list[str]:
    """`ferrygate ca status NUMBER`: one slip with its times."""
    times = (
        ("prepared", entry.prepared_ms),
        ("enabled", entry.enabled_ms),
        ("downloaded", entry.downloaded_ms),
        ("revoked", entry.revoked_ms),
    )
    return [_line(entry), *(f"  {what} {iso(at)}" for what, at in times if at is not None)]

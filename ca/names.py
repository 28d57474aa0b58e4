"""From what an order says about its holder to the names inside the certificate.

The subject is for people; the decision reads the one URI (or the host names). Text that goes
into a subject is NFC, without control, format or private characters, at most 64 characters:
right-to-left overrides and zero-width marks cannot make one name look like another.

Source: `wire_formats.certificate_names`; RFC 5280 appendix A (ub-common-name 64); F2, F9.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from ca.profile_table import Profile
from wire_formats.certificate_names import account_uri, machine_uri, operator_uri
from wire_formats.errors import Kind, Refused

MAX_COMMON_NAME: Final = 64
MAX_HOSTS: Final = 16
_HOST: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-)){0,7}", re.ASCII)
_HIDDEN: Final = ("C", "Z")
_WRITERS: Final = {"account": account_uri, "machine": machine_uri, "operator": operator_uri}
_ATTRIBUTES: Final = (
    ("C", NameOID.COUNTRY_NAME),
    ("O", NameOID.ORGANIZATION_NAME),
    ("OU", NameOID.ORGANIZATIONAL_UNIT_NAME),
)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a certificate is for.

    Attributes:
        name: the account or the machine's name; empty for authorities and servers.
        hosts: DNS names and IP addresses of a server, at most 16.
        display: what the subject shows to people; without it, the name or the first host.
    """

    name: str = ""
    hosts: tuple[str, ...] = ()
    display: str = ""


def subject_of(profile: Profile, holder: Holder) -> x509.Name:
    """Return the subject for a holder.

    Raises:
        Refused: RULE, when the display text is not fit for a certificate.
    """
    common = profile.common_name or holder.display or holder.name or (holder.hosts[0] if holder.hosts else "")
    attributes = [
        x509.NameAttribute(identifier, profile.subject[short])
        for short, identifier in _ATTRIBUTES
        if short in profile.subject
    ]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, plain_text(common))])


def plain_text(text: str) -> str:
    """Return a text that may stand in a subject.

    Raises:
        Refused: RULE, empty, too long, or with characters that do not show.
    """
    normal = unicodedata.normalize("NFC", text)
    if not 1 <= len(normal) <= MAX_COMMON_NAME or normal != normal.strip():
        raise Refused(Kind.RULE, "common name: 1 to 64 characters without outer spaces")
    if any(unicodedata.category(c)[0] in _HIDDEN and c != " " for c in normal):
        raise Refused(Kind.RULE, "common name: characters that do not show")
    return normal


def alternative_names(profile: Profile, holder: Holder) -> tuple[x509.GeneralName, ...]:
    """Return the subject alternative names for a holder; empty for authorities.

    Raises:
        Refused: RULE, when the holder's name or hosts are outside the grammar.
    """
    if profile.names == "none":
        return ()
    if profile.names == "host":
        return _hosts(holder.hosts)
    write = _WRITERS[profile.names]
    try:
        return (x509.UniformResourceIdentifier(write(profile.names_of, holder.name)),)
    except ValueError:
        raise Refused(Kind.RULE, f"not a name for profile {profile.name}") from None


def _hosts(hosts: tuple[str, ...]) -> tuple[x509.GeneralName, ...]:
    if not 1 <= len(hosts) <= MAX_HOSTS or len(set(hosts)) != len(hosts):
        raise Refused(Kind.RULE, f"a server has 1 to {MAX_HOSTS} different hosts")
    return tuple(_host(host) for host in hosts)


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not _HOST.fullmatch(host) or host.replace(".", "").isdigit():
        raise Refused(Kind.RULE, "not a lower-case host name or an address")
    return x509.DNSName(host)

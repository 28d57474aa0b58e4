"""Certificate profiles: data under `ca/profiles/`, read strictly, checked as a whole.

A profile says everything that is the same in all certificates of one sort: issuer, kinds of
key, subject, alternative names, usages, life time, policies. The CP/CPS table can be printed
from it and `ca.lint` compares every certificate with it before anything is signed.

Source: research/pki.md section 7 point 2; catalogue F2, F7; RFC 5280.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ca.key_kinds import KEY_KINDS
from ca.oids import EXTENDED_KEY_USAGES
from wire_formats.certificate_names import CERTIFICATE_WINDOWS, MACHINE_ROLES, OPERATOR_ROLES
from wire_formats.settings_reader import SettingsError, load_settings

PROFILE_FOLDER: Final = Path(__file__).parent / "profiles"
KEY_USAGES: Final = ("digital_signature", "key_encipherment", "key_cert_sign", "crl_sign")
SUBJECT_ATTRIBUTES: Final = ("C", "O", "OU")
NAME_KINDS: Final = ("none", "account", "machine", "operator", "host")
MAX_VALIDITY_DAYS: Final = 7305
MAX_PROFILES: Final = 64


def _whole(least: int, most: int) -> Any:
    return field(metadata={"least": least, "most": most})


@dataclass(frozen=True, slots=True)
class Profile:
    """One sort of certificate; read from `<name>.toml`.

    Attributes:
        names: what the subject alternative name holds: nothing, one account, machine or
            operator URI, or host names and addresses.
        names_of: for `account` the window, for `machine` and `operator` the role; empty otherwise.
        backdate_minutes: how far not-before lies back, for clocks that run behind.
        path_length: for authorities, how many authorities may follow; -1 for end entities.
        policies: numbers under the house's policy arc (`ca.oids`).
    """

    name: str
    title_zh: str
    title_en: str
    issuer: str
    key_kinds: tuple[str, ...]
    subject: dict[str, str]
    common_name: str
    names: str = field(metadata={"choices": NAME_KINDS})
    names_of: str
    key_usage: tuple[str, ...]
    extended_key_usage: tuple[str, ...]
    authority: bool
    policies: tuple[int, ...]
    path_length: int = _whole(-1, 2)
    validity_days: int = _whole(1, MAX_VALIDITY_DAYS)
    backdate_minutes: int = _whole(0, 1440)

    def __post_init__(self) -> None:
        """Check each value against its grammar.

        Raises:
            ValueError: the profile contradicts itself.
        """
        _only("key_kinds", self.key_kinds, KEY_KINDS)
        _only("key_usage", self.key_usage, KEY_USAGES)
        _only("subject", self.subject, SUBJECT_ATTRIBUTES)
        _check_purpose(self)
        _check_names(self)

    @property
    def self_signed(self) -> bool:
        """Whether a certificate of this profile signs itself (the root)."""
        return self.issuer == self.name


def _only(what: str, given: tuple[str, ...] | dict[str, str], known: object) -> None:
    if not given or len(set(given)) != len(given):
        raise ValueError(f"{what}: empty or doubled")
    for item in given:
        if item not in known:  # type: ignore[operator]  # tuple or mapping
            raise ValueError(f"{what}: unknown '{item}'")


def _check_purpose(profile: Profile) -> None:
    signs = "key_cert_sign" in profile.key_usage
    if signs != profile.authority:
        raise ValueError("key_cert_sign belongs to authorities and to them only")
    if profile.authority == (profile.path_length < 0):
        raise ValueError("an authority has a path_length, an end entity has -1")
    if profile.self_signed:
        if profile.extended_key_usage or profile.policies:
            raise ValueError("the root has neither extended key usage nor policies")
        return
    _only("extended_key_usage", profile.extended_key_usage, EXTENDED_KEY_USAGES)
    if not profile.policies or not all(0 < number < 1000 for number in profile.policies):
        raise ValueError("policies: at least one number from 1 to 999")
    if not profile.authority and len(profile.extended_key_usage) != 1:
        raise ValueError("an end entity has exactly one purpose")


def _check_names(profile: Profile) -> None:
    if profile.authority != (profile.names == "none"):
        raise ValueError("authorities have no alternative name, end entities have one")
    if profile.authority and not profile.common_name:
        raise ValueError("an authority has a fixed common_name")
    allowed: tuple[str, ...] = ("",)
    if profile.names == "account":
        allowed = CERTIFICATE_WINDOWS
    elif profile.names == "machine":
        allowed = MACHINE_ROLES
    elif profile.names == "operator":
        allowed = OPERATOR_ROLES
    if profile.names_of not in allowed:
        raise ValueError(f"names_of: one of {', '.join(allowed) or 'nothing'}")


def load_profiles(folder: Path = PROFILE_FOLDER) -> Mapping[str, Profile]:
    """Read every profile of a folder and check that they fit together.

    Raises:
        SettingsError: a file is not a profile, its name differs from its file's, its issuer is
            missing or may not issue it.
    """
    profiles: dict[str, Profile] = {}
    for path in sorted(folder.glob("*.toml"))[: MAX_PROFILES + 1]:
        profile = load_settings(Profile, path)
        if profile.name != path.stem:
            raise SettingsError(f"{path}: the name inside must be '{path.stem}', not '{profile.name}'")
        profiles[profile.name] = profile
    if not profiles or len(profiles) > MAX_PROFILES:
        raise SettingsError(f"{folder}: from 1 to {MAX_PROFILES} profiles are needed")
    for profile in profiles.values():
        _check_issuer(profile, profiles, folder)
    return MappingProxyType(profiles)


def _check_issuer(profile: Profile, profiles: Mapping[str, Profile], folder: Path) -> None:
    where = f"{folder}/{profile.name}.toml"
    issuer = profiles.get(profile.issuer)
    if issuer is None or not issuer.authority:
        raise SettingsError(f"{where}: issuer '{profile.issuer}' is not an authority")
    if profile.self_signed:
        return
    if profile.authority and profile.path_length >= issuer.path_length:
        raise SettingsError(f"{where}: path_length must be below that of '{issuer.name}'")
    if profile.validity_days > issuer.validity_days:
        raise SettingsError(f"{where}: would live longer than its issuer '{issuer.name}'")
    outside = set(profile.extended_key_usage) - set(issuer.extended_key_usage)
    if outside and not issuer.self_signed:
        raise SettingsError(f"{where}: issuer '{issuer.name}' is not for {', '.join(sorted(outside))}")
    if not issuer.self_signed and not set(profile.policies) <= set(issuer.policies):
        raise SettingsError(f"{where}: issuer '{issuer.name}' lacks its policies")


def profile_for_account(profiles: Mapping[str, Profile], window: str) -> Profile:
    """Return the client profile of a window.

    Raises:
        KeyError: no profile serves this window.
    """
    return _find(profiles, "account", window)


def profile_for_machine(profiles: Mapping[str, Profile], role: str) -> Profile:
    """Return the signing profile of a machine role.

    Raises:
        KeyError: no profile serves this role.
    """
    return _find(profiles, "machine", role)


def profile_for_operator(profiles: Mapping[str, Profile], role: str) -> Profile:
    """Return the profile of persons who sign in this role.

    Raises:
        KeyError: no profile serves this role.
    """
    return _find(profiles, "operator", role)


def _find(profiles: Mapping[str, Profile], names: str, names_of: str) -> Profile:
    for profile in profiles.values():
        if (profile.names, profile.names_of) == (names, names_of):
            return profile
    raise KeyError(f"no profile for {names} {names_of}")

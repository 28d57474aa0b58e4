"""The key ceremony: one reviewed file in, a root, its issuing authorities and a transcript out.

    [ceremony file]              read strictly, its digest stands in the transcript
    root/root.key.pem            P-384, encrypted; used here and nowhere else; to be taken offline
    root/root.pem                the root certificate
    issuing/<name>.key.pem       P-256, encrypted
    issuing/<name>.chain.pem     own certificate, then the root
    transcript                   what was made, by whom, when: digests, serials, fingerprints

Running it again makes only what is missing, so an authority added to the file later is signed by
the same root. Every certificate passes the house lint with a throwaway key first.

Source: research/pki.md section 7 point 1; RFC 3647 section 4.6.1; F2.
"""

from __future__ import annotations

import getpass
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ca.authority_keys import (
    MIN_PASSPHRASE_OCTETS,
    AuthorityKey,
    certificates_pem,
    key_pem,
    load_authority,
    read_passphrase,
    write_new,
)
from ca.issue import compare, sign_with, throwaway_certificate
from ca.key_kinds import KEY_KINDS, PrivateKey
from ca.lint import check
from ca.names import Holder
from ca.profile_table import Profile, load_profiles
from ca.serials import new_serial, serial_text
from ca.template import Template, builder_for, validity
from wire_formats.collaborators import Clock, Randomness
from wire_formats.instants import iso
from wire_formats.settings_reader import SettingsError, load_settings

ROOT: Final = "root"
PUBLIC_MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class CeremonyPlan:
    """What one ceremony makes; the TOML file that was reviewed.

    Attributes:
        title: what is done and why, one line.
        reviewed_by: who read this file before.
        witnesses: who is present.
        root_folder: where the root's key and certificate are or will be.
        issuing_folder: where the issuing authorities' keys and chains are or will be.
        transcript: the record; a second ceremony is appended.
        authorities: profiles of the issuing authorities to make.
        root_passphrase_file: first line opens the root's key; without it, it is asked for.
        issuing_passphrase_file: the same for the issuing keys.
    """

    title: str
    reviewed_by: tuple[str, ...]
    witnesses: tuple[str, ...]
    root_folder: Path
    issuing_folder: Path
    transcript: Path
    authorities: tuple[str, ...]
    root_passphrase_file: Path | None = None
    issuing_passphrase_file: Path | None = None

    def __post_init__(self) -> None:
        """Check that somebody answers for it.

        Raises:
            ValueError: nobody reviewed it, nobody is present, or there is nothing to make.
        """
        if not self.reviewed_by or not self.witnesses:
            raise ValueError("a ceremony needs a reviewer and a witness")
        if not self.authorities or len(set(self.authorities)) != len(self.authorities):
            raise ValueError("authorities: at least one, each once")


@dataclass(frozen=True, slots=True)
class CeremonyResult:
    """What exists after the ceremony."""

    root: x509.Certificate
    authorities: Mapping[str, AuthorityKey]
    made: tuple[str, ...]


def hold_ceremony(plan_file: Path, *, clock: Clock, randomness: Randomness) -> CeremonyResult:
    """Hold the ceremony that a file describes.

    Args:
        plan_file: the reviewed TOML file.
        clock: for the certificates' dates.
        randomness: for the serial numbers.

    Raises:
        SettingsError: the file, a passphrase or an existing key cannot be used.
        LintError: a certificate would break a house rule.
    """
    plan = load_settings(CeremonyPlan, plan_file)
    root_passphrase = _passphrase(plan.root_passphrase_file, "root passphrase")
    issuing_passphrase = _passphrase(plan.issuing_passphrase_file, "issuing passphrase")
    ceremony = _Ceremony(plan, clock, randomness)
    ceremony.note(f"plan {plan_file.name} sha256 {hashlib.sha256(plan_file.read_bytes()).hexdigest()}")
    root = ceremony.root(root_passphrase)
    authorities = {name: ceremony.authority(name, root, issuing_passphrase) for name in plan.authorities}
    ceremony.close()
    return CeremonyResult(root.certificate, authorities, tuple(ceremony.made))


def _passphrase(path: Path | None, prompt: str) -> bytes:
    if path is not None:
        return read_passphrase(path, prompt)
    first = getpass.getpass(f"{prompt}: ").encode()
    if len(first) < MIN_PASSPHRASE_OCTETS or getpass.getpass(f"{prompt}, again: ").encode() != first:
        raise SettingsError(f"{prompt}: at least {MIN_PASSPHRASE_OCTETS} characters, twice the same")
    return first


class _Ceremony:
    """One run: makes what is missing and writes down what it made."""

    def __init__(self, plan: CeremonyPlan, clock: Clock, randomness: Randomness) -> None:
        self._plan = plan
        self._clock = clock
        self._randomness = randomness
        self._profiles = load_profiles()
        self.made: list[str] = []
        self._lines = [
            f"# {plan.title}",
            f"begun {iso(clock.now_ms())}",
            f"reviewed by {', '.join(plan.reviewed_by)}",
            f"witnesses {', '.join(plan.witnesses)}",
        ]

    def note(self, line: str) -> None:
        """Add a line to the transcript."""
        self._lines.append(line)

    def root(self, passphrase: bytes) -> AuthorityKey:
        """Load the root, or make it."""
        key_file = self._plan.root_folder / f"{ROOT}.key.pem"
        chain_file = self._plan.root_folder / f"{ROOT}.pem"
        if not key_file.exists():
            if chain_file.exists():
                raise SettingsError(f"{key_file}: the root's key is not here; bring it, a second root is never made")
            self._make(self._root_profile(), None, key_file, chain_file, passphrase)
        return load_authority(ROOT, key_file=key_file, chain_file=chain_file, passphrase=passphrase)

    def authority(self, name: str, root: AuthorityKey, passphrase: bytes) -> AuthorityKey:
        """Load an issuing authority, or make it under the root."""
        key_file = self._plan.issuing_folder / f"{name}.key.pem"
        chain_file = self._plan.issuing_folder / f"{name}.chain.pem"
        if not key_file.exists():
            self._make(self._profile(name), root, key_file, chain_file, passphrase)
        return load_authority(name, key_file=key_file, chain_file=chain_file, passphrase=passphrase)

    def close(self) -> None:
        """Append the transcript to its file."""
        self.note(f"ended {iso(self._clock.now_ms())}; made {', '.join(self.made) or 'nothing'}")
        self._plan.transcript.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._plan.transcript.open("a", encoding="utf-8") as file:
            file.write("\n".join(self._lines) + "\n\n")

    def _profile(self, name: str) -> Profile:
        profile = self._profiles.get(name)
        if profile is None or not profile.authority or profile.issuer != ROOT or profile.self_signed:
            raise SettingsError(f"'{name}' is not an authority below the root")
        return profile

    def _root_profile(self) -> Profile:
        return self._profiles[ROOT]

    def _make(
        self, profile: Profile, issuer: AuthorityKey | None, key_file: Path, chain_file: Path, passphrase: bytes
    ) -> None:
        key = KEY_KINDS[profile.key_kinds[0]].generate()
        certificate = self._certify(profile, key, issuer)
        chain = (certificate, *(issuer.chain if issuer else ()))
        # The key first, under another name: neither file stands alone after a crash.
        unfinished = key_file.with_name(f".{key_file.name}.new")
        unfinished.unlink(missing_ok=True)
        write_new(unfinished, key_pem(key, passphrase))
        chain_file.unlink(missing_ok=True)
        write_new(chain_file, certificates_pem(chain), mode=PUBLIC_MODE)
        unfinished.replace(key_file)
        self.made.append(profile.name)
        fingerprint = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
        self.note(
            f"made {profile.name}: serial {serial_text(certificate.serial_number)} "
            f"subject {certificate.subject.rfc4514_string()} sha256 {fingerprint} "
            f"valid {certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"
        )

    def _certify(self, profile: Profile, key: PrivateKey, issuer: AuthorityKey | None) -> x509.Certificate:
        now = self._clock.now_ms()
        above = issuer.certificate if issuer else None
        start, end = validity(profile, above, now)
        template = Template(
            profile=profile,
            holder=Holder(),
            key=key.public_key(),
            issuer=above,
            serial=new_serial(self._randomness),
            not_before_ms=start,
            not_after_ms=end,
        )
        trial = throwaway_certificate(template)
        check(trial, template, now_ms=now)
        certificate = sign_with(issuer.key if issuer else key, builder_for(template))
        compare(certificate, trial.tbs_certificate_bytes, above or certificate)
        return certificate

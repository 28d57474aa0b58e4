"""Run as a process: issues a certificate and is killed at a chosen point.

python -m tests.support.dying_authority ROOT NUMBER CODE sign|store
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from prometheus_client import CollectorRegistry

from ca.authority import load_authorities, open_authority
from ca.issue import Issuer, IssuingParts
from ca.metrics import CaMetrics
from ca.profile_table import load_profiles
from ca.provision import settings_toml
from ca.settings import CaSettings
from ca.slips import Slips
from tests.support.authority import HandClock, OsRandomness
from wire_formats.settings_reader import read_settings


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingKey(ec.EllipticCurvePrivateKey):
    """A token that takes the whole machine with it when it is asked to sign."""

    def __init__(self, real: ec.EllipticCurvePrivateKey) -> None:
        self._real = real

    curve = property(lambda self: self._real.curve)
    key_size = property(lambda self: self._real.key_size)

    def public_key(self):
        return self._real.public_key()

    def sign(self, data, signature_algorithm):
        die()

    def exchange(self, algorithm, peer_public_key):
        raise NotImplementedError

    def private_numbers(self):
        raise NotImplementedError

    def private_bytes(self, encoding, format, encryption_algorithm):
        raise NotImplementedError

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


def main(root: str, number: str, code: str, where: str) -> None:
    settings = read_settings(CaSettings, settings_toml(Path(root)), Path(root) / "ca" / "ca.toml")
    metrics = CaMetrics(CollectorRegistry(), tuple(load_profiles()))
    clock, randomness = HandClock(), OsRandomness()
    authority = open_authority(settings, clock=clock, randomness=randomness, metrics=metrics)
    authorities = load_authorities(settings)
    if where == "sign":
        real = authorities["issuing_persons"]
        assert isinstance(real.key, EllipticCurvePrivateKey)
        authorities["issuing_persons"] = replace(real, key=DyingKey(real.key))
    parts = IssuingParts(authority.ledger, load_profiles(), authorities, clock, randomness, metrics)
    issuer: Issuer = DyingIssuer(parts) if where == "store" else Issuer(parts)
    Slips(parts, issuer, pepper=settings.pepper_file.read_bytes(), code_days=60).download(number, code)


class DyingIssuer(Issuer):
    """Signs, and dies before the certificate is stored."""

    def _store(self, order, issued, also) -> None:
        die()


if __name__ == "__main__":
    main(*sys.argv[1:5])

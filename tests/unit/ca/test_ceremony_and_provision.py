from __future__ import annotations

import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ca.authority_keys import read_passphrase, read_private, write_new
from ca.ceremony import hold_ceremony
from ca.provision import provision_authority, settings_toml
from ca.settings import CaSettings
from tests.support.authority import HandClock, OsRandomness, make_authority, wanted
from wire_formats.instants import DAY_MS
from wire_formats.seal import SealPrivateKey, SealPublicKey
from wire_formats.settings_reader import SettingsError, read_settings
from wire_formats.suites import load_signing_key
from wire_formats.trust import TrustStore


def contents(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "sqlite" not in path.name
    }


def test_every_machine_gets_its_own_key_in_its_own_zone(tmp_path):
    rig = make_authority(tmp_path, ("worker-1", "worker-2"))
    keys = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.key.pem"))
    assert keys == [
        "ca/keys/ca_deny.key.pem",
        "ca/keys/issuing/issuing_machines.key.pem",
        "ca/keys/issuing/issuing_persons.key.pem",
        "ca/keys/root/root.key.pem",
        "core/keys/core.key.pem",
        "core/keys/server.key.pem",
        "dmz/keys/server.key.pem",
        "dmz/keys/worker-1.key.pem",
        "dmz/keys/worker-2.key.pem",
        "ferry_high/keys/ferry_high.key.pem",
        "ferry_low/keys/ferry_low.key.pem",
        "gatekeeper/keys/gatekeeper.key.pem",
        "gatekeeper/keys/server.key.pem",
        "gatekeeper_low/keys/server.key.pem",
    ]
    for path in tmp_path.rglob("*"):
        private = path.name.endswith((".key.pem", "seal.x25519", "secret.x25519")) or path.name in (
            "pepper",
            "passphrase",
        )
        if path.is_file():
            assert (path.stat().st_mode & 0o077 == 0) or not private, path
    for zone, name in (("dmz", "worker-2"), ("ferry_low", "ferry_low"), ("ferry_high", "ferry_high"), ("core", "core")):
        load_signing_key(rig.files.key(zone, name).read_bytes(), rig.files.certificate(zone, name).read_bytes())


def test_each_zone_believes_the_machines_it_must(tmp_path):
    rig = make_authority(tmp_path, ("worker-1", "worker-2"))

    def store(zone):
        return TrustStore.from_pem(
            [rig.files.trust(zone, "machine_issuers.pem").read_bytes()],
            [rig.files.trust(zone, "machines.pem").read_bytes()],
        )

    assert store("dmz").names("worker") == frozenset() and store("dmz").names("core") == {"core"}
    for zone in ("ferry_low", "ferry_high", "core"):
        assert store(zone).names("worker") == {"worker-1", "worker-2"}
        assert store(zone).names("ferry_low") == {"ferry_low"} and store(zone).names("ca_deny") == {"ca_deny"}


def test_seals_made_with_the_public_halves_open_with_the_private_ones(tmp_path):
    rig = make_authority(tmp_path)
    for name, private in (("ferry_high", rig.files.high_seal_key), ("core", rig.files.core_secret_key)):
        public = SealPublicKey(rig.files.trust("dmz", f"{name}.x25519").read_bytes())
        sealed = public.seal(b"text", info=b"use", aad=b"header")
        assert SealPrivateKey(private.read_bytes()).open(sealed, info=b"use", aad=b"header") == b"text"


def test_each_half_can_seal_to_the_other_and_knows_who_issues_operators(tmp_path):
    rig = make_authority(tmp_path)
    for half, other in (("ferry_low", "ferry_high"), ("ferry_high", "ferry_low")):
        sealed = SealPublicKey(rig.files.trust(half, f"{other}.x25519").read_bytes()).seal(b"x", info=b"u", aad=b"")
        assert SealPrivateKey(rig.files.seal_key(other).read_bytes()).open(sealed, info=b"u", aad=b"") == b"x"
        assert rig.files.trust(half, "client_issuers.pem").exists()


def test_the_dmz_holds_no_key_of_anybody_else(tmp_path):
    rig = make_authority(tmp_path)
    secrets = [
        rig.files.high_seal_key.read_bytes(),
        rig.files.core_secret_key.read_bytes(),
        rig.files.pepper.read_bytes(),
    ]
    for data in contents(tmp_path / "dmz").values():
        assert not any(secret in data for secret in secrets)


def test_a_second_run_changes_nothing(tmp_path):
    rig = make_authority(tmp_path)
    before = contents(tmp_path)
    provision_authority(wanted(tmp_path, rig.clock, rig.metrics))
    assert contents(tmp_path) == before


def test_a_missing_file_and_a_new_worker_are_made(tmp_path):
    rig = make_authority(tmp_path)
    before = contents(tmp_path)
    rig.files.certificate("core", "core").unlink()
    provision_authority(wanted(tmp_path, rig.clock, rig.metrics, ("worker-1", "worker-2")))
    after = contents(tmp_path)
    assert after["core/keys/core.key.pem"] != before["core/keys/core.key.pem"]
    assert after["dmz/keys/worker-1.key.pem"] == before["dmz/keys/worker-1.key.pem"]
    assert "dmz/keys/worker-2.key.pem" in after
    assert after["core/keys/secret.x25519"] == before["core/keys/secret.x25519"]


def test_certificates_that_end_soon_are_renewed_with_new_keys(tmp_path):
    rig = make_authority(tmp_path)
    before = contents(tmp_path)
    rig.clock.pass_ms((397 - 29) * DAY_MS)
    provision_authority(wanted(tmp_path, rig.clock, rig.metrics))
    after = contents(tmp_path)
    assert after["dmz/keys/server.key.pem"] != before["dmz/keys/server.key.pem"]
    assert after["core/keys/core.key.pem"] == before["core/keys/core.key.pem"], "machines live three days longer"


def test_the_root_may_be_taken_away_and_is_never_made_twice(tmp_path):
    rig = make_authority(tmp_path)
    key = rig.files.root_folder / "root.key.pem"
    key.rename(tmp_path / "offline.pem")
    (rig.files.root_folder / "passphrase").rename(tmp_path / "offline.passphrase")
    provision_authority(wanted(tmp_path, rig.clock, rig.metrics, ("worker-1", "worker-2")))
    assert not key.exists() and not (rig.files.root_folder / "passphrase").exists()
    (tmp_path / "offline.passphrase").rename(rig.files.root_folder / "passphrase")
    with pytest.raises(SettingsError, match="second root"):
        hold_ceremony(rig.files.ceremony_plan, clock=rig.clock, randomness=OsRandomness())


def test_settings_are_complete(tmp_path):
    settings = read_settings(CaSettings, settings_toml(tmp_path), tmp_path / "ca" / "ca.toml")
    assert settings.socket == tmp_path / "core" / "run" / "ca.sock"
    with pytest.raises(SettingsError):
        read_settings(CaSettings, settings_toml(tmp_path) + "colour = 1\n", tmp_path / "ca.toml")


PLAN = """
title = "Root for trying"
reviewed_by = ["A"]
witnesses = ["B", "C"]
root_folder = "root"
issuing_folder = "issuing"
transcript = "transcript.txt"
authorities = ["issuing_persons"]
root_passphrase_file = "rp"
issuing_passphrase_file = "ip"
"""


def plan(folder, text=PLAN):
    for name in ("rp", "ip"):
        if not (folder / name).exists():
            write_new(folder / name, f"passphrase for {name}\n".encode())
    file = folder / "plan.toml"
    file.write_text(text)
    return file


def hold(folder, text=PLAN):
    return hold_ceremony(plan(folder, text), clock=HandClock(), randomness=OsRandomness())


def test_a_ceremony_makes_root_and_authority_and_writes_it_down(tmp_path):
    result = hold(tmp_path)
    assert result.made == ("root", "issuing_persons")
    root, issuing = result.root, result.authorities["issuing_persons"].certificate
    assert isinstance(root.public_key().curve, ec.SECP384R1) and root.signature_hash_algorithm.name == "sha384"
    assert isinstance(issuing.public_key().curve, ec.SECP256R1)
    assert issuing.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    usages = issuing.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [usage._name for usage in usages] == ["clientAuth"]
    issuing.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    text = (tmp_path / "transcript.txt").read_text()
    assert "witnesses B, C" in text and f"{root.serial_number:032x}" in text and "sha256" in text
    assert "passphrase for" not in text


def test_keys_are_encrypted_with_their_own_passphrases(tmp_path):
    hold(tmp_path)
    for path, passphrase in (
        (tmp_path / "root" / "root.key.pem", b"passphrase for rp"),
        (tmp_path / "issuing" / "issuing_persons.key.pem", b"passphrase for ip"),
    ):
        data = path.read_bytes()
        assert b"ENCRYPTED" in data
        load_pem_private_key(data, passphrase)
        with pytest.raises((ValueError, TypeError)):
            load_pem_private_key(data, b"another passphrase")


def test_a_second_ceremony_adds_an_authority_under_the_same_root(tmp_path):
    first = hold(tmp_path)
    second = hold(tmp_path, PLAN.replace('["issuing_persons"]', '["issuing_persons", "issuing_machines"]'))
    assert second.made == ("issuing_machines",) and second.root == first.root
    assert (tmp_path / "transcript.txt").read_text().count("# Root for trying") == 2


def test_openssl_accepts_the_authorities(tmp_path):
    hold(tmp_path)
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-attime", str(HandClock().ms // 1000 + 10)]
        + ["-CAfile", tmp_path / "root" / "root.pem", tmp_path / "issuing" / "issuing_persons.chain.pem"],
        capture_output=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('reviewed_by = ["A"]', "reviewed_by = []"),
        ('witnesses = ["B", "C"]', "witnesses = []"),
        ('["issuing_persons"]', "[]"),
        ('["issuing_persons"]', '["issuing_persons", "issuing_persons"]'),
        ('["issuing_persons"]', '["root"]'),
        ('["issuing_persons"]', '["server"]'),
        ('["issuing_persons"]', '["nobody"]'),
        ("title", "titel"),
        ('"rp"', '"missing"'),
    ],
)
def test_a_plan_that_is_wrong_is_refused(tmp_path, old, new):
    with pytest.raises(SettingsError):
        hold(tmp_path, PLAN.replace(old, new))


def test_a_wrong_passphrase_is_refused(tmp_path):
    hold(tmp_path)
    (tmp_path / "ip").write_text("some other passphrase\n")
    with pytest.raises(SettingsError, match="wrong passphrase"):
        hold(tmp_path)


def test_secret_files_must_be_private_and_long_enough(tmp_path):
    path = tmp_path / "secret"
    path.write_text("long enough to be used\n")
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_private(path, "secret")
    path.chmod(0o600)
    assert read_passphrase(path) == b"long enough to be used"
    path.write_text("short\n")
    with pytest.raises(SettingsError):
        read_passphrase(path)
    with pytest.raises(SettingsError):
        read_private(tmp_path / "missing", "secret")
    with pytest.raises(FileExistsError):
        write_new(path, b"again")


def test_an_authority_with_a_foreign_key_does_not_open(tmp_path):
    rig = make_authority(tmp_path)
    rig.files.pepper.write_bytes(b"short")
    with pytest.raises(SettingsError, match="pepper"):
        rig.open()
    rig.files.pepper.write_bytes(b"p" * 32)
    machines = rig.files.issuing_folder / "issuing_machines.key.pem"
    (rig.files.issuing_folder / "issuing_persons.key.pem").write_bytes(machines.read_bytes())
    with pytest.raises(SettingsError, match="does not belong"):
        rig.open()
    machines.write_bytes(b"nonsense")
    with pytest.raises(SettingsError):
        rig.open()

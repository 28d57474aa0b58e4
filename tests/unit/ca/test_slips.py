from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from ca import cli, hash_log
from ca.accounts import TrialAccount, issue_trial_certificates
from ca.key_kinds import KEY_KINDS
from ca.lifecycle import KeyState
from ca.pkcs12 import make_pkcs12
from ca.slip_codes import grouped, new_slip
from ca.slips import CodeRefused
from tests.support.authority import enabled_slip
from wire_formats.certificate_names import account_of
from wire_formats.errors import Kind, Refused
from wire_formats.instants import DAY_MS


def wrong_code(code):
    return ("3" if code[0] != "3" else "4") + code[1:]


def test_the_whole_life_of_a_slip(authority, rig):
    secrets = authority.slips.prepare("10023456", "unit", display="武汉测试单位", operator="counter").secrets
    assert authority.slips.status(secrets.number).state is KeyState.NOT_ENABLED
    authority.slips.enable(grouped(secrets.number).lower(), agreement="XY-1", operator="counter")
    rig.clock.pass_ms(1000)
    slip = authority.slips.download(grouped(secrets.number), grouped(secrets.code).lower())
    bag = load_pkcs12(slip.pkcs12, secrets.password.encode())
    assert bag.key.public_key() == bag.cert.certificate.public_key() == slip.issued.certificate.public_key()
    assert account_of(bag.cert.certificate) == ("unit", "10023456")
    assert len(bag.additional_certs) == 2
    assert authority.slips.status(secrets.number).state is KeyState.DOWNLOADED
    serials = authority.revoker.revoke(secrets.number, reason="key_compromise", operator="counter")
    assert serials == (slip.issued.serial,)
    entry = authority.slips.status(secrets.number)
    assert entry.state is KeyState.REVOKED and entry.held is None and entry.agreement == "XY-1"
    assert entry.prepared_ms < entry.downloaded_ms == entry.revoked_ms


def test_openssl_opens_the_file_with_its_password_only(authority, tmp_path):
    number, code, password = enabled_slip(authority)
    file = tmp_path / "holder.p12"
    file.write_bytes(authority.slips.download(number, code).pkcs12)

    def run(given):
        return subprocess.run(
            ["openssl", "pkcs12", "-in", file, "-passin", "stdin", "-nodes"],
            input=given.encode() + b"\n",
            capture_output=True,
            check=False,
            timeout=100,
        )

    opened = run(password)
    assert opened.returncode == 0 and opened.stdout.count(b"BEGIN CERTIFICATE") == 3
    assert b"BEGIN PRIVATE KEY" in opened.stdout
    assert run(new_slip(_Random()).password).returncode != 0
    info = subprocess.run(
        ["openssl", "pkcs12", "-in", file, "-passin", "stdin", "-info", "-noout"],
        input=password.encode() + b"\n",
        capture_output=True,
        check=True,
        timeout=100,
    )
    assert b"AES-256-CBC" in info.stderr and b"hmacWithSHA256" in info.stderr and b"MAC: sha256" in info.stderr


class _Random:
    def bytes(self, count, /):
        import os

        return os.urandom(count)


def test_a_chosen_password_is_never_used(authority):
    key = KEY_KINDS["ec-p256"].generate()
    chain = authority.authorities["issuing_persons"].chain
    for password in ("", "secret", "A" * 11, "A" * 13, "AAAA0AAAAAAA"):
        with pytest.raises(ValueError):
            make_pkcs12(key, chain[0], chain, password=password, friendly_name="x")


def test_nothing_is_on_by_default(authority):
    secrets = authority.slips.prepare("1", "person", operator="counter").secrets
    with pytest.raises(CodeRefused) as refused:
        authority.slips.download(secrets.number, secrets.code)
    assert refused.value.kind is Kind.SLIP_NOT_ENABLED
    assert authority.slips.status(secrets.number).tries_left == 5
    with pytest.raises(Refused):
        authority.slips.enable(secrets.number, agreement=" ", operator="counter")


def test_a_slip_works_once(authority):
    number, code, _ = enabled_slip(authority)
    authority.slips.download(number, code)
    with pytest.raises(CodeRefused) as refused:
        authority.slips.download(number, code)
    assert refused.value.kind is Kind.CODE_USED_UP


def test_five_tries_then_locked_for_good(authority, rig):
    number, code, _ = enabled_slip(authority)
    left = []
    for _ in range(5):
        with pytest.raises(CodeRefused) as refused:
            authority.slips.download(number, wrong_code(code))
        assert refused.value.kind is Kind.CODE_WRONG
        left.append(refused.value.tries_left)
    assert left == [4, 3, 2, 1, 0]
    with pytest.raises(CodeRefused) as refused:
        authority.slips.download(number, code)
    assert refused.value.kind is Kind.CODE_USED_UP
    assert authority.slips.status(number).held is None, "a locked slip's secrets are forgotten"
    assert rig.figure("ca_slips_locked_total") == 1 and rig.figure("ca_wrong_codes_total") == 5
    assert authority.revoker.revoke(number, reason="superseded", operator="counter") == ()


def test_the_right_code_gives_the_tries_back_until_then_they_count(authority):
    number, code, _ = enabled_slip(authority)
    with pytest.raises(CodeRefused):
        authority.slips.download(number, wrong_code(code))
    assert authority.slips.status(number).tries_left == 4
    assert authority.slips.download(number, code).pkcs12


def test_a_code_runs_out(authority, rig):
    number, code, _ = enabled_slip(authority)
    rig.clock.pass_ms(60 * DAY_MS)
    with pytest.raises(CodeRefused) as refused:
        authority.slips.download(number, code)
    assert refused.value.kind is Kind.CODE_USED_UP


@pytest.mark.parametrize("number", ["", "nonsense", "AAAAAAAAAA", "A" * 500, "\x00", "号码"])
def test_an_unknown_number_says_what_a_wrong_code_says(authority, number):
    with pytest.raises(CodeRefused) as refused:
        authority.slips.download(number, "AAAABBBBCCCC")
    assert refused.value.kind is Kind.CODE_WRONG and refused.value.tries_left == -1


def test_parallel_guesses_share_no_try(authority):
    number, code, _ = enabled_slip(authority)

    def guess(_):
        with pytest.raises(CodeRefused) as refused:
            authority.slips.download(number, wrong_code(code))
        return refused.value.kind, refused.value.tries_left

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(guess, range(12)))
    assert sorted(left for kind, left in answers if kind is Kind.CODE_WRONG) == [0, 1, 2, 3, 4]
    assert sum(kind is Kind.CODE_USED_UP for kind, _ in answers) == 7


def test_parallel_downloads_give_one_certificate(authority):
    number, code, _ = enabled_slip(authority)

    def download(_):
        try:
            return authority.slips.download(number, code)
        except CodeRefused as refused:
            assert refused.kind is Kind.CODE_USED_UP
            return None

    with ThreadPoolExecutor(4) as pool:
        slips = [slip for slip in pool.map(download, range(4)) if slip]
    assert len(slips) == 1
    with authority.ledger.transaction() as connection:
        assert hash_log.verify(connection).position > 0


def test_enable_and_revoke_only_from_where_they_may(authority):
    number, _, _ = enabled_slip(authority)
    with pytest.raises(Refused) as refused:
        authority.slips.enable(number, agreement="again", operator="counter")
    assert refused.value.kind is Kind.CONFLICT
    authority.revoker.revoke(number, reason="unspecified", operator="counter")
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            authority.revoker.revoke(number, reason="unspecified", operator="counter")
        assert refused.value.kind is Kind.CONFLICT
    for act in (
        lambda: authority.slips.status("ZZZZZZZZZZ"),
        lambda: authority.slips.enable("ZZZZZZZZZZ", agreement="x", operator="x"),
        lambda: authority.revoker.revoke("ZZZZZZZZZZ", reason="unspecified", operator="x"),
        lambda: authority.revoker.revoke("0" * 32, reason="unspecified", operator="x"),
    ):
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.kind is Kind.NOT_FOUND
    with pytest.raises(Refused):
        authority.revoker.revoke(number, reason="boredom", operator="x")


@pytest.mark.parametrize(("account", "window"), [("", "unit"), ("1", "bureau"), ("张", "unit"), ("a:b", "person")])
def test_accounts_outside_the_grammar_get_no_slip(authority, account, window):
    with pytest.raises(Refused):
        authority.slips.prepare(account, window, operator="counter")


def test_revoking_a_certificate_by_serial_ends_its_slip(authority):
    number, code, _ = enabled_slip(authority)
    serial = authority.slips.download(number, code).issued.serial
    assert authority.revoker.revoke(serial, reason="key_compromise", operator="counter") == (serial,)
    assert authority.slips.status(number).state is KeyState.REVOKED


def test_nothing_secret_lies_on_the_disk(authority, rig):
    planted: list[bytes] = []
    for state in range(4):
        number, code, password = enabled_slip(authority, account=f"acc{state}")
        planted += [text.encode() for text in (code, password, grouped(code), grouped(password))]
        if state == 1:
            planted.append(authority.slips.download(number, code).pkcs12[200:260])
        if state == 2:
            with pytest.raises(CodeRefused):
                authority.slips.download(number, wrong_code(code))
        if state == 3:
            authority.revoker.revoke(number, reason="unspecified", operator="counter")
    files = [path for path in rig.root.rglob("*") if path.is_file()]
    assert any(path.name == "ca.sqlite-wal" for path in files)
    for path in files:
        data = path.read_bytes()
        assert not any(secret in data for secret in planted), path


def test_no_client_s_private_key_lies_on_the_disk(authority, rig):
    number, code, password = enabled_slip(authority)
    key = load_pkcs12(authority.slips.download(number, code).pkcs12, password.encode()).key
    scalar = key.private_numbers().private_value.to_bytes(32, "big")
    assert not any(scalar in path.read_bytes() for path in rig.root.rglob("*") if path.is_file())


def test_the_ledger_and_every_secret_file_are_the_owner_s_only(authority, rig):
    for path in (rig.root / "ca").rglob("*"):
        secret = path.name in ("pepper", "passphrase") or path.name.endswith(".key.pem") or "sqlite" in path.name
        if secret and path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path


def test_trial_certificates_are_ordinary_ones(authority, rig):
    accounts = [TrialAccount("unit", "1", "甲"), TrialAccount("staff", "2")]
    made = list(issue_trial_certificates(authority.issuer, accounts, randomness=rig.randomness))
    for one in made:
        bag = load_pkcs12(one.pkcs12, one.password.encode())
        assert account_of(bag.cert.certificate) == (one.account.window, one.account.account)
        assert authority.revoker.revoke(one.serial, reason="superseded", operator="x") == (one.serial,)
    assert made[0].password not in repr(made[0])


def test_the_command_line_s_words(authority, rig, tmp_path):
    lines = cli.prepare(authority, "10023456", "unit", operator="op")
    number, code = lines[0].split()[-1], lines[1].split()[-1]
    assert "enabled" in cli.enable(authority, number, agreement="A", operator="op")[0]
    assert any(
        "10023456" in line and "启用" in line for line in cli.list_slips(authority, window="unit", state="enabled")
    )
    authority.slips.download(number, code)
    assert len(cli.revoke(authority, number, reason="superseded", operator="op")) == 2
    assert len(cli.describe(authority.slips.status(number))) == 5
    assert len(cli.write_lists(authority, tmp_path / "crl", clock=rig.clock)) == 2
    assert "unbroken" in cli.verify_log(authority)[0]

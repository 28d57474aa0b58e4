from __future__ import annotations

import shutil

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from ca.names import Holder, alternative_names, plain_text, subject_of
from ca.oids import policy_oid
from ca.profile_table import (
    PROFILE_FOLDER,
    load_profiles,
    profile_for_account,
    profile_for_machine,
    profile_for_operator,
)
from wire_formats.certificate_names import CERTIFICATE_WINDOWS, MACHINE_ROLES, OPERATOR_ROLES
from wire_formats.errors import Refused
from wire_formats.settings_reader import SettingsError

PROFILES = load_profiles()


def test_every_window_and_every_machine_role_has_its_profile():
    assert {profile_for_account(PROFILES, window).names_of for window in CERTIFICATE_WINDOWS} == set(
        CERTIFICATE_WINDOWS
    )
    assert {profile_for_machine(PROFILES, role).names_of for role in MACHINE_ROLES} == set(MACHINE_ROLES)
    assert {profile_for_operator(PROFILES, role).names_of for role in OPERATOR_ROLES} == set(OPERATOR_ROLES)
    with pytest.raises(KeyError):
        profile_for_account(PROFILES, "bureau")


def test_end_entities_have_one_purpose_and_policies_of_their_own():
    for profile in PROFILES.values():
        if not profile.authority:
            assert len(profile.extended_key_usage) == 1 and len(profile.policies) == 1
    windows = [profile_for_account(PROFILES, window).policies[0] for window in CERTIFICATE_WINDOWS]
    assert len(set(windows)) == len(windows)
    assert policy_oid(3).dotted_string.endswith(".2.3")


BROKEN = {
    "unknown key": ("validity_days = 397", 'validity_days = 397\ncolour = "red"'),
    "missing key": ('names = "host"\n', ""),
    "unknown usage": ('key_usage = ["digital_signature"]', 'key_usage = ["everything"]'),
    "unknown key kind": ('"rsa-2048"', '"rsa-1024"'),
    "doubled": ('key_usage = ["digital_signature"]', 'key_usage = ["digital_signature", "digital_signature"]'),
    "leaf that signs": ('key_usage = ["digital_signature"]', 'key_usage = ["key_cert_sign"]'),
    "authority without signing": ("authority = false", "authority = true"),
    "path length for a leaf": ("path_length = -1", "path_length = 0"),
    "two purposes": ('["server_auth"]', '["server_auth", "machine_signing"]'),
    "no policy": ("policies = [10]", "policies = []"),
    "policy not the issuer's": ("policies = [10]", "policies = [99]"),
    "no names": ('names = "host"', 'names = "none"'),
    "foreign role": ('names = "host"\nnames_of = ""', 'names = "machine"\nnames_of = "king"'),
    "issuer is no authority": ('issuer = "issuing_machines"', 'issuer = "client_unit"'),
    "issuer missing": ('issuer = "issuing_machines"', 'issuer = "nobody"'),
    "issuer for others": ('issuer = "issuing_machines"', 'issuer = "issuing_persons"'),
    "lives longer": ("validity_days = 397", "validity_days = 4000"),
    "lives too long": ("validity_days = 397", "validity_days = 40000"),
    "other name": ('name = "server"', 'name = "servant"'),
    "subject": ("OU = ", "EMAIL = "),
    "not TOML": ("authority = false", "authority = nope"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_profile_is_refused(tmp_path, what):
    folder = tmp_path / "profiles"
    shutil.copytree(PROFILE_FOLDER, folder)
    file = folder / "server.toml"
    old, new = BROKEN[what]
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError):
        load_profiles(folder)


def test_a_root_with_purposes_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(SettingsError):
        load_profiles(tmp_path)
    folder = tmp_path / "profiles"
    shutil.copytree(PROFILE_FOLDER, folder)
    root = folder / "root.toml"
    root.write_text(root.read_text().replace("extended_key_usage = []", 'extended_key_usage = ["client_auth"]'))
    with pytest.raises(SettingsError):
        load_profiles(folder)


@pytest.mark.parametrize(
    "text",
    ["", " x", "x ", "a\u202eb", "a\u200bb", "a\nb", "a\x00b", "x" * 65, "\ue000", "a\u3000b"],
)
def test_text_that_does_not_show_is_refused(text):
    with pytest.raises(Refused):
        plain_text(text)


@given(st.text(max_size=80))
def test_plain_text_refuses_or_gives_a_short_normal_text(text):
    try:
        plain = plain_text(text)
    except Refused:
        return
    assert 1 <= len(plain) <= 64 and plain == plain_text(plain)


def test_accounts_and_machines_get_one_uri():
    names = alternative_names(PROFILES["client_unit"], Holder(name="10023456"))
    assert [name.value for name in names] == ["urn:ferrygate:account:unit:10023456"]
    names = alternative_names(PROFILES["machine_ferry_low"], Holder(name="ferry_low"))
    assert [name.value for name in names] == ["urn:ferrygate:machine:ferry_low:ferry_low"]
    names = alternative_names(PROFILES["operator_gatekeeper"], Holder(name="li-ming"))
    assert [name.value for name in names] == ["urn:ferrygate:operator:gatekeeper:li-ming"]
    assert alternative_names(PROFILES["root"], Holder()) == ()


@pytest.mark.parametrize("name", ["", "a:b", "张三", "x" * 41, "a b", "../x"])
def test_names_outside_the_grammar_are_refused(name):
    with pytest.raises(Refused):
        alternative_names(PROFILES["client_unit"], Holder(name=name))


def test_hosts_are_names_or_addresses():
    names = alternative_names(PROFILES["server"], Holder(hosts=("hall.example", "127.0.0.1", "::1")))
    assert isinstance(names[0], x509.DNSName) and isinstance(names[1], x509.IPAddress)


@pytest.mark.parametrize(
    "hosts",
    [(), ("a", "a"), ("Hall.Example",), ("*.example",), ("-a.example",), ("a..b",), ("1.2.3",), ("a b",), ("x" * 64,)]
    + [tuple(f"h{n}" for n in range(17))],
)
def test_strange_hosts_are_refused(hosts):
    with pytest.raises(Refused):
        alternative_names(PROFILES["server"], Holder(hosts=hosts))


def test_the_subject_shows_the_display_text_else_the_name():
    subject = subject_of(PROFILES["client_unit"], Holder(name="10023456", display="武汉测试单位"))
    assert subject.rfc4514_string().startswith("CN=武汉测试单位,OU=Units")
    assert "CN=10023456" in subject_of(PROFILES["client_person"], Holder(name="10023456")).rfc4514_string()

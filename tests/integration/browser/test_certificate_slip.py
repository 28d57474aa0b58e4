"""A slip's way: prepared and enabled at the agency, downloaded at the site, imported, used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.integration.browser.conftest import Browsers
from tests.support.web_browser import WebBrowser
from tests.support.web_system import WebSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def _account_of(path: Path, password: str) -> str:
    certificate = pkcs12.load_pkcs12(path.read_bytes(), password.encode()).cert
    assert certificate is not None
    names = certificate.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (uri,) = names.get_values_for_type(x509.UniformResourceIdentifier)
    return uri.rpartition(":")[2]


def _slip(system: WebSystem, account: str) -> tuple[str, str, str]:
    told = system.authority("--operator", "desk-7", "prepare", account, "--window", "person")
    number, code, password = (
        re.search(rf"{words}: +(.+)", told) for words in ("number", "code", "certificate password")
    )
    assert number
    assert code
    assert password
    return number[1].strip(), code[1].strip(), password[1].strip()


def test_a_slip_becomes_a_certificate_that_signs_in(system: WebSystem, browsers: Browsers, nobody: WebBrowser) -> None:
    listed = system.account("person")
    account = _account_of(listed.pkcs12, listed.pkcs12_password)
    number, code, password = _slip(system, account)
    typed = {"certificate_number": number, "verification_code": code}
    nobody.open(system.url("site"))
    nobody.click(nobody.one("main a[href='/certificate']"))
    nobody.fill(typed)
    nobody.click_button()
    assert nobody.one("#summary").get_attribute("role") == "alert"  # not enabled yet

    system.authority("--operator", "desk-7", "enable", re.sub(r"\W", "", number), "--agreement", "A-2024-001")
    nobody.fill(typed)
    nobody.click_button_for_download()
    file = nobody.downloaded()
    assert file.name.endswith(".p12")
    assert _account_of(file, password) == account

    home = browsers.home()
    home.import_certificate(file, password)
    browser = browsers.start(home)
    browser.open(system.url("person", "/login"))
    assert browser.heading == "Sign in"
    assert account in browser.text("aside")
    browser.fill({"user_name": listed.user_name, "password": listed.password})
    browser.click_button()
    assert browser.path in ("/password", "/")

    nobody.fill(typed)
    nobody.click_button()
    assert nobody.one("#summary").get_attribute("role") == "alert"  # once only

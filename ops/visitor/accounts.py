"""What a demo user knows: the list of accounts as set-up wrote it, and the passwords changed since."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from pathlib import Path

from ops.visitor.account_list import LIST_NAME, write_list


@dataclass(frozen=True, slots=True)
class Known:
    """One account of the list: what its owner was handed."""

    label: str
    window: str
    user_name: str
    password: str
    pkcs12: Path
    pkcs12_password: str


class AccountBook:
    """The list of accounts; remembers a password that was changed.

    Args:
        folder: ``var/demo``.

    Raises:
        OSError: there is no list.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: list[dict[str, str]] = json.loads((folder / LIST_NAME).read_text(encoding="utf-8"))

    def account(self, label: str) -> Known:
        """Give one account.

        Raises:
            LookupError: the list has none of this label.
        """
        for one in self._listed:
            if one["label"] == label:
                pkcs12 = self._folder / one["pkcs12"]
                return Known(label, one["window"], one["user_name"], one["password"], pkcs12, one["pkcs12_password"])
        raise LookupError(f"no demo account {label}")

    def labels(self) -> tuple[str, ...]:
        """Give the labels of all accounts, in the list's order."""
        return tuple(one["label"] for one in self._listed)

    def remember(self, label: str, password: str) -> None:
        """Keep a changed password, so that the list stays true."""
        for one in self._listed:
            if one["label"] == label:
                one["password"] = password
        write_list(self._folder, self._listed)

    def context(self, label: str) -> ssl.SSLContext:
        """Give TLS with this account's certificate, trusting the installation's root only."""
        context = ssl.create_default_context(cafile=str(self._folder / "root.pem"))
        context.load_cert_chain(str(self._folder / f"{label}.pem"))
        return context

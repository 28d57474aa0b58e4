"""The list of demo accounts, for programs and for people; written by set-up, readable by its owner only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

LIST_NAME: Final = "accounts.json"
README_NAME: Final = "ACCOUNTS.txt"
_MODE: Final = 0o600


def write_list(folder: Path, listed: list[dict[str, str]], *, shown: Path | None = None) -> None:
    """Write the list.

    Args:
        folder: where to.
        listed: label, words, window, user_name, password, pkcs12, pkcs12_password of each account.
        shown: the folder to name in the text, when it will be renamed.
    """
    write_private(folder / LIST_NAME, json.dumps(listed, ensure_ascii=False, indent=1).encode())
    lines = ["Demo accounts (a first password must be changed at the first sign-in):"]
    for one in listed:
        lines += [
            f"  {one['label']:<10} {one['words']}",
            f"  {'':<10} user name {one['user_name']}   password {one['password']}",
            f"  {'':<10} certificate {(shown or folder) / one['pkcs12']}   its password {one['pkcs12_password']}",
        ]
    write_private(folder / README_NAME, ("\n".join(lines) + "\n").encode())


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=_MODE)
    unfinished.write_bytes(data)
    unfinished.replace(path)

"""What a person needs to know once everything runs: addresses, accounts, certificates."""

from __future__ import annotations

from ops.layout import Installation, Layout

_WINDOWS = (
    ("units (单位)", "unit"),
    ("communities (社区)", "community"),
    ("individuals (个人)", "person"),
    ("staff (经办)", "staff"),
    ("gatekeepers (守闸台)", "gatekeeper"),
    ("  low side, read only", "gatekeeper_low"),
)


def welcome(layout: Layout, found: Installation) -> str:
    """Give the closing lines of a start."""
    lines = ["", "Ferrygate serves:"]
    for words, name in _WINDOWS:
        port = getattr(found.ports, name)
        lines.append(f"  {words:<22} https://localhost:{port}/   (client certificate)")
    lines.append(
        f"  {'site (门户)':<21} https://localhost:{found.ports.site}/   http://localhost:{found.ports.site_plain}/"
    )
    accounts = layout.demo / "ACCOUNTS.txt"
    if accounts.exists():
        lines += ["", accounts.read_text(encoding="utf-8").rstrip()]
    lines += [
        "",
        "Import a certificate into a browser:",
        "  Firefox   Settings > Privacy & Security > View Certificates > Your Certificates > Import",
        "  Chrome    Settings > Privacy and security > Security > Manage certificates > Import",
        f"  Linux     pk12util -d sql:$HOME/.pki/nssdb -i {layout.demo}/unit.p12",
        f"  and trust {layout.demo}/root.pem as an authority for web sites (demo machine only).",
        "",
        "`make status` shows every role; Ctrl-C stops.",
    ]
    return "\n".join(lines)

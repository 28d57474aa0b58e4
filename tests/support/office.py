"""LibreOffice at work: opens a workbook, types into its first sheet, saves it; as the clerk's own computer would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_SOFFICE = Path("/usr/bin/soffice")
_PYTHON = Path("/usr/bin/python3")
_LIMIT_S = 170

#: Run by the system's Python, which knows LibreOffice's interface.
_TYPIST = r"""
import json, os, subprocess, sys, time
import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException

def option(name, value):
    one = PropertyValue()
    one.Name, one.Value = name, value
    return one

source, target, profile, cells = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
pipe = "fg%d" % os.getpid()
office = subprocess.Popen(
    ["/usr/bin/soffice", "--headless", "--norestore", "--nologo", "-env:UserInstallation=file://" + profile,
     "--accept=pipe,name=%s;urp;" % pipe],
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
context = uno.getComponentContext()
resolver = context.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", context)
for _ in range(500):
    try:
        there = resolver.resolve("uno:pipe,name=%s;urp;StarOffice.ComponentContext" % pipe)
        break
    except NoConnectException:
        time.sleep(0.2)
desktop = there.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", there)
book = desktop.loadComponentFromURL("file://" + source, "_blank", 0, (option("Hidden", True),))
sheet = book.Sheets.getByIndex(0)
for place, text in cells.items():
    cell = sheet.getCellRangeByName(place)
    as_text = book.NumberFormats.getByKey(cell.NumberFormat).Type & 256  # com.sun.star.util.NumberFormat.TEXT
    cell.setString(text) if as_text else cell.setFormula(text)  # as typing on the keyboard does
book.storeToURL("file://" + target, (option("FilterName", "Calc MS Excel 2007 XML"),))
book.close(True)
try:
    desktop.terminate()
except Exception:
    pass
try:
    office.wait(30)
except subprocess.TimeoutExpired:
    pass  # it is ended with its group
"""


def why_not() -> str:
    """Say in one line why LibreOffice cannot be used; "" if it can."""
    if not _SOFFICE.exists() or not _PYTHON.exists():
        return "no LibreOffice: apt-get install libreoffice-calc python3-uno"
    if subprocess.run([_PYTHON, "-c", "import uno"], capture_output=True, check=False).returncode != 0:
        return "no LibreOffice interface: apt-get install python3-uno"
    return ""


def type_into(source: Path, target: Path, cells: Mapping[str, str]) -> None:
    """Open a workbook, type into cells of its first sheet (numbers become numbers in number cells), save as .xlsx."""
    command = [_PYTHON, "-c", _TYPIST, source, target, target.parent / "office-profile", json.dumps(dict(cells))]
    done = subprocess.Popen(
        [str(one) for one in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        _, told = done.communicate(timeout=_LIMIT_S)
    finally:  # LibreOffice is several processes, and none of them may stay
        with suppress(ProcessLookupError):
            os.killpg(done.pid, signal.SIGKILL)
        done.wait()
    assert done.returncode == 0 and target.exists(), told

"""Drops on a real file system, settings files, reference numbers and instants."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_formats import drop, ids, instants
from wire_formats.errors import Kind, PeerError, Unavailable
from wire_formats.settings_reader import SettingsError, load_settings, number, read_settings

NAME = drop.DropName(1_768_464_000_000, 1, "worker-1")


def test_a_file_appears_whole_in_order_and_can_be_read(tmp_path: Path) -> None:
    drop.prepare_drop(tmp_path)
    later = drop.DropName(NAME.epoch, 2, "worker-1")
    drop.write_drop(tmp_path, later, b"two")
    drop.write_drop(tmp_path, NAME, b"one", durable=True)
    assert drop.list_drop(tmp_path, most=10) == ([NAME, later], [])
    assert drop.count_drop(tmp_path) == 2
    assert drop.read_drop(tmp_path, NAME, limit=10) == b"one"
    drop.remove_drop(tmp_path, NAME)
    drop.remove_drop(tmp_path, NAME)
    with pytest.raises(FileNotFoundError):
        drop.read_drop(tmp_path, NAME, limit=10)


def test_unfinished_files_are_never_seen_and_are_cleared(tmp_path: Path) -> None:
    drop.prepare_drop(tmp_path)
    (tmp_path / drop.TEMPORARY / "left").write_bytes(b"torn")
    assert drop.list_drop(tmp_path, most=10) == ([], [])
    drop.prepare_drop(tmp_path)
    assert not list((tmp_path / drop.TEMPORARY).iterdir())


def test_strange_entries(tmp_path: Path) -> None:
    drop.prepare_drop(tmp_path)
    secret = tmp_path.parent / "secret"
    secret.write_bytes(b"secret")
    link = drop.DropName(1, 1, "a")
    (tmp_path / str(link)).symlink_to(secret)
    hard = drop.DropName(1, 2, "a")
    os.link(secret, tmp_path / str(hard))
    fifo = drop.DropName(1, 3, "a")
    os.mkfifo(tmp_path / str(fifo))
    folder = drop.DropName(1, 4, "a")
    (tmp_path / str(folder)).mkdir()
    large = drop.DropName(1, 5, "a")
    drop.write_drop(tmp_path, large, b"12345")
    (tmp_path / "readme.txt").write_text("x")
    (tmp_path / ("x" * 255)).write_text("x")
    names, strange = drop.list_drop(tmp_path, most=10)
    assert len(names) == 5
    assert set(strange) == {"readme.txt", "x" * 255}
    for name in (link, hard, fifo, folder):
        with pytest.raises(PeerError):
            drop.read_drop(tmp_path, name, limit=100)
    with pytest.raises(PeerError) as caught:
        drop.read_drop(tmp_path, large, limit=4)
    assert caught.value.kind is Kind.TOO_LARGE


@pytest.mark.parametrize("text", ["", "x", "../" + str(NAME), str(NAME) + "\n", str(NAME).upper(), str(NAME)[1:]])
def test_names_outside_the_grammar(text: str) -> None:
    with pytest.raises(PeerError):
        drop.parse_name(text)


def test_a_neighbour_that_clears_unfinished_files_meanwhile_costs_nothing(tmp_path: Path) -> None:
    drop.prepare_drop(tmp_path)
    data = bytes(4_000_000)

    def clear_once() -> None:
        while not list((tmp_path / ".tmp").iterdir()):
            if list(tmp_path.glob("*.bundle")):
                return
        drop.prepare_drop(tmp_path)

    neighbour = threading.Thread(target=clear_once)
    neighbour.start()
    name = drop.DropName(1, 1, "worker-1")
    drop.write_drop(tmp_path, name, data, durable=True)
    neighbour.join()
    assert drop.read_drop(tmp_path, name, limit=len(data)) == data


def test_a_full_disk_publishes_nothing(tmp_path: Path) -> None:
    """RLIMIT_FSIZE makes the kernel write short and then fail, as a full disk does."""
    drop.prepare_drop(tmp_path)
    script = (
        "import resource,signal,sys;from pathlib import Path;from wire_formats import drop\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE,(4096,4096))\n"
        "try: drop.write_drop(Path(sys.argv[1]), drop.DropName(1,1,'a'), bytes(65537))\n"
        "except Exception as e: print(type(e).__name__, e.kind.name)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Unavailable STORAGE_FULL"
    assert drop.list_drop(tmp_path, most=9) == ([], [])
    assert not list((tmp_path / drop.TEMPORARY).iterdir())
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 4096


def test_a_missing_drop_is_refused_clearly(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        drop.write_drop(tmp_path / "none", NAME, b"x")


@given(st.binary(min_size=16, max_size=16))
def test_reference_numbers_round_trip(value: bytes) -> None:
    text = ids.reference_number(value)
    assert ids.parse_reference_number(text) == value
    assert ids.parse_reference_number(text.lower().replace("-", " ").replace("0", "o").replace("1", "l")) == value


@given(st.binary(min_size=16, max_size=16), st.integers(0, 26), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_one_wrong_symbol_is_noticed(value: bytes, at: int, symbol: str) -> None:
    plain = ids.reference_number(value).replace("-", "")
    if plain[at] != symbol:
        with pytest.raises(PeerError):
            ids.parse_reference_number(plain[:at] + symbol + plain[at + 1 :])


@given(st.binary(min_size=16, max_size=16))
def test_an_operator_names_a_request_by_its_digits_or_its_reference_number(value: bytes) -> None:
    for text in (value.hex(), value.hex().upper(), ids.reference_number(value)):
        assert ids.parse_request_id(text) == value


@pytest.mark.parametrize("text", ["", "00" * 15, "00" * 17, "00 " * 10 + "00", "0x" + "0" * 30, "g" * 32, "１" * 32])
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        ids.parse_request_id(text)


@given(st.integers(0, instants.LATEST_MS))
def test_instants_round_trip(instant: int) -> None:
    assert instants.from_iso(instants.iso(instant)) == instant


@dataclass(frozen=True)
class Inner:
    """A nested table."""

    url: str


@dataclass(frozen=True)
class Sample:
    """Every type a setting may have."""

    name: str
    folder: Path
    database: Inner
    ports: tuple[int, ...] = ()
    trust: dict[str, str] | None = None
    workers: int = number(4, least=1, most=64)
    staff: bool = False


GOOD = 'name="x"\nfolder="keys"\nports=[1,2]\n[database]\nurl="sqlite://"\n[trust]\na="b"\n'


def test_settings(tmp_path: Path) -> None:
    sample = read_settings(Sample, GOOD, tmp_path / "s.toml")
    assert sample == Sample("x", tmp_path / "keys", Inner("sqlite://"), (1, 2), {"a": "b"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name=", "not valid TOML"),
        (GOOD + "extra=1", "unknown setting 'trust.extra'"),
        ("surprise=1\n" + GOOD, "unknown setting 'surprise'; known here"),
        (GOOD.replace('name="x"\n', ""), "setting 'name' is missing"),
        (GOOD.replace('"x"', "5"), "setting 'name' must be str, not int"),
        ("workers=0\n" + GOOD, "setting 'workers' must be from 1 to 64, not 0"),
        ("workers=true\n" + GOOD, "setting 'workers' must be int"),
        (GOOD.replace('url="sqlite://"', "urls=1"), "unknown setting 'database.urls'"),
        (GOOD.replace("[1,2]", '[1,"2"]'), "setting 'ports[1]' must be int"),
    ],
)
def test_wrong_settings_are_one_clear_line(text: str, said: str, tmp_path: Path) -> None:
    if "extra" in text:
        said = "must be str" if "trust.extra" not in said else "'trust.extra' must be str"
    with pytest.raises(SettingsError) as caught:
        read_settings(Sample, text, tmp_path / "s.toml")
    assert said in str(caught.value)
    assert str(tmp_path / "s.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ferrygate up"):
        load_settings(Sample, tmp_path / "none.toml")

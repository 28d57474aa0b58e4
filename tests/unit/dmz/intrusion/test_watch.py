"""The watch of an edge's child over a real drop: who is let in, and what two children and an operator share."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from msgspec import structs
from prometheus_client import CollectorRegistry
from twisted.logger import capturedLogs

from dmz.edge.connection_limits import Admission, AdmissionLimits
from dmz.edge.refusals import Reason, RefusalError
from dmz.edge.watch_port import Trace, accountable
from dmz.intrusion.ban_board import MAX_FILES_A_SCAN, ban_name, write_ban
from dmz.intrusion.bans import OPERATOR, Ban, encode_ban
from dmz.intrusion.events import OFFENCE_LINES
from dmz.intrusion.handler import WatchedHandler
from dmz.intrusion.offences import Offence
from dmz.intrusion.service import IntrusionService
from dmz.intrusion.settings import IntrusionSettings
from dmz.intrusion.shared_offences import SharedOffences
from dmz.intrusion.watch import KNOCKS, Post
from dmz.messages import ClientIdentity, HallRequest
from dmz.waf.refused import FirewallRefusedError
from dmz.waf.verdict import Stage, Verdict
from tests.support.machines import NOW_MS
from wire_formats.bilingual import Label
from wire_formats.drop import list_drop, prepare_drop

ADDRESS, OTHER, CLERK = "203.0.113.7", "203.0.113.8", b"c" * 32
MINUTE = 60_000


class Clock:
    def __init__(self):
        self.ms = NOW_MS

    def now_ms(self):
        return self.ms


class Rescan:
    """A directory watch that looks when the test says so."""

    def __init__(self):
        self.listeners = []

    def watch(self, path, on_change):
        self.listeners.append(on_change)
        return lambda: self.listeners.remove(on_change)


class Edge:
    """Two children over one drop."""

    def __init__(self, tmp_path, **changes):
        self.clock, self.rescan, self.folder = Clock(), Rescan(), tmp_path / "bans"
        self.settings = IntrusionSettings(bans=self.folder, trusted=("127.0.0.0/8",), **changes)
        self.lines: list[str] = []
        prepare_drop(self.folder)
        self.registries, self.children = [], []
        self.offences = SharedOffences(2)
        for number in range(2):
            self.add_child(number)

    def add_child(self, number):
        registry = CollectorRegistry()
        service = IntrusionService(
            self.settings,
            Post(f"edge-{number}", keeper=number == 0, exchange=self.offences.place(number)),
            reactor=None,
            clock=self.clock,
            registry=registry,
            sinks=[self.lines.append],
        )
        service.start(self.rescan)
        self.registries.append(registry)
        self.children.append(service.watch)
        return service.watch

    def look(self):
        for listener in list(self.rescan.listeners):
            listener()

    def offend(self, offence, times, *, address=ADDRESS, certificate=None, child=0):
        for _ in range(times):
            self.children[child].note(offence, Trace(address, certificate, "unit", "ab" * 16))

    def reason(self, address, certificate=None, child=0):
        """Why a request is refused; None if it is not."""
        try:
            self.children[child].check(address, certificate)
        except RefusalError as error:
            return error.reason
        return None

    def count(self, name, child=0, **labels):
        return self.registries[child].get_sample_value(name, labels)

    def files(self):
        return list_drop(self.folder, most=1_000)[0]


@pytest.fixture
def edge(tmp_path):
    return Edge(tmp_path)


def test_a_scanner_is_slowed_down_then_banned_and_nobody_else_is(edge):
    edge.offend(Offence.SCANNER, 2)
    # Throttled: a burst passes, then one must wait.
    answers = [edge.reason(ADDRESS) for _ in range(20)]
    assert answers.count(None) == 8 and set(answers[8:]) == {Reason.THROTTLED}
    edge.offend(Offence.SCANNER, 2)
    assert edge.reason(ADDRESS) is Reason.BANNED
    assert (edge.reason(OTHER), edge.reason(ADDRESS, CLERK)) == (None, None)
    with pytest.raises(RefusalError) as caught:
        edge.children[0].check(ADDRESS, None)
    assert caught.value.retry_after_s == 600
    edge.clock.ms += 10 * MINUTE
    assert edge.reason(ADDRESS) is None
    assert edge.count("dmz_intrusion_offences_total", kind="scanner") == 4
    assert edge.count("dmz_intrusion_actions_total", action="banned") == 1
    assert edge.count("dmz_intrusion_actions_total", action="throttled") == 1


def test_one_bad_clerk_does_not_ban_his_office(edge):
    edge.offend(Offence.LOGIN_FAILED, 14, certificate=CLERK)
    assert edge.reason(ADDRESS, CLERK) is Reason.BANNED
    assert edge.reason(ADDRESS, b"d" * 32) is None
    assert edge.reason(ADDRESS) is None
    assert edge.children[0].may_connect(ADDRESS)


def test_a_revoked_certificate_counts_on_its_address(edge):
    for _ in range(20):
        edge.children[0].refused(Reason.CERTIFICATE_REVOKED, Trace(ADDRESS, CLERK, "unit"))
    assert edge.reason(ADDRESS) is Reason.BANNED
    assert edge.reason(ADDRESS, CLERK) is None, "the deny list refuses it anyway"


def test_what_a_link_can_cause_counts_on_the_address(edge):
    for _ in range(30):
        edge.children[0].refused(Reason.PERCENT, Trace(ADDRESS, CLERK, "unit"))
    assert (edge.reason(ADDRESS), edge.reason(ADDRESS, CLERK)) == (Reason.BANNED, None)
    for _ in range(30):
        edge.children[0].refused(Reason.BARE_LF, Trace(OTHER, CLERK, "unit"))
    assert (edge.reason(OTHER), edge.reason(OTHER, CLERK)) == (None, Reason.BANNED)


@pytest.mark.parametrize("reason", [Reason.PERCENT, Reason.METHOD, Reason.REQUEST_LINE_TOO_LONG])
@pytest.mark.parametrize("foreign", [True, None])
def test_pages_of_others_slow_their_visitors_address_down_and_ban_nobody(edge, reason, foreign):
    for _ in range(300):
        edge.children[0].refused(reason, Trace(ADDRESS, None, "unit", foreign=foreign))
        edge.children[0].note(Offence.FIREWALL_SEVERE, Trace(ADDRESS, None, "unit", foreign=True))
    assert [edge.reason(ADDRESS) for _ in range(10)][-1] is Reason.THROTTLED
    assert edge.files() == []
    edge.offend(Offence.SCANNER, 2)
    assert edge.reason(ADDRESS) is Reason.BANNED, "his own doing bans him"


def test_connections_that_pages_of_others_make_ban_nobody(edge):
    for child in edge.children:
        child.refused(Reason.FOREIGN_PAGE, Trace(ADDRESS, None, "unit", foreign=True))
    for _ in range(300):
        edge.children[0].overran(ADDRESS)
    assert edge.count("dmz_intrusion_offences_total", kind="rate") == 300
    assert edge.files() == []
    for _ in range(3):
        edge.clock.ms += 61 * MINUTE
        edge.look()
    for _ in range(300):
        edge.children[0].overran(ADDRESS)
    assert edge.reason(ADDRESS) is Reason.BANNED


def test_a_banned_address_may_knock_now_and_then_and_freely_where_certificates_are_in_use(edge):
    edge.offend(Offence.SCANNER, 4)
    let_in = [edge.children[0].may_connect(ADDRESS) for _ in range(30)]
    assert sum(let_in) == KNOCKS.burst and let_in[0]
    assert edge.count("dmz_intrusion_actions_total", action="connection_closed") == 30 - KNOCKS.burst
    edge.clock.ms += 10_000
    assert [edge.children[0].may_connect(ADDRESS) for _ in range(3)] == [True, True, False]
    edge.children[0].welcome(ADDRESS)
    assert all(edge.children[0].may_connect(ADDRESS) for _ in range(50))
    assert edge.reason(ADDRESS) is Reason.BANNED, "strangers are still turned away there"


def test_admission_turns_away_before_everything_else(edge):
    admission = Admission(AdmissionLimits(connections=0), edge.children[0])
    edge.offend(Offence.SCANNER, 4)
    told = [admission.open(ADDRESS, 0.0) for _ in range(KNOCKS.burst + 2)]
    assert told[-1] == "banned" and told[0] == "connections"
    assert admission.open_connections == 0


def test_connections_over_the_rate_count(edge):
    admission = Admission(AdmissionLimits(connections_per_address=1), edge.children[0])
    assert admission.open(ADDRESS, 0.0) is None
    for _ in range(50):
        assert admission.open(ADDRESS, 0.0) == "address_connections"
    assert edge.count("dmz_intrusion_offences_total", kind="rate") == 50
    assert edge.reason(ADDRESS) is Reason.BANNED


def test_trusted_addresses_are_never_banned_and_certificates_behind_them_are(edge):
    edge.offend(Offence.SCANNER, 50, address="127.0.0.1")
    assert edge.reason("127.0.0.1") is None
    write_ban(edge.folder, Ban("127.0.0.2", NOW_MS, NOW_MS + MINUTE, 1, OPERATOR, "li"))
    edge.look()
    assert edge.reason("127.0.0.2") is None
    edge.offend(Offence.LOGIN_FAILED, 14, address="127.0.0.1", certificate=CLERK)
    assert edge.reason("127.0.0.1", CLERK) is Reason.BANNED


def test_children_share_bans_and_a_restart_knows_them(edge):
    edge.offend(Offence.SCANNER, 4)
    assert edge.reason(ADDRESS, child=1) is None
    edge.look()
    assert edge.reason(ADDRESS, child=1) is Reason.BANNED
    restarted = edge.add_child(2)
    with pytest.raises(RefusalError):
        restarted.check(ADDRESS, None)
    assert edge.count("dmz_intrusion_bans_total", child=1, subject="address") == 1


def test_children_share_scores(edge):
    for number in range(4):
        assert edge.reason(ADDRESS, child=number % 2) is None or number > 1
        edge.offend(Offence.SCANNER, 1, child=number % 2)
    assert edge.reason(ADDRESS, child=1) is Reason.BANNED, "4 × 25, whichever child was asked"
    assert [line.split("|")[4] for line in edge.lines].count("banned") == 1


def test_whom_one_child_slows_down_all_do_at_the_next_look(edge):
    edge.offend(Offence.SCANNER, 2)
    assert [edge.reason(ADDRESS, child=1) for _ in range(9)][-1] is None
    edge.look()
    assert [edge.reason(ADDRESS, child=1) for _ in range(9)][-1] is Reason.THROTTLED


def test_what_pages_of_others_have_caused_bans_nobody_in_other_children_either(edge):
    for _ in range(100):
        edge.children[0].note(Offence.SCANNER, Trace(ADDRESS, None, "unit", foreign=True))
    edge.offend(Offence.NOT_FOUND, 1, child=1)
    assert edge.reason(ADDRESS, child=1) is not Reason.BANNED


def test_a_new_child_knows_the_scores_and_what_bans_have_wiped_out(edge):
    edge.offend(Offence.SCANNER, 3)
    edge.offend(Offence.SCANNER, 4, address=OTHER)
    edge.clock.ms += 1
    write_ban(edge.folder, Ban(OTHER, edge.clock.ms, edge.clock.ms, 0, OPERATOR, "wang"))
    edge.look()
    edge.clock.ms += 1
    for place in (2, 0):  # a free place, and that of a child which has died
        child = edge.add_child(place)
        child.note(Offence.NOT_FOUND, Trace(OTHER, None, "unit"))
        assert child._ledger.score(OTHER, edge.clock.ms) == pytest.approx(2, abs=2.1)
        assert child._ledger.score(ADDRESS, edge.clock.ms) == pytest.approx(75, abs=0.1)
    for _ in range(2):
        child.note(Offence.SCANNER, Trace(ADDRESS, None, "unit"))
    with pytest.raises(RefusalError) as refused:
        child.check(ADDRESS, None)
    assert refused.value.reason is Reason.BANNED


def test_a_child_without_a_place_hears_and_says_so(edge):
    with capturedLogs() as lines:
        child = edge.add_child(None)
    assert [line["log_format"] for line in lines] == ["offences_not_shared"]
    edge.offend(Offence.SCANNER, 2)
    child.note(Offence.SCANNER, Trace(ADDRESS, None, "unit"))
    child.note(Offence.SCANNER, Trace(ADDRESS, None, "unit"))
    edge.look()
    assert edge.reason(ADDRESS, child=2) is Reason.BANNED


def test_an_operator_bans_and_lifts_everywhere_and_each_is_told_once(edge):
    write_ban(edge.folder, Ban(OTHER, NOW_MS, NOW_MS + MINUTE, 1, OPERATOR, "li"))
    edge.look()
    assert [edge.reason(OTHER, child=child) for child in (0, 1)] == [Reason.BANNED] * 2
    edge.clock.ms += 1
    write_ban(edge.folder, Ban(OTHER, edge.clock.ms, edge.clock.ms, 0, OPERATOR, "wang"))
    edge.look()
    assert [edge.reason(OTHER, child=child) for child in (0, 1)] == [None] * 2
    assert [line.split("|")[4] for line in edge.lines] == ["banned", "lifted"]
    assert "suser=wang" in edge.lines[1]
    edge.look()
    assert len(edge.lines) == 2


def test_a_lift_takes_the_score_and_the_repetition_along(edge):
    edge.offend(Offence.SCANNER, 4)
    edge.offend(Offence.SCANNER, 3, child=1)
    edge.look()
    write_ban(edge.folder, Ban(ADDRESS, NOW_MS + 1, NOW_MS + 1, 0, OPERATOR, "li"))
    edge.look()
    edge.clock.ms += 2
    edge.offend(Offence.SCANNER, 1, child=1)
    assert edge.reason(ADDRESS, child=1) is None
    edge.offend(Offence.SCANNER, 3, child=1)
    assert "cnt=1 " in edge.lines[-1] + " "


def test_old_files_are_deleted_by_the_keeper(edge):
    edge.offend(Offence.SCANNER, 4)
    edge.clock.ms += 11 * MINUTE
    edge.offend(Offence.SCANNER, 4)
    edge.look()
    edge.clock.ms += MINUTE
    edge.look()
    (name,) = edge.files()
    assert name.sender == "edge-0", "the first ban is superseded by the second"
    edge.clock.ms += 25 * 60 * MINUTE
    edge.look()
    assert edge.files() == []
    assert edge.count("dmz_intrusion_bans_total", subject="address") == 0


def test_a_file_that_is_no_ban_is_counted_and_left_alone(edge):
    (edge.folder / f"{NOW_MS:016x}-{1:012x}-edge-9.notice").write_bytes(b"{}")
    (edge.folder / "strange").write_bytes(b"x")
    for _ in range(3):
        edge.clock.ms += MINUTE
        edge.look()
    assert edge.count("dmz_intrusion_files_refused_total") == 2, "each once"
    assert edge.children[0].bans() == 0


def test_a_file_that_could_not_be_read_once_is_read_later(edge):
    other = Ban(OTHER, NOW_MS, NOW_MS + 60 * MINUTE, 1, OPERATOR, "li")
    write_ban(edge.folder, other)
    (name,) = edge.files()
    half = edge.folder / str(name)
    whole = half.read_bytes()
    half.write_bytes(whole[:20])  # copied by hand, and not yet whole
    linked = edge.folder / str(ban_name(replace(other, subject=ADDRESS), OPERATOR))
    linked.write_bytes(encode_ban(replace(other, subject=ADDRESS)))
    twin = edge.folder.parent / "twin"
    twin.hardlink_to(linked)
    for _ in range(3):
        edge.clock.ms += MINUTE
        edge.look()
    assert edge.children[1].bans() == 0
    half.write_bytes(whole)
    twin.unlink()
    for _ in range(2):
        edge.clock.ms += MINUTE
        edge.look()
    assert [child.bans() for child in edge.children] == [2, 2]
    assert edge.count("dmz_intrusion_files_refused_total") == 2, "each is told of once"


def test_many_bans_at_once_are_read_in_pieces_and_whole_at_a_start(edge):
    for index in range(3 * MAX_FILES_A_SCAN):
        write_ban(edge.folder, Ban(f"198.51.100.{index}", NOW_MS, NOW_MS + MINUTE, 1, OPERATOR, "li"))
    for looks in (1, 2, 3, 4):
        edge.look()
        assert edge.children[1].bans() == min(looks, 3) * MAX_FILES_A_SCAN
    assert edge.add_child(2).bans() == 3 * MAX_FILES_A_SCAN


def test_offences_of_whoever_is_banned_make_no_further_ban(edge):
    edge.offend(Offence.SCANNER, 40)
    assert [line.split("|")[4] for line in edge.lines].count("banned") == 1
    assert len(edge.files()) == 1


def test_a_flood_of_offences_is_not_a_flood_of_lines(edge):
    for index in range(1_000):
        edge.offend(Offence.NOT_FOUND, 1, address=f"198.51.{index >> 8}.{index & 255}")
    assert len(edge.lines) == OFFENCE_LINES.burst
    assert edge.count("dmz_intrusion_offences_total", kind="not_found") == 1_000
    assert edge.count("dmz_intrusion_lines_left_out_total") == 1_000 - OFFENCE_LINES.burst


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trusted": ("10.0.0.1/8",)}, "host bits"),
        ({"address_throttle": 100}, "less than"),
        ({"syslog": "siem:514"}, "IP address"),
    ],
)
def test_settings_that_cannot_be(tmp_path, changes, said):
    with pytest.raises(ValueError, match=said):
        IntrusionSettings(bans=tmp_path, **changes)


@pytest.mark.parametrize(
    ("site", "answers"),
    [(None, True), ("same-origin", True), ("none", True), ("same-site", False), ("cross-site", False), ("x", False)],
)
def test_a_certificate_answers_for_what_its_holder_did_himself(site, answers):
    fields = {} if site is None else {"sec-fetch-site": site}
    assert (accountable(b"c" * 32, fields) is not None) is answers
    assert accountable(None, fields) is None


SESSION = (("__Host-fg-unit", "x"),)
HOLDER = ClientIdentity(CLERK, "ca", 5, "urn", "unit", "U1")


@pytest.mark.parametrize(
    ("label", "changes", "until_banned"),
    [
        (Label("备注", "Note"), {}, 25),
        (Label("备注", "Note"), {"cookies": ()}, 6),
        (Label("备注", "Note"), {"cookies": (("lang", "en"),)}, 6),
        (None, {}, 6),
    ],
)
def test_false_alarms_in_what_a_signed_in_user_types_count_little_and_count(edge, label, changes, until_banned):
    verdict = Verdict(allowed=False, stage=Stage.NEGATIVE, rule="942100", field="remark", score=15)

    async def firewall(request):
        raise FirewallRefusedError(verdict, label)

    handler = WatchedHandler(firewall, edge.children[0])
    request = HallRequest("POST", "unit", "/s/x", client=HOLDER, address=ADDRESS, cookies=SESSION)
    request = structs.replace(request, **changes)
    tries = 0
    while edge.reason(ADDRESS, CLERK) is not Reason.BANNED:
        tries += 1
        with pytest.raises(FirewallRefusedError):
            asyncio.run(handler(request))
    assert tries == until_banned


def test_the_number_on_a_banned_page_leads_to_the_ban(tmp_path):
    edge = Edge(tmp_path)
    with capturedLogs() as lines:
        edge.children[0].refused(Reason.BANNED, Trace(ADDRESS, CLERK, "unit", "ab" * 16))
        edge.children[0].refused(Reason.BANNED, Trace(ADDRESS, None, "unit", "cd" * 16))
    told = [(line["log_format"], line["request_id"], line["offender"]) for line in lines]
    assert told == [
        ("banned_turned_away", "ab" * 16, f"sha256:{CLERK.hex()}"),
        ("banned_turned_away", "cd" * 16, ADDRESS),
    ]

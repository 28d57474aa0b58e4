"""The witness: what continues is cosigned, a fork never is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ferry.witness.judgement import Judgement, judge
from tests.support.log_kit import LogKit, MemoryTree, fork
from tests.support.machines import NOW_MS
from tests.unit.ferry.witness.logs import Logs
from wire_formats.errors import PeerError
from wire_formats.lane_control import Cosignature, TreeHead, TreeRefused
from wire_formats.suites import SigningKey
from wire_formats.tlog import tree
from wire_formats.tlog.checkpoint import Checkpoint, Origin, sign_checkpoint
from wire_formats.tlog.submission import parse_submission

KIT = LogKit()
for _ in range(12):
    KIT.cross()
FORKED = fork(KIT, 6, KIT.low)


def _at(size: int, source: MemoryTree = KIT.tree, origin: Origin = KIT.origin) -> Checkpoint:
    return Checkpoint(origin, size, source.root(size))


def _proof(old: int, size: int, source: MemoryTree = KIT.tree) -> list[bytes]:
    return tree.consistency_path(old, size, source.node)


def _head(old: int, size: int, source: MemoryTree = KIT.tree, origin: Origin = KIT.origin) -> TreeHead:
    checkpoint = _at(size, source, origin)
    signature = KIT.low.suite.from_note(sign_checkpoint(checkpoint, KIT.low).value)
    proof = tuple(_proof(old, size, source))
    return TreeHead(origin.number, origin.base, size, checkpoint.root, signature, old, proof, NOW_MS)


NEXT = Origin("ferry_low", "ferry_low", 2, KIT.tree.root(8))


@pytest.mark.parametrize(
    ("known", "offered", "old", "proof", "expected"),
    [
        (None, _at(5), 0, [], Judgement.COSIGN),
        (None, _at(5), 3, _proof(3, 5), Judgement.OLD_SIZE),
        (_at(5), _at(8), 5, _proof(5, 8), Judgement.COSIGN),
        (_at(5), _at(5), 5, [], Judgement.COSIGN),
        (_at(5), _at(8), 4, _proof(4, 8), Judgement.OLD_SIZE),
        (_at(5), _at(8), 0, [], Judgement.OLD_SIZE),
        (_at(5), _at(3), 3, [], Judgement.OLD_SIZE),
        (_at(5), _at(8), 5, _proof(5, 8)[:-1], Judgement.SPLIT_VIEW),
        (_at(7), _at(9, FORKED), 7, _proof(7, 9, FORKED), Judgement.SPLIT_VIEW),
        (_at(7), _at(7, FORKED), 7, [], Judgement.SPLIT_VIEW),
        (_at(5), _at(9, FORKED), 5, _proof(5, 9, FORKED), Judgement.COSIGN),  # nothing forked was seen yet
        (_at(8), _at(1, origin=NEXT), 0, [], Judgement.COSIGN),
        (_at(7), _at(1, origin=NEXT), 0, [], Judgement.OLD_SIZE),  # the end of the first log is missing
        (_at(8), _at(1, origin=NEXT._replace(number=3)), 0, [], Judgement.OLD_SIZE),
        (_at(1, origin=NEXT), _at(8), 0, [], Judgement.OLD_SIZE),
        (_at(5), _at(8, origin=KIT.origin._replace(base=bytes(32))), 0, [], Judgement.SPLIT_VIEW),
        (_at(5), _at(8, origin=KIT.origin._replace(name="another")), 0, [], Judgement.OTHER_LOG),
    ],
)
def test_the_table(
    known: Checkpoint | None, offered: Checkpoint, old: int, proof: list[bytes], expected: Judgement
) -> None:
    assert judge(known, offered, old, proof) is expected


def test_a_split_view_is_refused_kept_as_proof_and_never_cosigned(tmp_path: Path) -> None:
    logs = Logs(tmp_path, KIT)
    logs.open_peer()
    assert isinstance(logs.peer.offered(_head(0, 7), now_ms=NOW_MS), Cosignature)
    for source_size in (7, 9, 12):
        reply = logs.peer.offered(_head(7, source_size, FORKED), now_ms=NOW_MS)
        assert reply == TreeRefused(1, 7, "split_view", NOW_MS)
    assert logs.peer.alarm == "split_view"
    assert logs.peer.known == _at(7)
    cosigned = (tmp_path / "high" / "peer" / "log-000001.checkpoints").read_text()
    assert cosigned.count("cosign") == 0
    assert cosigned.count("\n\n") == 1
    kept = sorted((tmp_path / "high" / "peer").glob("refused-*"))
    assert [path.name for path in kept] == [f"refused-000001-{size:07d}-split_view.submission" for size in (7, 9, 12)]
    submission = parse_submission(kept[1].read_bytes())
    with pytest.raises(PeerError):  # anybody can see that this is no continuation, and who signed it
        tree.verify_consistency(old=7, size=9, old_root=KIT.tree.root(7), root=FORKED.root(9), proof=submission.proof)
    assert isinstance(logs.peer.offered(_head(7, 9), now_ms=NOW_MS), Cosignature)  # the honest one still goes on
    logs.peer.close()
    logs.open_peer()
    assert logs.peer.alarm == "split_view"  # until an operator takes the files away
    assert logs.peer.known == _at(9)
    logs.peer.close()


def test_refused_checkpoints_do_not_fill_the_disk(tmp_path: Path) -> None:
    logs = Logs(tmp_path, KIT)
    logs.open_peer()
    logs.peer.offered(_head(0, 7), now_ms=NOW_MS)
    other = fork(KIT, 0, KIT.high)
    for size in range(7, 13):
        logs.peer.offered(_head(7, size, FORKED), now_ms=NOW_MS)
        for number in range(1, 6):
            head = _head(0, size, other, KIT.origin._replace(number=1, base=bytes([number] * 32)))
            logs.peer.offered(head, now_ms=NOW_MS)
    assert len(list((tmp_path / "high" / "peer").glob("refused-*"))) <= 16
    logs.peer.close()


def test_only_the_other_half_can_show_a_tree(tmp_path: Path) -> None:
    logs = Logs(tmp_path, KIT)
    logs.open_peer()
    good = _head(0, 7)
    own = sign_checkpoint(_at(7), KIT.high)
    for bad in (
        replace(good, signature=KIT.high.suite.from_note(own.value)),
        replace(good, size=8),
        replace(good, root=bytes(32)),
        replace(good, number=2),
        replace(good, base=bytes(32)),
    ):
        with pytest.raises(PeerError):
            logs.peer.offered(bad, now_ms=NOW_MS)
    assert logs.peer.known is None
    logs.peer.close()


def test_the_witness_remembers_over_a_restart_and_a_torn_note(tmp_path: Path) -> None:
    logs = Logs(tmp_path, KIT)
    logs.open_peer()
    logs.peer.offered(_head(0, 5), now_ms=NOW_MS)
    logs.peer.offered(_head(5, 7), now_ms=NOW_MS)
    logs.peer.close()
    path = tmp_path / "high" / "peer" / "log-000001.checkpoints"
    whole = path.read_bytes()
    for cut in (1, 50, 200):
        path.write_bytes(whole + whole[: len(whole) // 2 - cut])
        logs.open_peer()
        assert logs.peer.known == _at(7)
        assert path.read_bytes() == whole
        logs.peer.close()


def test_somebody_elses_checkpoints_are_not_believed_at_start(tmp_path: Path) -> None:
    logs = Logs(tmp_path, KIT)
    logs.open_peer()
    logs.peer.offered(_head(0, 5), now_ms=NOW_MS)
    logs.peer.close()
    stranger = Logs(tmp_path, LogKit())
    with pytest.raises(Exception, match="did not cosign"):
        stranger.open_peer()


def test_a_cosignature_of_another_tree_or_key_is_not_kept(tmp_path: Path) -> None:
    logs = Logs(tmp_path).start()
    logs.cross(4)
    logs.settle()
    head = logs.own.head_to_send(0.0, NOW_MS)
    assert head is not None
    good = logs.peer.offered(head, now_ms=NOW_MS)
    assert isinstance(good, Cosignature)
    with pytest.raises(PeerError):
        logs.own.cosigned(replace(good, at_s=good.at_s + 1))
    with pytest.raises(PeerError):
        logs.own.cosigned(replace(good, signature=bytes(64)))
    logs.own.cosigned(replace(good, number=2))
    assert logs.own.cosigned_size == 0
    logs.own.cosigned(replace(good, root=bytes(32)))
    assert logs.own.refused == "split_view"  # the other half has signed a tree that is not ours
    logs.own.cosigned(good)
    assert (logs.own.cosigned_size, logs.own.refused) == (4, "")
    logs.own.cosigned(good)
    assert (tmp_path / "low" / "log-000001" / "checkpoints").read_text().count("\n\n") == 1
    logs.stop()


def test_a_key_of_the_past_still_proves_what_it_signed(tmp_path: Path) -> None:
    """The half's certificate is renewed; the log goes on and the witness sees the same half."""
    kit = LogKit()
    logs = Logs(tmp_path, kit).start()
    logs.cross(3)
    logs.second()
    logs.stop()
    renewed: SigningKey = kit.authority.machine("ferry_low", "ferry_low")
    kit.trust = kit.authority.trust([kit.low, kit.high, kit.worker, kit.core, renewed])
    logs.low = replace(logs.low, key=renewed, trust=kit.trust)
    logs.high = replace(logs.high, trust=kit.trust)
    logs.start()
    logs.cross(2)
    assert isinstance(logs.second(), Cosignature)
    assert logs.written() == logs.logged
    logs.stop()

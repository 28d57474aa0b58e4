"""A short memory of a half's status file: what the plots show, and what is wrong now.

Kept in the console's memory only: six minutes, a sample each two seconds; a restart begins anew.
"""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ferry.console.texts import LANES, LINKS
from ferry.console.trouble_texts import LOG_STATES, TRANSPORTS, trouble_words
from ferry.status import WELL
from wire_formats.bilingual import Label

EVERY_S: Final = 2.0
MOST: Final = 180
STALE_MS: Final = 10_000
_MOST_BYTES: Final = 1 << 20


class Point(NamedTuple):
    """One lane at one moment."""

    at_ms: int
    mark: int
    epoch: int
    waiting: int
    oldest_s: float
    credits_used: int


class Samples:
    """The memory of one half.

    Args:
        path: its status file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._points: dict[str, deque[Point]] = {}
        self.told: Mapping[str, Any] = {}

    def take(self) -> bool:
        """Read the status file once; gives whether it could be read."""
        try:
            with self._path.open("rb") as file:
                told = json.loads(file.read(_MOST_BYTES))
            for lane in told["lanes"]:
                self._take(int(told["at_ms"]), lane)
        except (OSError, ValueError, KeyError, TypeError):
            return False
        self.told = told
        return True

    def _take(self, at_ms: int, lane: Mapping[str, Any]) -> None:
        points = self._points.setdefault(f"{lane['way']}-{lane['lane']}", deque(maxlen=MOST))
        if not points or points[-1].at_ms < at_ms:
            mark, epoch, waiting = (int(lane[name]) for name in ("mark", "epoch", "waiting"))
            used = int(lane.get("credits_used", 0))
            points.append(Point(at_ms, mark, epoch, waiting, float(lane["oldest_s"]), used))

    def rates(self, lane: str) -> list[float]:
        """Give a lane's bundles per second, oldest first; a new epoch counts from its beginning."""
        points = list(self._points.get(lane, ()))
        found = []
        for before, after in itertools.pairwise(points):
            passed = after.mark - (before.mark if before.epoch == after.epoch else 0)
            found.append(max(0, passed) * 1000 / (after.at_ms - before.at_ms))
        return found

    def waits(self, lane: str) -> list[float]:
        """Give how many files waited in a lane, oldest first."""
        return [float(point.waiting) for point in self._points.get(lane, ())]

    def credits(self, lane: str) -> list[float]:
        """Give how many credits a sending lane had used, oldest first."""
        return [float(point.credits_used) for point in self._points.get(lane, ())]

    def stale(self, now_ms: int) -> bool:
        """Tell whether the half has not written lately: it does not run, or hangs."""
        return not self.told or now_ms - int(self.told["at_ms"]) > STALE_MS

    def alarms(self, now_ms: int) -> Iterator[Label]:
        """Say what an operator must look at, worst first."""
        told = self.told
        if self.stale(now_ms):
            yield Label(
                "网闸进程没有更新状态：未运行或已停滞", "the half does not tell its state: it is down, or hangs"
            )
        if not told:
            return
        by_hand = any(link.get("kind") == "media" for link in told.get("transport", {}).values())
        for lane in told["lanes"]:
            yield from _lane_alarms(lane, by_hand=by_hand)
        for end, link in told.get("transport", {}).items():
            for trouble in link.get("troubles", ()):
                told_end, said = TRANSPORTS.get(end, Label(end, end)), trouble_words(trouble)
                yield Label(f"传输（{told_end.zh}）：{said.zh}", f"transport ({end}): {trouble}")
        yield from _log_alarms(told.get("log"))
        if told["held"]:
            yield Label(
                f"{told['held']} 个数据包待审，等待两人处理",
                f"held bundles that wait for two operators: {told['held']}",
            )
        if told["quarantined"]:
            yield Label(f"隔离区有 {told['quarantined']} 个数据包，请查明来源",
                        f"quarantined bundles, whose origin must be found: {told['quarantined']}")  # fmt: skip


def _lane_alarms(lane: Mapping[str, Any], *, by_hand: bool) -> Iterator[Label]:
    name = f"{lane['way']}-{lane['lane']}"
    zh = LANES[name].zh
    if lane["blocked"]:
        yield Label(
            f"“{zh}”通道受阻：{trouble_words(lane['blocked']).zh}", f"lane {name} is blocked: {lane['blocked']}"
        )
    if not by_hand and lane["link"] not in WELL:
        link = LINKS.get(lane["link"], Label(lane["link"], lane["link"]))
        yield Label(f"“{zh}”通道收不到对侧：{link.zh}", f"lane {name} does not hear the other half: {link.en}")
    if lane["gaps"] and not lane.get("paused"):  # what a paused lane has not taken waits, and is not missing
        yield Label(f"“{zh}”通道缺 {lane['gaps']} 个编号", f"lane {name}: numbers missing: {lane['gaps']}")
    if lane.get("paused"):
        yield Label(f"“{zh}”通道已由操作员暂停", f"lane {name} is paused by an operator")


def _log_alarms(log: Mapping[str, Any] | None) -> Iterator[Label]:
    if log is None:
        return
    if log["state"] not in ("cosigned", "waiting"):
        said = LOG_STATES.get(log["state"], trouble_words(log["state"]))
        yield Label(f"本侧存证日志不能得到见证：{said.zh}", f"this log is not witnessed: {log['state']}")
    if log["peer_state"] in ("split_view", "other_log"):
        yield Label(
            f"对侧存证日志不可信：{LOG_STATES[log['peer_state']].zh}",
            f"the other half's log contradicts itself: {log['peer_state']}",
        )

"""Two processes of one worker's name: who is alone, and what neither may take from the other's inbox."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dmz.workers.companions import Companions
from tests.support.machines import NOW_MS
from tests.support.wire_samples import answer_item
from tests.unit.dmz.workers.test_backend import RigCase, _value
from wire_formats.lane_control import Progress, sign_control

_HOLD = """
import sys
from pathlib import Path
from dmz.workers.companions import Companions
held = Companions(Path(sys.argv[1]))
print(held.alone(), flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(path: Path) -> Iterator[bool]:
    """One that lives beside this one; gives whether it found itself alone."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline() == "True\n"
        process.kill()  # the kernel takes its lock away


def test_alone_until_another_one_lives_and_again_after_its_death(tmp_path: Path) -> None:
    path = tmp_path / "run" / "worker-1.lock"
    mine = Companions(path)
    assert mine.alone()
    for _ in range(2):
        with another_process(path) as alone:
            assert not alone
            assert not mine.alone()
            assert not mine.alone(), "asking does not give the own place up"
        assert mine.alone()


class SharedInbox(RigCase):
    def test_what_may_be_for_the_other_one_stays_until_it_has_ended(self) -> Any:
        async def work() -> None:
            rig = self.rig
            inbox = rig.folder / "inbox" / "worker-1"
            with another_process(rig.settings.socket.with_suffix(".lock")) as alone:
                self.assertFalse(alone)
                strange = rig.far.drop_answers([answer_item()], "interactive", "worker-1")
                progress = Progress(bytes(32), "taken", NOW_MS)
                notice = inbox / f"{NOW_MS:016x}-{9:012x}-low.notice"
                notice.write_bytes(sign_control(progress, rig.far.low))
                await rig.login()  # its answers are known here, and leave the inbox
                await rig.until(lambda: _value(sorted(inbox.glob("*-*")) == sorted([strange, notice])))
            await rig.until(lambda: _value(not list(inbox.glob("*-*"))))

        return self.run_async(work())

"""Judges requests by a compiled rule set.

    phase 1   request line and headers      phase 2   arguments and body
    phase 3   response headers              phase 4   response body          phase 5   scores, for the log

The engine refuses nothing itself: it names the first rule that would, and every match with its reason, so that a
verdict can be explained.

Source: ModSecurity reference manual v3, "Processing phases"; OWASP CRS, anomaly scoring.
"""

from __future__ import annotations

from collections.abc import Generator

from dmz.waf.seclang.compiled import Table
from dmz.waf.seclang.judgement import Judgement, Match
from dmz.waf.seclang.run import Run
from dmz.waf.seclang.sent_request import SentAnswer, SentRequest
from dmz.waf.seclang.steps import finished
from dmz.waf.seclang.transaction import Transaction, begin, take_answer, take_body

__all__ = ["Engine", "Judgement", "Match"]


class Engine:
    """Judges requests; holds nothing of them afterwards.

    One thread at a time may use it (see ``PatternSet``).

    Args:
        table: compiled rules.
    """

    def __init__(self, table: Table) -> None:
        self.table = table

    def judge(self, sent: SentRequest, answer: SentAnswer | None = None, *, stops: bool = True) -> Judgement:
        """Judge a request, and its answer if there is one.

        Args:
            sent: the request.
            answer: what was answered; None: phases 3 and 4 do not run.
            stops: whether the first refusing rule ends the judgement, as in a server; False to see all that match.
        """
        return finished(self.steps(begin(sent), answer, stops=stops))

    def steps(
        self, transaction: Transaction, answer: SentAnswer | None = None, *, stops: bool = True, scoring: bool = True
    ) -> Generator[None, None, Judgement]:
        """Judge in small steps (a rule, or about 16 KB of values), between which the caller may do other work.

        The judgement is the generator's return value.

        Args:
            transaction: the request.
            answer: as in ``judge``.
            stops: as in ``judge``.
            scoring: whether phase 5 runs, which adds scores up for a log and refuses nothing.
        """
        transaction.tx.update(self.table.start)
        run = Run(transaction, stops=stops)
        phases = self.table.phases
        yield from run.phase(phases[1])
        if not run.over:
            take_body(transaction)
            yield from run.phase(phases[2])
        if answer is not None and not run.over:
            yield from self._answered(run, answer)
        if scoring:
            yield from run.phase(phases[5], scoring=True)
        return _judged(run)

    def answer_steps(self, transaction: Transaction, answer: SentAnswer) -> Generator[None, None, Judgement]:
        """Judge the answer to a request that has passed, in small steps; the judgement is the return value.

        Args:
            transaction: the request, which is not judged again.
            answer: what is about to leave.
        """
        transaction.tx.update(self.table.start)
        run = Run(transaction, stops=True)
        yield from self._answered(run, answer)
        return _judged(run)

    def _answered(self, run: Run, answer: SentAnswer) -> Generator[None, None, None]:
        take_answer(run.transaction, answer)
        yield from run.phase(self.table.phases[3])
        yield from run.phase(self.table.phases[4])


def _judged(run: Run) -> Judgement:
    judged = run.judgement
    judged.variables = {
        name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in run.transaction.tx.items()
    }
    return judged

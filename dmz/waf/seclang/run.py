"""One request on its way through compiled rules.

Of a rule, every value that matches counts: its effects are done for each, before the next link of its chain is looked
at.  MATCHED_VAR… and TX.0 to TX.9 are the last matching value's.

Source: ModSecurity reference manual v3, "Processing phases", "chain", "capture", "multiMatch".
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from dmz.waf.seclang.compiled import Compiled, Outcome, Phase
from dmz.waf.seclang.findings import Found
from dmz.waf.seclang.judgement import MOST_MATCHES, MOST_VALUE_BYTES, Judgement, Match
from dmz.waf.seclang.prefilter import NOWHERE
from dmz.waf.seclang.steps import LARGE
from dmz.waf.seclang.transaction import WRITTEN, Looked, Transaction
from dmz.waf.seclang.views import Chain, values_of

MOST_CAPTURES = 10


class Run:
    """The state of one judgement.

    Args:
        transaction: the request.
        stops: whether a refusing rule ends it.
    """

    def __init__(self, transaction: Transaction, *, stops: bool) -> None:
        self.transaction = transaction
        self.judgement = Judgement()
        self._stops = stops
        self._request_over = False
        self._found_nothing = False
        self._changed: dict[tuple[int, bytes, bool], tuple[bytes, ...]] = {}
        self._places: dict[tuple[str, bytes], frozenset[int]] = {}

    @property
    def over(self) -> bool:
        """Whether nothing more of the request is to be looked at."""
        return self._request_over or not self.transaction.enabled

    def phase(self, phase: Phase, *, scoring: bool = False) -> Iterator[None]:
        """Run one phase, in steps between which the caller may do other work.

        Args:
            phase: its rules.
            scoring: phase 5, which runs whatever has ended the request.
        """
        if self.over and not scoring:
            return
        self._places.clear()
        for collection in phase.prefilter.collections:
            yield from phase.prefilter.search(collection, self.transaction.entries(collection), self._places)
        asked = phase.steady.ask(self.transaction)
        before = self.transaction.taken_out
        places = set(phase.always).difference(asked.quiet).union(*self._places.values())
        large = self.transaction.is_large()
        resume = 0
        for place in sorted(places):
            if place < resume:
                continue
            rule = phase.rules[place]
            self.judgement.rules_run += 1
            if large:
                yield from self._prepare(rule)
            if self.matches(rule):
                if self.transaction.taken_out != before:
                    asked.close()
                if rule.outcome is Outcome.END_PHASE or (self.over and not scoring):
                    asked.close()
                    return
                resume = rule.skip_to
            elif self._found_nothing:
                asked.found_nothing(place)
            yield
        asked.close()

    def matches(self, rule: Compiled) -> bool:
        """Look at one rule with all its links; notes the match and what it leads to."""
        self._found_nothing = False
        if self._is_removed(rule):
            return False
        if rule.sure:
            for link in (rule, *rule.links):
                self._do(link)
            return True
        self.transaction.matched.clear()
        where = self._link(rule, rule)
        if where is None:
            self._found_nothing = True
            return False
        for link in rule.links:
            further = self._link(link, rule)
            if further is None:
                self._found_nothing = rule.alone
                return False
            where = _place(further, where)
        self._note(rule, where)
        return True

    def _prepare(self, rule: Compiled) -> Iterator[None]:
        """Do in steps what takes long with large values; what comes of it is remembered for the rule itself."""
        for link in (rule, *rule.links):
            if link.test is None or link.targets is None:
                continue
            for collection, entries in link.targets.look(self.transaction):
                for _, sent in entries:
                    waits = link.filtered and link.place not in self._places.get((collection, sent), NOWHERE)
                    if len(sent) < LARGE or waits:
                        continue
                    for value in (yield from self._in_steps(link.chain, sent, each=link.rule.multi_match)):
                        if link.test.prepare is not None:
                            yield from link.test.prepare(value)
                    yield

    def _in_steps(self, chain: Chain, sent: bytes, *, each: bool) -> Generator[None, None, tuple[bytes, ...]]:
        """Give what a value becomes, or all that it becomes on its way, a transformation a step."""
        key = (chain.number, sent, each)
        known = self._changed.get(key)
        if known is None:
            values = [sent]
            for step in chain.steps:
                changed = step(values[-1])
                if changed != values[-1]:
                    values.append(changed)
                yield
            known = self._changed[key] = tuple(values) if each else (values[-1],)
        return known

    def _is_removed(self, rule: Compiled) -> bool:
        removed, tags = self.transaction.removed, self.transaction.removed_tags
        if removed and any(least <= rule.rule.id <= most for least, most in removed):
            return True
        return bool(tags) and any(tag in tags for tag in rule.tags)

    def _link(self, link: Compiled, whole: Compiled) -> Looked | None:
        """Look at every value of a link; gives the last that matched."""
        if link.test is None or link.targets is None:
            self._do(link)
            return _NO_VALUE
        transaction, filtered, place = self.transaction, link.filtered, link.place
        left_out = self._left_out(whole) if transaction.untargeted else ()
        check, expand, places = link.test.check, transaction.expand, self._places
        values, each = self._values, link.rule.multi_match
        found_at: Looked | None = None
        for collection, entries in link.targets.look(transaction, left_out):
            for key, sent in entries:
                if filtered and place not in places.get((collection, sent), NOWHERE):
                    continue
                for value in values(link.chain, sent, each=each) if link.chain.steps else (sent,):
                    found = check(value, expand)
                    if found is not None:
                        found_at = Looked(collection, key, value)
                        self._take(link, found_at, found)
        return found_at

    def _take(self, link: Compiled, looked: Looked, found: Found) -> None:
        """Note a value that matched, and do what the link says."""
        self.transaction.matched.append(looked)
        if link.rule.captures:
            self._capture(found.groups)
        self._do(link)

    def _left_out(self, whole: Compiled) -> list[tuple[str, bytes]]:
        mine = {str(whole.rule.id), *whole.tags}
        return [(name, key) for whose, name, key in self.transaction.untargeted if whose in mine]

    def _values(self, chain: Chain, value: bytes, *, each: bool) -> tuple[bytes, ...]:
        """Give the same as ``_in_steps``, at once."""
        key = (chain.number, value, each)
        known = self._changed.get(key)
        if known is None:
            known = self._changed[key] = tuple(values_of(chain, value, each_step=each))
        return known

    def _capture(self, groups: tuple[bytes, ...]) -> None:
        tx = self.transaction.tx
        for number in range(MOST_CAPTURES):
            if number < len(groups):
                tx[b"%d" % number] = groups[number]
            else:
                tx.pop(b"%d" % number, None)

    def _do(self, link: Compiled) -> None:
        for effect in link.effects:
            effect(self.transaction)

    def _note(self, rule: Compiled, where: Looked) -> None:
        judged = self.judgement
        if rule.logged and len(judged.matches) < MOST_MATCHES:
            judged.matches.append(self._match(rule, where))
        if rule.outcome is Outcome.REFUSE:
            judged.refused_by = judged.refused_by or rule.rule.id
            self._request_over = self._request_over or self._stops
        elif rule.outcome is Outcome.END_REQUEST:
            self._request_over = True

    def _match(self, rule: Compiled, where: Looked) -> Match:
        read, expand = rule.rule, self.transaction.expand
        return Match(
            rule_id=read.id,
            where=where.name,
            message=_text(expand(next(iter(read.all_of("msg")), ""))),
            severity=next(iter(read.all_of("severity")), ""),
            tags=rule.tags,
            paranoia=_paranoia(rule.tags),
            value=where.value[:MOST_VALUE_BYTES],
            data=_text(expand(next(iter(read.all_of("logdata")), ""))[: 2 * MOST_VALUE_BYTES]),
        )


_NO_VALUE = Looked("", b"", b"")
_MATCHED = "MATCHED_VARS"


def _place(further: Looked, before: Looked) -> Looked:
    """Give the place in the request that a further link of a chain has found.

    Args:
        further: what it looked at; what MATCHED_VARS holds has the name of its place for a key.
        before: the place that the links before it have found.
    """
    if further.collection == _MATCHED and not further.key.startswith(_MATCHED.encode()):
        collection, _, key = further.key.partition(b":")
        return Looked(collection.decode("utf-8", "replace"), key, further.value)
    return before if further.collection.lstrip("&") in WRITTEN else further


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _paranoia(tags: tuple[str, ...]) -> int:
    for tag in tags:
        name, _, level = tag.partition("paranoia-level/")
        if not name and level.isdecimal():
            return int(level)
    return 0

"""报送、抄送: to which posts the result of an act goes afterwards, by ``informs`` of the profile's chains. Pure.

Rules of this file (R72, R77, R86):

1. Found once for each act with effect of the last `RECENT_DAYS`, at the office whose profile says so: of what it issued
   whoever wrote the act, of what it has in hand its own acts.
2. Software proposes, a person sends: `todo done` closes it, and nothing else but a newer act of the same kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from node.records.kinds import Kind
from node.rules.profile import Profile
from node.rules.values import Chain
from node.services.routine.lines import line_of
from node.services.routine.reminders import Day, News, iso
from node.storage.rows import HIDDEN, BoardRow, Proposal

RECENT_DAYS = 7  # an act that came later than that is old news
_DAY_MS = 86_400_000
# By subject of a chain: the acts whose result is sent on.
ACTS: Mapping[str, frozenset[int]] = {
    "accept": frozenset({int(Kind.ACCEPT)}), "report": frozenset({int(Kind.PROGRESS), int(Kind.FINAL)}),
    "extension": frozenset({int(Kind.EXT_DECISION)}), "order": frozenset({int(Kind.ORDER)}),
    "notice": frozenset({int(Kind.NOTICE)}), "special": frozenset({int(Kind.SPECIAL)}),
    "plan": frozenset({int(Kind.PLAN)}), "setup": frozenset({int(Kind.ESTABLISH)}),
}  # fmt: skip


def concerns(profile: Profile, office: str, row: BoardRow, now_ms: int) -> bool:
    """Whether something may have happened to the item lately that this office sends on."""
    if row.subject or row.flags & HIDDEN or office not in (row.issuer, row.receiver):
        return False
    return now_ms - row.updated_ms <= (RECENT_DAYS + 1) * _DAY_MS and any(chain.informs for chain in profile.chains)


def of_item(ctx: Day, row: BoardRow, news: News) -> Iterator[Proposal]:
    """What of the item is to be sent on."""
    for subject, chains in _chains(ctx.profile, row).items():
        acts = [
            act for act in news.acts
            if act.kind in ACTS[subject] and 0 <= ctx.day - act.day <= RECENT_DAYS
            and ctx.office in (row.issuer, act.author)
        ]  # fmt: skip
        if not acts:
            continue
        newest = max(acts, key=lambda act: act.day)
        posts = dict.fromkeys(post for chain in chains for post in chain.informs)
        text = f"{chains[0].title}（{iso(newest.day)}）：报送、抄送{'、'.join(map(ctx.profile.role_label, posts))}"
        grounds = [f"规则{ctx.rules_name} chains.{chain.id}" for chain in chains]
        grounds += [f"原文：“{chain.sentence}”" for chain in chains if chain.sentence]
        yield from ctx.propose("inform", row.item_id, f"{subject}/{newest.record_id.hex()[:12]}", text, tuple(grounds))


def _chains(profile: Profile, row: BoardRow) -> dict[str, list[Chain]]:
    """By subject the chains that fit the item best and say whom to inform."""
    line = line_of(profile, row.work_line, row.source)
    found: dict[str, list[tuple[int, Chain]]] = {}
    for chain in profile.chains:
        match = chain.applies.match(source=row.source, class_=row.item_class, line=line)
        if chain.informs and chain.subject in ACTS and match >= 0:
            found.setdefault(chain.subject, []).append((match, chain))
    return {
        subject: [chain for match, chain in fitting if match == max(one for one, _ in fitting)]
        for subject, fitting in found.items()
    }  # fmt: skip

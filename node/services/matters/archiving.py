"""归档: the contents list of an item's file, made from its records; what the profile asks for must be there (R61).

The file of an own item holds its tasks' records too. A paper that has no record (a signed original) is named with the
place it lies at; what is neither is missing, and the item is not archived.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import NamedTuple

from node.errors import InputError
from node.items import guards
from node.items.fact import Fact
from node.items.fold import EFFECTIVE, ItemState, fold
from node.records.kinds import Kind
from node.records.payload import Act
from node.records.track import Track
from node.services.board.project import read_facts
from node.services.matters.acting import write
from node.services.matters.desk import Caller, Desk, children_of, current, take, take_list
from node.services.matters.ground import Args, Ground, ground_of, words
from node.storage.port import BoardQuery

# What gives somebody the matter in hand: to an office, or to a unit of this one, is a 督查函 (R50, R51).
_LETTERS = frozenset({Kind.ASSIGN, Kind.DISPATCH, Kind.DECOMPOSE, Kind.HANDLE})
# 归档目录 (domain.md): each part and the kinds of its records, in the order of the file.
PARTS: tuple[tuple[str, frozenset[int]], ...] = (
    ("登记与来文", frozenset({Kind.REGISTER})),
    ("拟办与立项", frozenset({Kind.PROPOSE, Kind.ESTABLISH})),
    ("方案与审批", frozenset({Kind.PLAN, Kind.APPROVE, Kind.REJECT})),
    ("督查函（交办）", _LETTERS),
    ("督办令", frozenset({Kind.ORDER})),
    ("签收与送达回执", frozenset({Kind.DELIVERED, Kind.SIGN, Kind.REFUSE, Kind.INSIST})),
    ("催办登记", frozenset({Kind.URGE, Kind.WARN})),
    ("进展", frozenset({Kind.PROGRESS, Kind.MILESTONE, Kind.EVIDENCE})),
    ("延期与变更", frozenset({Kind.EXT_REQUEST, Kind.EXT_DECISION, Kind.CHANGE})),
    ("办结报告", frozenset({Kind.FINAL})),
    ("退回", frozenset({Kind.RETURN})),
    ("审核与批示", frozenset({Kind.ACCEPT, Kind.EXEMPT})),
    ("复核与回访", frozenset({Kind.VERIFY, Kind.COMPLETE, Kind.REINSPECT})),
    ("督办单", frozenset({Kind.SLIP, Kind.JUSTIFY, Kind.JUSTIFY_DECISION})),
    ("通报与简报", frozenset({Kind.NOTICE, Kind.BULLETIN, Kind.SPECIAL, Kind.INTERVIEW})),
    ("整改清单", frozenset({Kind.RECTIFY})),
    ("考核记分", frozenset({Kind.SCORE})),
    ("销号", frozenset({Kind.CLOSE})),
)
# Words of a profile's list → kinds that are that paper; the first that fits. Nothing fits: only a named paper will do.
_MEANT: tuple[tuple[str, frozenset[int]], ...] = (
    ("对查办报告的批示", frozenset({Kind.ACCEPT})),
    ("报告", frozenset({Kind.FINAL})),
    ("拟办", frozenset({Kind.PROPOSE})),
    ("方案", frozenset({Kind.PLAN})),
    ("督查函", _LETTERS),
    ("督办函", _LETTERS),
    ("通知", _LETTERS),
    ("督办令", frozenset({Kind.ORDER})),
    ("签收", frozenset({Kind.SIGN})),
    ("复核", frozenset({Kind.VERIFY})),
    ("通报", frozenset({Kind.NOTICE})),
)
_ASIDE = frozenset({Kind.REFER, Kind.NEGATIVE})
_IDS_PER_ENTRY_MAX = 100
_ENTRIES_MAX = 400


class File(NamedTuple):
    """All records with effect that belong to an item, and its attachments as (name, hash in hex)."""

    facts: tuple[Fact, ...]
    attachments: tuple[tuple[str, str], ...]

    def of(self, kinds: frozenset[int]) -> list[str]:
        """First digits of the records of these kinds."""
        return [fact.record_id.hex()[:12] for fact in self.facts if fact.kind in kinds]


def archive(desk: Desk, args: Args, caller: Caller) -> dict[str, object]:
    """归档: build the contents list; refused naming what the profile asks for and is not there."""
    state = current(desk, take(args, "item"))
    guards.check_act(state, Kind.ARCHIVE, desk.identity.code)
    guards.check_rectified(state, "不能归档")
    ground, file = ground_of(desk, state), file_of(desk, state)
    papers = dict(_paper(text) for text in take_list(args, "paper"))
    closing = ground.profile.closing
    wanted, copies = (closing.manifest, closing.copies) if closing is not None else ((), 1)
    missing = _lacking(wanted, file, papers)
    if missing:
        raise ground.refusal(
            f"归档材料不全，缺：{'、'.join(missing)}", "closing.manifest", field="ITEM",
            remedy="补齐记录或附件；只有纸质件的写 --paper 材料=存放处",
        )  # fmt: skip
    entries = (*contents(file, copies), *(f"纸质件 {label}：{where}" for label, where in papers.items()))
    payload = Act(words(args, "text", required=False), track=Track(entries=entries[:_ENTRIES_MAX]))
    return write(desk, state, Kind.ARCHIVE, payload, caller) | {"manifest": list(entries[:_ENTRIES_MAX])}


def lacking(desk: Desk, state: ItemState, ground: Ground) -> tuple[str, ...]:
    """What the profile asks for in the file and no record or attachment is."""
    closing = ground.profile.closing
    wanted = closing.manifest if closing is not None else ()
    return _lacking(wanted, file_of(desk, state), ()) if wanted else ()


def _lacking(wanted: Iterable[str], file: File, papers: Container[str]) -> tuple[str, ...]:
    return tuple(label for label in wanted if label not in papers and not _there(label, file))


def contents(file: File, copies: int) -> tuple[str, ...]:
    """The entries of the contents list, part by part; a report as often as the profile asks for."""
    entries = []
    for label, kinds in PARTS:
        ids = file.of(kinds)
        if ids:
            times = f" ×{copies}份" if Kind.FINAL in kinds and copies > 1 else ""
            more = f" 等{len(ids)}条" if len(ids) > _IDS_PER_ENTRY_MAX else ""
            entries.append(f"{label}{times}：{'、'.join(ids[:_IDS_PER_ENTRY_MAX])}{more}")
    entries += [f"附件 {name}：{digest}" for name, digest in file.attachments]
    return tuple(entries)


def file_of(desk: Desk, state: ItemState) -> File:
    """The item's records with effect, its tasks' and its approval cases'."""
    ids = [state.item_id]
    if state.kind == "registered":
        ids += [row.item_id for row in children_of(desk, state.item_id) if row.issuer == desk.identity.code]
    ids += [row.item_id for row in desk.store.board_query(BoardQuery(subject="*", target=state.item_id))]
    found = read_facts(desk.store, ids)
    facts = [fact for item_id in ids for fact in _effective(item_id, found.get(item_id, []))]
    # The contents list is read by everybody who reads the item: papers against an office are not in it (A21).
    payloads = [fact.payload for fact in facts if fact.payload is not None and fact.kind not in _ASIDE]
    named = {file.hash: file.name for payload in payloads for file in payload.attachments}
    return File(tuple(facts), tuple((name, digest.hex()) for digest, name in named.items()))


def _effective(item_id: bytes, facts: list[Fact]) -> Iterable[Fact]:
    effects = fold(item_id, facts).effects
    return [fact for fact in facts if effects.get(fact.record_id) in EFFECTIVE]


def _there(label: str, file: File) -> bool:
    """A record that is this paper, or an attachment that bears its name."""
    for word, kinds in _MEANT:
        if word in label:
            return bool(file.of(kinds)) or _attached(label, file)
    return _attached(label, file)


def _attached(label: str, file: File) -> bool:
    word = label.rsplit("的", 1)[-1]
    return any(word in name for name, _ in file.attachments)


def _paper(text: str) -> tuple[str, str]:
    label, equals, where = (part.strip() for part in text.partition("="))
    if not (label and equals and where):
        raise InputError("纸质件写法不对", field="--paper", value=text, remedy="写成 领导的批示件=2027年卷一第3件")
    return label, where

"""Life cycle, semantic version 1: states, transitions and authority as tables; nothing else decides them.

Rules of this file:

1. A `Rule` per kind says who may (authority), what the record must name in ``re`` to count (needs), and which state it
   leads to from which state (moves). `ASSIGNMENT` holds for items opened by ASSIGN, `OWN` for those opened by REGISTER.
2. `AUTHORITY` is the one place that says whose kinds are whose (architecture.md I6).
3. What version 1 says is signed for ever: a table is never changed, a new one stands under a new version.

The tables are as permissive as honest races need; what an author may write at a moment is narrower: guards.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from node.records.kinds import Kind

SEMANTIC_VERSION = 1

REGISTERED, ASSIGNED, DELIVERED, SIGNED, REFUSED = "registered", "assigned", "delivered", "signed", "refused"
ACTIVE, SUBMITTED, RETURNED, ACCEPTED = "active", "submitted", "returned", "accepted"
CLOSED, CANCELLED = "closed", "cancelled"

STATE_LABELS: dict[str, str] = {
    REGISTERED: "已登记", "proposed": "已拟办", "approving": "审批中", "established": "已立项", ASSIGNED: "已交办",
    DELIVERED: "已送达", SIGNED: "已签收", REFUSED: "已退签", ACTIVE: "办理中", SUBMITTED: "已报结",
    RETURNED: "已退回", ACCEPTED: "审核通过", "verifying": "复核中", "completed": "已办结", CLOSED: "已销号",
    "archived": "已归档", CANCELLED: "已撤销", "declined": "不予立项", "merged": "已并案", "planning": "拟订方案",
    "reinspecting": "回头看",
}  # fmt: skip

TERMINAL = frozenset({CLOSED, "archived", CANCELLED, "declined", "merged"})
# Nothing more is expected from the receiver.
DONE = TERMINAL | {ACCEPTED, "verifying", "completed"}

# How far an item has come: an act whose last moment lies behind is late, one whose moment has not come is invalid.
_STAGES = (REGISTERED, ASSIGNED, DELIVERED, REFUSED, SIGNED, ACTIVE, RETURNED, SUBMITTED, ACCEPTED)
STAGE: dict[str, int] = {state: stage for stage, state in enumerate(_STAGES)}

Authority = Literal["issuer", "receiver", "issuer_or_above", "owner"]
Needs = Literal["", "version", "submission", "refusal"]

# Who may: the item's issuer; its receiver; any office above the receiver on the line (the issuer is one); the owner of
# an own item. In an own item the owner is issuer and receiver.
AUTHORITY: dict[int, Authority] = {
    Kind.INSIST: "issuer",
    Kind.REASSIGN: "issuer",
    Kind.CHANGE: "issuer",
    Kind.RETURN: "issuer",
    Kind.ACCEPT: "issuer",
    Kind.CLOSE: "issuer",
    Kind.URGE: "issuer_or_above",
    Kind.CANCEL: "issuer_or_above",
    Kind.TAKE_OVER: "issuer_or_above",
    Kind.DELIVERED: "receiver",
    Kind.SIGN: "receiver",
    Kind.REFUSE: "receiver",
    Kind.DECOMPOSE: "receiver",
    Kind.PROGRESS: "receiver",
    Kind.EVIDENCE: "receiver",
    Kind.FINAL: "receiver",
    Kind.DISPATCH: "owner",
}

# What a record must answer to count: the version in force (the opening, or the last applied 退回, 坚持交办, 变更 or
# 接管), the report in force, the refusal in force. Kinds that are not here answer nothing that can be superseded.
NEEDS: dict[int, Needs] = {
    Kind.SIGN: "version",
    Kind.REFUSE: "version",
    Kind.FINAL: "version",
    Kind.REASSIGN: "version",
    Kind.CHANGE: "version",
    Kind.CLOSE: "version",
    Kind.RETURN: "submission",
    Kind.ACCEPT: "submission",
    Kind.INSIST: "refusal",
}

# Applied, these begin a new version: what answers an older one comes too late.
NEW_VERSION = frozenset({Kind.RETURN, Kind.INSIST, Kind.CHANGE, Kind.TAKE_OVER})


class Rule(NamedTuple):
    """What a kind does: see the file's rules. ``last_stage`` is the last stage at which it has a move."""

    authority: Authority
    needs: Needs
    moves: dict[str, str]
    last_stage: int


def _stay(*states: str) -> dict[str, str]:
    return {state: state for state in states}


def _to(target: str, *states: str) -> dict[str, str]:
    return dict.fromkeys(states, target)


def _table(moves: dict[Kind, dict[str, str]]) -> dict[int, Rule]:
    return {
        int(kind): Rule(AUTHORITY[kind], NEEDS.get(kind, ""), targets, max(STAGE[state] for state in targets))
        for kind, targets in moves.items()
    }


_OPEN = (ASSIGNED, DELIVERED, REFUSED, SIGNED, ACTIVE, RETURNED, SUBMITTED, ACCEPTED)
_WORK = (SIGNED, ACTIVE, RETURNED)

ASSIGNMENT: dict[int, Rule] = _table({
    Kind.DELIVERED: _to(DELIVERED, ASSIGNED),
    # 送达 may be missing: a node that signs has it.
    Kind.SIGN: _to(SIGNED, ASSIGNED, DELIVERED),
    Kind.REFUSE: _to(REFUSED, ASSIGNED, DELIVERED),
    Kind.INSIST: _to(DELIVERED, REFUSED),
    # From submitted too: a report that crosses the re-assignment does not stop it.
    Kind.REASSIGN: _to(CANCELLED, ASSIGNED, DELIVERED, REFUSED, *_WORK, SUBMITTED),
    Kind.DECOMPOSE: _stay(*_OPEN) | _to(ACTIVE, *_WORK),
    Kind.PROGRESS: _stay(*_OPEN) | _to(ACTIVE, *_WORK),
    Kind.EVIDENCE: _stay(*_OPEN),
    Kind.URGE: _stay(*_OPEN),
    Kind.CHANGE: _stay(*_OPEN),
    Kind.TAKE_OVER: _stay(*_OPEN),
    Kind.FINAL: _to(SUBMITTED, *_WORK, SUBMITTED),
    Kind.RETURN: _to(RETURNED, SUBMITTED),
    Kind.ACCEPT: _to(ACCEPTED, SUBMITTED),
    Kind.CLOSE: _to(CLOSED, ACCEPTED),
    Kind.CANCEL: _to(CANCELLED, *_OPEN),
})

_OWN_OPEN = (REGISTERED, ASSIGNED, ACTIVE, RETURNED, SUBMITTED, ACCEPTED)
_OWN_WORK = (REGISTERED, ASSIGNED, ACTIVE, RETURNED)

OWN: dict[int, Rule] = _table({
    Kind.DISPATCH: _stay(*_OWN_OPEN) | _to(ASSIGNED, REGISTERED),
    Kind.PROGRESS: _stay(*_OWN_OPEN) | _to(ACTIVE, *_OWN_WORK),
    Kind.EVIDENCE: _stay(*_OWN_OPEN),
    Kind.CHANGE: _stay(*_OWN_OPEN),
    Kind.FINAL: _to(SUBMITTED, *_OWN_WORK, SUBMITTED),
    Kind.RETURN: _to(RETURNED, SUBMITTED),
    Kind.ACCEPT: _to(ACCEPTED, SUBMITTED),
    # Whether the tasks below are done is a guard where the owner writes.
    Kind.CLOSE: _to(CLOSED, ASSIGNED, ACTIVE, SUBMITTED, ACCEPTED),
    Kind.CANCEL: _to(CANCELLED, *_OWN_OPEN),
})

KINDS = frozenset(ASSIGNMENT) | frozenset(OWN)


def rules_of(item_kind: str) -> dict[int, Rule]:
    """The table of an item's kind: ``assignment`` or ``registered``."""
    return ASSIGNMENT if item_kind == "assignment" else OWN


def state_label(state: str | None, *, successor: bool = False) -> str:
    """Chinese name of a state; 待到达 while the opening is not here, 已改派 for what a successor continues."""
    if state is None:
        return "待到达"
    if successor and state == CANCELLED:
        return "已改派"
    return STATE_LABELS.get(state, state)

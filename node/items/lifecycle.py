"""Life cycle: states, and the transitions and authority of semantic version 1 as tables; nothing else decides them.

Rules of this file:

1. A `Rule` per kind says who may (authority), what the record must name in ``re`` to count (needs), and which state it
   leads to from which state (moves). `ASSIGNMENT` holds for items opened by ASSIGN, `OWN` for those opened by REGISTER.
2. `AUTHORITY` is the one place that says whose kinds are whose (architecture.md I6).
3. What version 1 says is signed for ever: a table is never changed, a new one stands under a new version (version 2
   in `lifecycle_full`; `versions` finds the tables of an item).

The tables are as permissive as honest races need; what an author may write at a moment is narrower: guards.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from node.records.kinds import Kind

REGISTERED, ASSIGNED, DELIVERED, SIGNED, REFUSED = "registered", "assigned", "delivered", "signed", "refused"
ACTIVE, SUBMITTED, RETURNED, ACCEPTED = "active", "submitted", "returned", "accepted"
CLOSED, CANCELLED = "closed", "cancelled"
PROPOSED, APPROVING, ESTABLISHED, PLANNING = "proposed", "approving", "established", "planning"
VERIFYING, COMPLETED, ARCHIVED, REINSPECTING = "verifying", "completed", "archived", "reinspecting"
DECLINED, MERGED = "declined", "merged"

STATE_LABELS: dict[str, str] = {
    REGISTERED: "已登记", PROPOSED: "已拟办", APPROVING: "审批中", ESTABLISHED: "已立项", ASSIGNED: "已交办",
    DELIVERED: "已送达", SIGNED: "已签收", REFUSED: "已退签", ACTIVE: "办理中", SUBMITTED: "已报结",
    RETURNED: "已退回", ACCEPTED: "审核通过", VERIFYING: "复核中", COMPLETED: "已办结", CLOSED: "已销号",
    ARCHIVED: "已归档", CANCELLED: "已撤销", DECLINED: "不予立项", MERGED: "已并案", PLANNING: "拟订方案",
    REINSPECTING: "回头看",
}  # fmt: skip

TERMINAL = frozenset({CLOSED, ARCHIVED, CANCELLED, DECLINED, MERGED})
# Nothing more is expected from the receiver.
DONE = TERMINAL | {ACCEPTED, VERIFYING, COMPLETED, REINSPECTING}

# How far an item has come: an act whose last moment lies behind is late, one whose moment has not come is invalid.
_STAGES = (
    REGISTERED, PROPOSED, APPROVING, ESTABLISHED, PLANNING, ASSIGNED, DELIVERED, REFUSED, SIGNED, ACTIVE, RETURNED,
    SUBMITTED, ACCEPTED, VERIFYING, COMPLETED, DECLINED, MERGED, CLOSED, REINSPECTING, ARCHIVED, CANCELLED,
)  # fmt: skip
STAGE: dict[str, int] = {state: stage for stage, state in enumerate(_STAGES)}

Authority = Literal["issuer", "receiver", "issuer_or_above", "owner", "party"]
Needs = Literal["", "version", "submission", "refusal", "approval", "extension", "slip", "justification"]

# Who may: the item's issuer; its receiver; any office above the receiver on the line (the issuer is one); the receiver
# and any office above it (party); the owner of an own item. In an own item the owner is issuer and receiver.
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
    """What a kind does: see the file's rules. ``last_stage`` is the last stage at which it has a move.

    ``outcomes`` has, by verdict, where an act leads whose verdict can be read; otherwise ``moves`` says it.
    """

    authority: Authority
    needs: Needs
    moves: dict[str, str]
    last_stage: int
    outcomes: dict[int, dict[str, str]]


def stay(*states: str) -> dict[str, str]:
    """Moves that leave the state as it is."""
    return {state: state for state in states}


def to(target: str, *states: str) -> dict[str, str]:
    """Moves from each of ``states`` to ``target``."""
    return dict.fromkeys(states, target)


def table(
    moves: dict[Kind, dict[str, str]],
    authority: dict[int, Authority],
    needs: dict[int, Needs],
    outcomes: dict[Kind, dict[int, dict[str, str]]] | None = None,
) -> dict[int, Rule]:
    """Join what is said of each kind to its rule."""
    return {
        int(kind): Rule(
            authority[kind], needs.get(kind, ""), targets, max(STAGE[state] for state in targets),
            (outcomes or {}).get(kind, {}),
        )
        for kind, targets in moves.items()
    }  # fmt: skip


_OPEN = (ASSIGNED, DELIVERED, REFUSED, SIGNED, ACTIVE, RETURNED, SUBMITTED, ACCEPTED)
_WORK = (SIGNED, ACTIVE, RETURNED)

ASSIGNMENT: dict[int, Rule] = table({
    Kind.DELIVERED: to(DELIVERED, ASSIGNED),
    # 送达 may be missing: a node that signs has it.
    Kind.SIGN: to(SIGNED, ASSIGNED, DELIVERED),
    Kind.REFUSE: to(REFUSED, ASSIGNED, DELIVERED),
    Kind.INSIST: to(DELIVERED, REFUSED),
    # From submitted too: a report that crosses the re-assignment does not stop it.
    Kind.REASSIGN: to(CANCELLED, ASSIGNED, DELIVERED, REFUSED, *_WORK, SUBMITTED),
    Kind.DECOMPOSE: stay(*_OPEN) | to(ACTIVE, *_WORK),
    Kind.PROGRESS: stay(*_OPEN) | to(ACTIVE, *_WORK),
    Kind.EVIDENCE: stay(*_OPEN),
    Kind.URGE: stay(*_OPEN),
    Kind.CHANGE: stay(*_OPEN),
    Kind.TAKE_OVER: stay(*_OPEN),
    Kind.FINAL: to(SUBMITTED, *_WORK, SUBMITTED),
    Kind.RETURN: to(RETURNED, SUBMITTED),
    Kind.ACCEPT: to(ACCEPTED, SUBMITTED),
    Kind.CLOSE: to(CLOSED, ACCEPTED),
    Kind.CANCEL: to(CANCELLED, *_OPEN),
}, AUTHORITY, NEEDS)

_OWN_OPEN = (REGISTERED, ASSIGNED, ACTIVE, RETURNED, SUBMITTED, ACCEPTED)
_OWN_WORK = (REGISTERED, ASSIGNED, ACTIVE, RETURNED)

OWN: dict[int, Rule] = table({
    Kind.DISPATCH: stay(*_OWN_OPEN) | to(ASSIGNED, REGISTERED),
    Kind.PROGRESS: stay(*_OWN_OPEN) | to(ACTIVE, *_OWN_WORK),
    Kind.EVIDENCE: stay(*_OWN_OPEN),
    Kind.CHANGE: stay(*_OWN_OPEN),
    Kind.FINAL: to(SUBMITTED, *_OWN_WORK, SUBMITTED),
    Kind.RETURN: to(RETURNED, SUBMITTED),
    Kind.ACCEPT: to(ACCEPTED, SUBMITTED),
    # Whether the tasks below are done is a guard where the owner writes.
    Kind.CLOSE: to(CLOSED, ASSIGNED, ACTIVE, SUBMITTED, ACCEPTED),
    Kind.CANCEL: to(CANCELLED, *_OWN_OPEN),
}, AUTHORITY, NEEDS)

KINDS = frozenset(ASSIGNMENT) | frozenset(OWN)


def state_label(state: str | None, *, successor: bool = False) -> str:
    """Chinese name of a state; 待到达 while the opening is not here, 已改派 for what a successor continues."""
    if state is None:
        return "待到达"
    if successor and state == CANCELLED:
        return "已改派"
    return STATE_LABELS.get(state, state)

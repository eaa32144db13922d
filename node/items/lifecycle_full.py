"""Life cycle, semantic version 2: the full life of domain.md section 3, transitions 1-30, as tables.

It adds to version 1: 拟办, 审批, 立项, 方案, 不立项, 并案; 延期; 预警, 节点, 内部交办, 免除; 复核, 办结, 归档, 回头看;
the side tracks 督办单 to 考核记分, which never change the state; 转送 and 更正. What version 1 says of a kind holds
still, but for more states to come from. `tracks` says what these kinds do beside moving the state.
"""

from __future__ import annotations

from node.items import lifecycle
from node.items.lifecycle import (
    ACCEPTED,
    ACTIVE,
    APPROVING,
    ARCHIVED,
    ASSIGNED,
    CANCELLED,
    CLOSED,
    COMPLETED,
    DECLINED,
    DELIVERED,
    ESTABLISHED,
    MERGED,
    PLANNING,
    PROPOSED,
    REFUSED,
    REGISTERED,
    REINSPECTING,
    RETURNED,
    SIGNED,
    SUBMITTED,
    VERIFYING,
    Authority,
    Needs,
    Rule,
    stay,
    table,
    to,
)
from node.records.kinds import Kind
from node.records.track import FAILED, PASSED, STARTED

AUTHORITY: dict[int, Authority] = lifecycle.AUTHORITY | {
    Kind.PROPOSE: "owner", Kind.APPROVE: "owner", Kind.REJECT: "owner", Kind.PLAN: "owner", Kind.ESTABLISH: "owner",
    Kind.DECLINE: "owner", Kind.MERGE: "owner", Kind.BULLETIN: "owner", Kind.SPECIAL: "owner", Kind.REFER: "owner",
    Kind.NEGATIVE: "owner",
    Kind.HANDLE: "receiver", Kind.WARN: "receiver", Kind.EXT_REQUEST: "receiver", Kind.JUSTIFY: "receiver",
    Kind.MILESTONE: "party", Kind.RECTIFY: "party", Kind.CORRECT: "party",
    Kind.EXT_DECISION: "issuer", Kind.EXEMPT: "issuer", Kind.VERIFY: "issuer", Kind.COMPLETE: "issuer",
    Kind.ARCHIVE: "issuer", Kind.ENCLOSE: "issuer",
    Kind.REINSPECT: "issuer_or_above", Kind.SLIP: "issuer_or_above", Kind.JUSTIFY_DECISION: "issuer_or_above",
    Kind.ORDER: "issuer_or_above", Kind.NOTICE: "issuer_or_above", Kind.INTERVIEW: "issuer_or_above",
    Kind.SCORE: "issuer_or_above",
}  # fmt: skip

NEEDS: dict[int, Needs] = lifecycle.NEEDS | {
    # An office between does not turn over, unseen, what one above it has taken over.
    Kind.TAKE_OVER: "version",
    Kind.APPROVE: "approval",
    Kind.REJECT: "approval",
    Kind.EXT_REQUEST: "version",
    # The issuer's alone: whether its author was the issuer must not hang on where a re-issue stands in its log.
    Kind.EXEMPT: "version",
    Kind.VERIFY: "version",
    Kind.COMPLETE: "version",
    Kind.ARCHIVE: "version",
    Kind.ENCLOSE: "version",
    Kind.EXT_DECISION: "extension",
    Kind.JUSTIFY: "slip",
    Kind.JUSTIFY_DECISION: "justification",
}

NEW_VERSION = lifecycle.NEW_VERSION

_VERIFIED: dict[int, dict[str, str]] = {
    STARTED: to(VERIFYING, ACCEPTED, VERIFYING),
    PASSED: to(COMPLETED, ACCEPTED, VERIFYING),
    # What is wrong is then returned, or closed all the same with the reason.
    FAILED: to(VERIFYING, ACCEPTED, VERIFYING),
}
_REINSPECTED: dict[int, dict[str, str]] = {
    # A second office above may begin its own while one is under way.
    STARTED: to(REINSPECTING, CLOSED, ARCHIVED, REINSPECTING),
    # 无问题; 问题成立 goes on in a successor item.
    PASSED: to(CLOSED, REINSPECTING),
    FAILED: to(CLOSED, REINSPECTING),
}
_OUTCOMES = {Kind.VERIFY: _VERIFIED, Kind.REINSPECT: _REINSPECTED}

_WORK = (SIGNED, ACTIVE, RETURNED)
_OPEN = (ASSIGNED, DELIVERED, REFUSED, *_WORK, SUBMITTED, ACCEPTED, VERIFYING, COMPLETED)
_UNDONE = (ASSIGNED, DELIVERED, REFUSED, *_WORK, SUBMITTED)
# Assessment, publication and correction come also after the end.
_AFTER = (CLOSED, REINSPECTING, ARCHIVED)

ASSIGNMENT: dict[int, Rule] = table({
    Kind.DELIVERED: to(DELIVERED, ASSIGNED),
    Kind.SIGN: to(SIGNED, ASSIGNED, DELIVERED),
    Kind.REFUSE: to(REFUSED, ASSIGNED, DELIVERED),
    Kind.INSIST: to(DELIVERED, REFUSED),
    Kind.REASSIGN: to(CANCELLED, *_UNDONE),
    Kind.DECOMPOSE: stay(*_OPEN) | to(ACTIVE, *_WORK),
    Kind.PROGRESS: stay(*_OPEN) | to(ACTIVE, *_WORK),
    Kind.MILESTONE: stay(*_OPEN),
    Kind.EVIDENCE: stay(*_OPEN),
    Kind.URGE: stay(*_OPEN),
    Kind.WARN: stay(*_OPEN),
    Kind.HANDLE: stay(*_OPEN),
    Kind.CHANGE: stay(*_OPEN),
    Kind.TAKE_OVER: stay(*_OPEN),
    Kind.EXT_REQUEST: stay(*_UNDONE),
    Kind.EXT_DECISION: stay(*_OPEN),
    Kind.EXEMPT: stay(*_UNDONE),
    Kind.FINAL: to(SUBMITTED, *_WORK, SUBMITTED),
    Kind.RETURN: to(RETURNED, SUBMITTED, VERIFYING),
    Kind.ACCEPT: to(ACCEPTED, SUBMITTED),
    Kind.VERIFY: to(VERIFYING, ACCEPTED, VERIFYING),
    Kind.COMPLETE: to(COMPLETED, ACCEPTED),
    Kind.CLOSE: to(CLOSED, ACCEPTED, VERIFYING, COMPLETED),
    Kind.ARCHIVE: to(ARCHIVED, CLOSED),
    Kind.REINSPECT: to(REINSPECTING, CLOSED, ARCHIVED) | stay(REINSPECTING),
    Kind.CANCEL: to(CANCELLED, *_OPEN),
    Kind.SLIP: stay(*_OPEN),
    Kind.JUSTIFY: stay(*_OPEN),
    Kind.JUSTIFY_DECISION: stay(*_OPEN),
    Kind.ORDER: stay(*_OPEN),
    Kind.RECTIFY: stay(*_OPEN, *_AFTER),
    Kind.NOTICE: stay(*_OPEN, *_AFTER),
    Kind.INTERVIEW: stay(*_OPEN, *_AFTER),
    Kind.SCORE: stay(*_OPEN, *_AFTER),
    Kind.ENCLOSE: stay(*_OPEN),
    Kind.CORRECT: stay(*_OPEN, *_AFTER),
}, AUTHORITY, NEEDS, _OUTCOMES)

_SETUP = (REGISTERED, PROPOSED, APPROVING)
_OWN_WORK = (REGISTERED, ESTABLISHED, PLANNING, ASSIGNED, ACTIVE, RETURNED)
_OWN_OPEN = (*_SETUP, ESTABLISHED, PLANNING, ASSIGNED, ACTIVE, RETURNED, SUBMITTED, ACCEPTED, VERIFYING, COMPLETED)

OWN: dict[int, Rule] = table({
    Kind.PROPOSE: to(PROPOSED, *_SETUP),
    # `tracks` says when the last step is done.
    Kind.APPROVE: to(APPROVING, PROPOSED, APPROVING) | stay(PLANNING),
    Kind.REJECT: to(REGISTERED, PROPOSED, APPROVING) | to(ESTABLISHED, PLANNING),
    Kind.ESTABLISH: to(ESTABLISHED, REGISTERED, PROPOSED),
    Kind.DECLINE: to(DECLINED, *_SETUP),
    Kind.MERGE: to(MERGED, *_OWN_OPEN),
    Kind.PLAN: to(PLANNING, ESTABLISHED, PLANNING),
    Kind.DISPATCH: stay(*_OWN_OPEN) | to(ASSIGNED, *_SETUP, ESTABLISHED, PLANNING),
    Kind.HANDLE: stay(*_OWN_OPEN) | to(ASSIGNED, REGISTERED, ESTABLISHED),
    Kind.PROGRESS: stay(*_OWN_OPEN) | to(ACTIVE, *_OWN_WORK),
    Kind.MILESTONE: stay(*_OWN_OPEN),
    Kind.EVIDENCE: stay(*_OWN_OPEN),
    Kind.URGE: stay(*_OWN_OPEN),
    Kind.WARN: stay(*_OWN_OPEN),
    Kind.CHANGE: stay(*_OWN_OPEN),
    Kind.EXT_REQUEST: stay(*_OWN_OPEN),
    Kind.EXT_DECISION: stay(*_OWN_OPEN),
    Kind.FINAL: to(SUBMITTED, *_OWN_WORK, SUBMITTED),
    Kind.RETURN: to(RETURNED, SUBMITTED, VERIFYING),
    Kind.ACCEPT: to(ACCEPTED, SUBMITTED),
    Kind.VERIFY: to(VERIFYING, ACCEPTED, VERIFYING),
    Kind.COMPLETE: to(COMPLETED, ACCEPTED),
    Kind.CLOSE: to(CLOSED, ESTABLISHED, ASSIGNED, ACTIVE, SUBMITTED, ACCEPTED, VERIFYING, COMPLETED),
    Kind.ARCHIVE: to(ARCHIVED, CLOSED),
    Kind.REINSPECT: to(REINSPECTING, CLOSED, ARCHIVED) | stay(REINSPECTING),
    Kind.CANCEL: to(CANCELLED, *_OWN_OPEN),
    Kind.SLIP: stay(*_OWN_OPEN),
    Kind.JUSTIFY: stay(*_OWN_OPEN),
    Kind.JUSTIFY_DECISION: stay(*_OWN_OPEN),
    Kind.ORDER: stay(*_OWN_OPEN),
    Kind.RECTIFY: stay(*_OWN_OPEN, *_AFTER),
    Kind.NOTICE: stay(*_OWN_OPEN, *_AFTER),
    Kind.BULLETIN: stay(*_OWN_OPEN, *_AFTER),
    Kind.SPECIAL: stay(*_OWN_OPEN, *_AFTER),
    Kind.INTERVIEW: stay(*_OWN_OPEN, *_AFTER),
    Kind.REFER: stay(*_OWN_OPEN, *_AFTER),
    Kind.NEGATIVE: stay(*_OWN_OPEN, *_AFTER),
    Kind.SCORE: stay(*_OWN_OPEN, *_AFTER),
    Kind.CORRECT: stay(*_OWN_OPEN, *_AFTER),
}, AUTHORITY, NEEDS, _OUTCOMES)

KINDS = frozenset(ASSIGNMENT) | frozenset(OWN)

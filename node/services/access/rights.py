"""Who may do what: the table role × verb, and the one check all commands and questions pass.

Rules of this file:

1. Deny by default: a verb that does not stand here is the operator's alone, and a test fails for it.
2. A role adds rights, an account may have several. The operator looks after the node and may do everything; what needs
   a post (职务) of an approval chain is asked for where the chain is, of operators too.
3. A handler writes only about items that the handler's own unit has in hand; an item that no unit has is everybody's
   only in an office without units. What a handler sees is for `scope` to say.
4. Rights bind persons inside an office; what an office may say about an item is checked by `items.guards`.
"""

from __future__ import annotations

from collections.abc import Mapping

from node.errors import ForbiddenError
from node.services.matters.desk import Caller, find_item
from node.storage.port import Reader, Unit

OPERATOR, SUPERVISOR, LEADER, HANDLER, VIEWER = "operator", "supervisor", "leader", "handler", "viewer"
ROLES: dict[str, str] = {
    OPERATOR: "操作员", SUPERVISOR: "督查人员", LEADER: "领导", HANDLER: "承办人员", VIEWER: "查阅人员",
}  # fmt: skip

_EVERYBODY = frozenset(ROLES)
_NODE = frozenset({OPERATOR})
_WORK = frozenset({OPERATOR, SUPERVISOR})
_HANDLING = frozenset({OPERATOR, SUPERVISOR, HANDLER})
_LEADING = frozenset({OPERATOR, SUPERVISOR, LEADER})

_READ = (
    "status", "heads", "digest", "verify", "item.list", "item.show", "item.fetch", "user.list", "unit.list",
    "reconcile.history", "item.actions", "item.proof", "item.tree",
    "case.list", "case.show", "rules.list", "rules.show", "rules.check", "rules.explain", "calendar.show",
    "calendar.differences", "doctor", "ledger.list", "ledger.show", "plan.show", "plan.check", "todo.list",
    "fork.list", "fork.show", "fork.export",
    "item.page", "workbench", "overview", "gantt", "statistics", "screen", "problems", "papers",
)  # fmt: skip
_ADMINISTER = (
    "reconcile",
    "invite", "pending", "approve", "alarm.ack", "user.add", "user.change", "user.disable", "user.enable",
    "unit.add", "unit.disable",
    "rules.publish", "calendar.import", "fork.settle", "backup", "recover.here",
    "console.link", "console.audit", "screen.open", "screen.close", "screen.list",
)  # fmt: skip
_HANDLE = (
    "item.sign", "item.refuse", "item.report", "item.submit", "item.attach", "item.extend", "item.justify",
    "item.milestone", "item.rectify", "item.decompose", "item.correct",
)  # fmt: skip
_LEAD = ("item.approve", "item.reject", "item.warn")
_SUPERVISE = (
    "item.register", "item.issue", "item.assign", "item.reassign", "item.insist", "item.accept", "item.urge",
    "item.return", "item.close", "item.cancel", "item.propose", "item.establish", "item.decline", "item.merge",
    "item.plan", "item.handle", "item.change", "item.exempt", "item.grant", "item.deny", "item.verify",
    "item.complete", "item.archive", "item.reinspect", "item.reveal", "item.slip", "item.judge", "item.order",
    "item.notice", "item.bulletin", "item.special", "item.interview", "item.refer", "item.negative", "item.score",
    "item.note", "case.open", "import", "ledger.import", "plan.add", "todo.done", "todo.carry",
)  # fmt: skip

RIGHTS: Mapping[str, frozenset[str]] = {
    verb: roles
    for verbs, roles in (
        (_READ, _EVERYBODY), (_ADMINISTER, _NODE), (_HANDLE, _HANDLING), (_LEAD, _LEADING), (_SUPERVISE, _WORK)
    )
    for verb in verbs
}  # fmt: skip


# What of a verb a handler does not do: who works on a line of a 整改清单 reports it, others define and clear it (R97).
_NOT_BY_HANDLERS: Mapping[str, tuple[str, ...]] = {"item.rectify": ("line", "clear")}


def check(reader: Reader, verb: str, caller: Caller, args: Mapping[str, object], office: str = "") -> None:
    """Refuse what the caller's roles do not allow (ForbiddenError); ``office`` is this node's, to tell numbers apart.

    ``reader`` sees what the command will see; the board must be up to date where a handler acts.
    """
    allowed = RIGHTS.get(verb, _NODE)
    mine = allowed.intersection(caller.roles)
    if not mine:
        names = "、".join(label for role, label in ROLES.items() if role in allowed)
        held = "、".join(ROLES.get(role, role) for role in caller.roles) or "无"
        raise ForbiddenError(
            f"{caller.name} 的角色是{held}，无权执行 dulian {verb.replace('.', ' ')}（规则：按角色办理）",
            code="no_right", field="--as", value=caller.name,
            remedy=f"由{names}办理，或请操作员增加角色：dulian user change {caller.name} --role 角色",
        )  # fmt: skip
    if mine == {HANDLER} and verb in _HANDLE:
        barred = [name for name in _NOT_BY_HANDLERS.get(verb, ()) if args.get(name)]
        if barred:
            raise ForbiddenError(
                f"{caller.name} 的角色是{ROLES[HANDLER]}，无权使用此项（规则：按角色办理）", code="no_right",
                field=f"--{barred[0]}", remedy="由督查人员办理；承办人员只报告整改情况",
            )  # fmt: skip
        _check_unit(reader, caller, str(args.get("item") or ""), office)
        said = str(args.get("unit") or "").strip()
        if said and caller.unit and said != caller.unit:
            raise ForbiddenError(
                f"{caller.name} 属 {caller.unit}，不能以其他机构的名义办理（规则：各机构办各自的）",
                code="other_unit", field="--unit", value=said, remedy="写本人所属的机构，或不写 --unit",
            )  # fmt: skip


def _check_unit(reader: Reader, caller: Caller, word: str, office: str) -> None:
    row = find_item(reader, office, word)
    units = [unit for unit in row.unit.split("、") if unit]
    if caller.unit and caller.unit in units:
        return
    if not units and not any(unit.active for unit in reader.rows(Unit)):
        return
    name = row.number or row.item_id.hex()[:12]
    whose = f"由 {'、'.join(units)} 承办" if units else "尚未交内设机构承办"
    raise ForbiddenError(
        f"事项 {name} {whose}，{caller.name} 属 {caller.unit or '未定机构'}（规则：由承办机构办理）",
        code="other_unit", field="ITEM", value=word,
        remedy=f"由承办机构的人员办理，或请督查人员指定：dulian item handle {name} --unit {caller.unit or '机构'}",
    )  # fmt: skip

"""Verbs of operating a node: taking note of an alarm that does not end by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from node.errors import InputError, NotFoundError
from node.services.care.alarm_codes import ALARMS
from node.services.matters.desk import Caller, take
from node.services.verbs import Args, Command, Question

if TYPE_CHECKING:
    from node.services.office import Office


def acknowledge(office: Office, args: Args, caller: Caller) -> dict[str, object]:
    """`alarm ack`: end an alarm that only a person can end. NotFoundError, InputError where it ends by itself."""
    code, subject = take(args, "code"), take(args, "subject")
    standing = [alarm for alarm in office.alarms.standing() if alarm.code == code and alarm.subject == subject]
    if not standing:
        remedy = "用 dulian status --json 查看"
        raise NotFoundError("没有这条告警", field="CODE", value=f"{code} {subject}", remedy=remedy)
    known = ALARMS.get(code)
    if known is not None and not known.by_hand:
        raise InputError("此告警在情况消除后自动结束", field="CODE", value=code, remedy=known.ends)
    office.alarms.clear(code, subject)
    text = f"{caller.name or '操作员'} 确认告警：{standing[0].text}"
    office.alarms.keep_evidence(office.identity.code, "alarm_ack", text, b"")
    return {"code": code, "subject": subject, "text": standing[0].text}


COMMANDS: Mapping[str, Command] = {"alarm.ack": acknowledge}
QUESTIONS: Mapping[str, Question] = {}

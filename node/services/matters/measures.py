"""What is done beside the plain way of a task: 延期, 督办单, 整改, 通报, 复核, 记分 and more; their verbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from node.services.matters import archiving, extending, handling, publishing, reviewing, slips
from node.services.matters.desk import Caller, Desk
from node.services.verbs import Args, Command, Question

if TYPE_CHECKING:
    from node.services.office import Office

_VERBS: Mapping[str, Callable[[Desk, Args, Caller], object]] = {
    "handle": handling.handle, "warn": handling.warn, "milestone": handling.milestone, "change": handling.change,
    "exempt": handling.exempt, "correct": handling.correct,
    "extend": extending.extend, "grant": extending.grant, "deny": extending.deny, "note": extending.note,
    "slip": slips.slip, "justify": slips.justify, "judge": slips.judge, "score": slips.score,
    "order": publishing.order, "rectify": publishing.rectify, "notice": publishing.notice,
    "bulletin": publishing.bulletin, "special": publishing.special, "interview": publishing.interview,
    "refer": publishing.refer, "negative": publishing.negative,
    "verify": reviewing.verify, "complete": reviewing.complete, "close": reviewing.close,
    "reinspect": reviewing.reinspect, "archive": archiving.archive,
}  # fmt: skip


def _command(run: Callable[[Desk, Args, Caller], object]) -> Command:
    def command(office: Office, args: Args, caller: Caller) -> object:
        return run(office.desk, args, caller)

    return command


COMMANDS: Mapping[str, Command] = {f"item.{verb}": _command(run) for verb, run in _VERBS.items()}
QUESTIONS: Mapping[str, Question] = {}

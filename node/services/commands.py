"""The verbs of the local command socket: what each is called, what it needs, which service carries it out.

Rules: a verb is a *command* (runs in the core, may write, one transaction) or a *question* (runs on a reader of
committed data, in any thread). Arguments come as JSON and are checked by the service that uses them. Every verb passes
`rights.check` here, and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.errors import DulianError, ForbiddenError, InputError, NotAvailableError
from node.records.kinds import Kind
from node.services import operations
from node.services.access import console_accounts, people, rights, scope, screens
from node.services.care.status import status_document
from node.services.matters import acting, approvals, discreet, issuing, measures, offers, planning, ruling
from node.services.matters.desk import Caller, is_behind, take
from node.services.mending import fork_cases, statements
from node.services.office import Office
from node.services.routine import proposals
from node.services.sheets import ledgers
from node.services.verbs import Args, Command, Question
from node.services.views import browse, item_page, known, overview, pages, papers, problems, statistics, workbench
from node.storage.port import BlobRow, Reader

if TYPE_CHECKING:
    from node.services.views.browse import View

_AREAS = (operations, people, approvals, measures, ruling, planning, ledgers, proposals, fork_cases, console_accounts,
          screens)  # fmt: skip
_LISTS = (pages, workbench, overview, statistics, problems, papers)  # questions alone
_TTL_MS_MAX = 30 * 86_400_000
_UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


def _item(kind: Kind) -> Command:
    return lambda office, args, caller: acting.simple(office.desk, kind, args, caller)


def _invite(office: Office, args: Args, caller: Caller) -> dict[str, object]:
    del caller
    code, name = take(args, "code"), take(args, "name")
    from node.documents.divisions import Divisions  # noqa: PLC0415 - 44,691 offices, read only here

    directory, recover = Divisions.load(), bool(args.get("recover"))
    known = office.keyring.current(code) if recover else None
    if known is None and not args.get("unlisted"):
        directory.check_child(office.identity.code, code)
    name = name or (known.name if known else "")
    ttl_ms = parse_ttl_ms(take(args, "ttl"))
    token = office.enrolment.invite(code, name, ttl_ms, auto_approve=bool(args.get("auto_approve")), recover=recover)
    doubt = directory.name_doubt(code, name)
    return {"token": token, "code": code, "name": name, "warnings": [doubt] if doubt else []}


def parse_ttl_ms(text: str) -> int:
    """A life like 30m, 24h, 7d in milliseconds; InputError."""
    text = text or "24h"
    number, unit = text[:-1], text[-1:]
    ttl_ms = int(number) * _UNIT_MS.get(unit, 0) if number.isdigit() else 0
    if not 0 < ttl_ms <= _TTL_MS_MAX:
        raise InputError("有效期写法不对", field="--ttl", value=text, remedy="写成 30m、24h 或 7d，最长 30d")
    return ttl_ms


_BASE: dict[str, Command] = {
    "status": lambda office, _args, _caller: status_document(office),
    "invite": _invite,
    "pending": lambda office, _args, _caller: office.enrolment.pending(),
    "approve": lambda office, args, _caller: office.enrolment.approve(take(args, "code"), take(args, "fingerprint")),
    "recover.here": lambda office, _args, _caller: {"office": office.identity.code, "epoch": office.recovery.choose()},
    "item.register": lambda office, args, caller: issuing.register(office.desk, args, caller),
    "item.issue": lambda office, args, caller: issuing.issue(office.desk, args, caller),
    "item.assign": lambda office, args, caller: issuing.assign(office.desk, args, caller),
    "item.decompose": lambda office, args, caller: issuing.decompose(office.desk, args, caller),
    "item.reassign": lambda office, args, caller: issuing.reassign(office.desk, args, caller),
    "item.sign": _item(Kind.SIGN),
    "item.refuse": _item(Kind.REFUSE),
    "item.insist": _item(Kind.INSIST),
    "item.accept": lambda office, args, caller: acting.accept(office.desk, args, caller),
    "item.urge": _item(Kind.URGE),
    "item.attach": _item(Kind.EVIDENCE),
    "item.report": lambda office, args, caller: acting.report(office.desk, args, caller),
    "item.submit": lambda office, args, caller: acting.submit(office.desk, args, caller),
    "item.return": lambda office, args, caller: acting.return_(office.desk, args, caller),
    "item.cancel": lambda office, args, caller: acting.cancel(office.desk, args, caller),
}

_ASKED: dict[str, Question] = {
    "item.list": known.list_items,
    "item.show": known.show_item,
    **item_page.QUESTIONS,
    "heads": lambda reader, _view, _args: browse.heads_document(reader),
    "digest": lambda reader, _view, _args: browse.digest_document(reader),
    "reconcile.history": statements.history_document,
}

COMMANDS: dict[str, Command] = _BASE | {verb: run for area in _AREAS for verb, run in area.COMMANDS.items()}
QUESTIONS: dict[str, Question] = _ASKED | {
    verb: ask for area in (*_AREAS, *_LISTS) for verb, ask in area.QUESTIONS.items()
}


def carry_out(office: Office, verb: str, args: Args, caller: Caller) -> object:
    """A command, by a caller who may; inside a step of the core.

    Raises:
        NotAvailableError: no such command.
        ForbiddenError: the caller's roles do not allow it.
    """
    command = COMMANDS.get(verb)
    if command is None:
        raise NotAvailableError(verb)
    permit(office, verb, args, caller)
    try:
        return command(office, args, caller)
    except DulianError as error:
        offers.complete(office.desk, str(args.get("item") or ""), error)
        raise


def permit(office: Office, verb: str, args: Args, caller: Caller) -> None:
    """Refuse what the caller may not do, as the store stands in this very step."""
    if rights.HANDLER in caller.roles and is_behind(office.desk, take(args, "item")):
        office.projector.run()  # which unit has an item in hand stands on the board
    discreet.check_item(office.store, office.identity.code, caller, str(args.get("item") or ""))
    try:
        rights.check(office.store, verb, caller, args, office.identity.code)
    except (ForbiddenError, InputError):
        if office.logs.fresh:
            office.projector.run()
        scope.check_command(office.store, office.identity.code, caller, args)
        raise


def inquire(reader: Reader, view: View, verb: str, args: Args, caller: Caller) -> object:
    """A question, by a caller who may, within what the caller may see."""
    rights.check(reader, verb, caller, args, view.office)
    view, reader = view._replace(caller=caller), discreet.veiled(reader, caller)
    scope.check(reader, view, verb, args)
    return scope.narrowed(reader, view, verb, QUESTIONS[verb](reader, view, args))


def attachment(reader: Reader, view: View, args: Args, caller: Caller) -> tuple[BlobRow, str]:
    """`item.fetch`: the attachment and its name, for a caller who may see the item."""
    rights.check(reader, "item.fetch", caller, args, view.office)
    view, reader = view._replace(caller=caller), discreet.veiled(reader, caller)
    scope.check(reader, view, "item.fetch", args)
    return browse.attachment_of(reader, view, args)

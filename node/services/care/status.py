"""`status`: this node and its links, as one JSON document."""

from __future__ import annotations

from node import __version__
from node.clock import iso
from node.records.line import level_of
from node.services.care.backups import last_made
from node.services.mending import comeback
from node.services.mending.statements import load_state, state_document
from node.services.office import Office
from node.services.routine.proposals import open_count
from node.services.views.browse import moment
from node.storage.port import Alarm, Peer

RUNBOOK = "deploy/RUNBOOK.md"  # a section for every code of an alarm


def standing(office: Office) -> list[Alarm]:
    """All alarms; that the store takes nothing is one that no store can keep."""
    health, alarms = office.health, office.alarms.standing()
    if health.fault:
        alarms.append(Alarm("store", office.identity.code, health.text, health.since_ms))
    return alarms


def status_document(office: Office) -> dict[str, object]:
    """The JSON document; exits 1 while there is an alarm (the caller's business)."""
    identity = office.identity
    alarms = [
        {
            "code": alarm.code, "subject": alarm.subject, "text": alarm.text, "since": iso(alarm.since_ms),
            "runbook": f"{RUNBOOK}#{alarm.code}",
        }
        for alarm in standing(office)
    ]  # fmt: skip
    return {
        "office": {
            "code": identity.code, "name": identity.name, "level": level_of(identity.code),
            "parent": identity.parent or None,
        },
        "fingerprint": identity.federation.hex() if not identity.parent else _fingerprint(office),
        "federation": identity.federation.hex(),
        "epoch": office.author.epoch,
        "version": __version__,
        "ready": not (office.author.recovering or office.author.skew_ms or office.health.fault),
        "records": office.logs.record_count,
        "logs": sum(1 for log in office.logs.index if log.seq),
        "items": office.store.board_count(),
        "proposals_open": open_count(office.store),
        "links": [link_document(office, peer, role) for peer, role in neighbours(office)],
        "backup": last_made(office.store),
        "recovery": _recovery(office),
        "offices": office.staleness.document(office.name_of),
        "alarms": alarms,
    }  # fmt: skip


def _recovery(office: Office) -> dict[str, object]:
    """Why this node does not author ("" = it does), and which neighbours it has not asked since it was restored."""
    author = office.author
    return {"stopped": comeback.cause(author.recovering), "not_asked": author.comeback.not_asked(office.neighbours())}


def neighbours(office: Office) -> list[tuple[str, str]]:
    """Codes of the parent and of all children, each with its role."""
    children = [(code, "child") for code in office.keyring.children(office.identity.code)]
    return [(office.identity.parent, "parent"), *children] if office.identity.parent else children


def link_document(office: Office, peer: str, role: str) -> dict[str, object]:
    """How it stands with a neighbour."""
    session = office.links.session_of(peer)
    now_ms = office.world.clock.now_ms()
    row = office.store.get(Peer, peer)
    last_ms = office.links.last_contact.get(peer, row.last_contact_ms if row else 0)
    waiting, since_ms = unsent(office, peer)
    to_receive = 0
    if session is not None:
        for log_id, seq in session.machine.behind.items():
            log = office.logs.index.get(log_id)
            to_receive += seq - (log.seq if log else 0)
    if row is not None and row.quarantined:
        state = "quarantined"
    elif session is None:
        state = "never" if not last_ms else "stale" if now_ms - last_ms > office.fresh_ms else "behind"
    else:
        state = "synced" if session.synced and not waiting and not to_receive else "syncing"
    return {
        "office": peer,
        "name": office.name_of(peer),
        "role": role,
        "connected": session is not None,
        "state": state,
        "last_contact": moment(last_ms),
        "to_send": waiting,
        "oldest_unsent_at": moment(since_ms),
        "to_receive": to_receive,
        "as_of": moment(office.marks.as_of_ms(peer)) if role == "child" else None,
        "reconciled_at": moment(row.reconciled_ms) if row else None,
        "reconciled": state_document(load_state(office.store, peer)),
    }


def unsent(office: Office, peer: str) -> tuple[int, int]:
    """Records whose author's side we are and that the neighbour has not receipted, and when the oldest was written."""
    count, oldest_ms = 0, 0
    upward = peer == office.identity.parent
    path = office.identity.path
    for log in office.logs.index.link(peer):
        author = log.key.author
        # What flows towards this neighbour: upward everything of ours and from below, downward ours and from above.
        ours = author == office.identity.code
        if log.frozen or (not ours and upward == (author in path)):
            continue  # of a forked log nothing more is taken: what others lack comes to them as 见证
        acked = office.receipts.acked(peer, log)
        if acked < log.seq:
            count += log.seq - acked
            rows = office.store.records_at([(log.log_no, acked + 1)])
            if rows and (not oldest_ms or rows[0].received_ms < oldest_ms):
                oldest_ms = rows[0].received_ms
    return count, oldest_ms


def _fingerprint(office: Office) -> str:
    key = office.keyring.current(office.identity.code)
    return key.key_id.hex() if key else ""

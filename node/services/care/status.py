"""`status`: this node and its links, as one JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from node import __version__
from node.clock import iso
from node.records.line import level_of
from node.services.care.backups import last_made
from node.services.mending import comeback
from node.services.mending.statements import State, load_states, state_document
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
        "links": [link.document for link in link_standings(office, neighbours(office))],
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


class Standing(NamedTuple):
    """How it stands with a neighbour: the JSON document, the row about it, and what it has not receipted."""

    document: dict[str, object]
    row: Peer | None
    unsent: int
    oldest_unsent_ms: int
    to_receive: int


def link_document(office: Office, peer: str, role: str) -> dict[str, object]:
    """How it stands with one neighbour."""
    return link_standings(office, [(peer, role)])[0].document


def link_standings(office: Office, links: Sequence[tuple[str, str]]) -> list[Standing]:
    """The same for many at once: neighbours may be thousands, and this is done in the core."""
    rows = {row.office: row for row in office.store.rows(Peer)}
    states = load_states(office.store)
    waiting = unsent(office, [peer for peer, _ in links])
    return [
        _standing(office, peer, role, rows.get(peer), states.get(peer, State(peer)), waiting[peer])
        for peer, role in links
    ]


def _standing(
    office: Office, peer: str, role: str, row: Peer | None, reconciled: State, unsent: tuple[int, int]
) -> Standing:
    session = office.links.session_of(peer)
    now_ms = office.world.clock.now_ms()
    last_ms = office.links.last_contact.get(peer, row.last_contact_ms if row else 0)
    waiting, since_ms = unsent
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
    document: dict[str, object] = {
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
        "reconciled": state_document(reconciled),
    }
    return Standing(document, row, waiting, since_ms, to_receive)


def unsent(office: Office, peers: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Records whose author's side we are and that a neighbour has not receipted, and when the oldest was taken in."""
    counts: dict[str, int] = {}
    firsts: dict[str, list[tuple[int, int]]] = {}
    for peer in peers:
        counts[peer], firsts[peer] = 0, []
        for log in office.receipts.missing(peer):
            acked = office.receipts.acked(peer, log)
            counts[peer] += log.seq - acked
            firsts[peer].append((log.log_no, acked + 1))
    taken_ms = office.store.received_at(place for places in firsts.values() for place in places)
    return {
        peer: (counts[peer], min((taken_ms[place] for place in places if place in taken_ms), default=0))
        for peer, places in firsts.items()
    }


def _fingerprint(office: Office) -> str:
    key = office.keyring.current(office.identity.code)
    return key.key_id.hex() if key else ""

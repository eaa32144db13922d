"""Browsing: lists, one item, heads, digests — the JSON documents of surface.md, from a reader of committed data.

Rules: nothing is shown as current that is not: every office's column carries 数据截至 from its freshness marks (I8);
lights and roll-up are computed for the moment of asking and are in no digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from node.clock import day_of, iso
from node.errors import InputError, NotFoundError
from node.items.fact import Fact
from node.items.fold import ItemState, fold
from node.items.lifecycle import state_label
from node.items.lights import Light, light
from node.items.lights import day_of as day_number
from node.items.marks import changed_frequency
from node.records.envelope import Envelope
from node.records.keyring import Keyring
from node.records.kinds import label_of
from node.records.line import level_of
from node.records.payload import Attachment, Enclosure, Opening
from node.rules.calendar import PROVISIONAL, Calendar
from node.rules.explain import responsibility_levels
from node.services.board.project import read_facts
from node.services.matters.desk import Caller, find_item, take
from node.services.matters.discreet import seen
from node.services.matters.rulebook import Rulebook
from node.services.matters.sharing import Shown
from node.services.routine.lines import on_line
from node.services.views.tracks_view import day_text as day_text  # noqa: PLC0414 - browse is where others look for it
from node.services.views.tracks_view import (
    enclosed_document,
    terms_document,
    text_of,
    tracks_document,
    verdict_document,
)
from node.services.views.truth import FRESH_MS
from node.storage.port import Actor, BlobRow, BoardQuery, BoardRow, Reader
from node.storage.rows import DATED_BY_UNIT, EXEMPT
from node.storage.rows import PROVISIONAL as PROVISIONAL_DUE


class View(NamedTuple):
    """What browsing knows besides the store: who we are, names and freshness of offices, who has receipted what."""

    office: str
    name_of: Callable[[str], str]
    as_of_ms: Callable[[str], int]
    delivered: Callable[[BoardRow], bool]  # the next hop towards the receiver has receipted the task
    now_ms: int
    calendar: Calendar = PROVISIONAL
    open_enclosed: Callable[[Envelope], Shown] | None = None  # verified with this node's keyring
    fresh_ms: int = FRESH_MS  # data older than this say nothing of today (I8)
    caller: Caller | None = None  # who asks; None: the node itself
    keyring: Keyring | None = None  # the certified keys, for questions about proofs and about who is below


def list_items(reader: Reader, view: View, args: Mapping[str, object]) -> list[dict[str, object]]:
    """`item list`: filters by state, light, office, kind, work line, words; approval cases stand in an own list."""
    query = BoardQuery(
        state=take(args, "state"), office=take(args, "office"), kind=take(args, "kind"), text=take(args, "text"),
        subject="-",
    )  # fmt: skip
    profile = Rulebook(reader, view.office).profile(day_number(view.now_ms))
    query = on_line(profile, take(args, "line"), query)
    wanted = take(args, "light")
    rows = [row_document(view, row) for row in reader.board_query(query)]
    return [row for row in rows if not wanted or row["light"] == wanted]


def row_document(view: View, row: BoardRow) -> dict[str, object]:
    """One item as a row of a list."""
    path = row.path.split("/")
    document: dict[str, object] = {
        "id": row.item_id.hex(),
        "number": row.number,
        "title": row.title,
        "kind": row.kind,
        "issuer": row.issuer,
        "issuer_name": view.name_of(row.issuer),
        "receiver": row.receiver,
        "receiver_name": view.name_of(row.receiver),
        "role": row.role or None,
        "parent": row.parent.hex() or None,
        "line": {"path": path, "top": path[0], "bottom": path[-1], "subtree": row.subtree},
        "state": row.state,
        "state_label": state_label(row.state, successor=bool(row.successor)),
        "light": light_of(view, row),
        "due": day_text(row.due_day),
        "provisional": provisional(row),
        "percent": row.percent,
        "as_of": moment(view.as_of_ms(row.receiver)),
        "updated_at": moment(row.updated_ms),
        "successor": row.successor.hex() or None,
    }
    if row.state == "assigned" and row.kind == "assignment":
        document["delivery"] = "sent" if view.delivered(row) else "queued"
        if document["delivery"] == "queued":
            document["state_label"] = "待转送"
    return document


def provisional(row: BoardRow) -> bool:
    """Whether the due date is 暂定: counted before its year's calendar was known, and not changed since (A2).

    An own item's may be that of the unit that has it in hand (R49).
    """
    return bool(row.flags & DATED_BY_UNIT or (row.flags & PROVISIONAL_DUE and 0 < row.due_day == row.first_due_day))


def light_of(view: View, row: BoardRow) -> Light:
    """The light of an item on the day of asking, by the calendar in force here."""
    return light(
        row.state, row.due_day, day_of(view.now_ms), submitted_day=row.submitted_day, strength=row.strength,
        warn_days=row.warn_days, exempt=bool(row.flags & EXEMPT), is_working_day=view.calendar.is_working_day,
    )  # fmt: skip


def show_item(reader: Reader, view: View, args: Mapping[str, object]) -> dict[str, object]:
    """`item show`: the row, its words, tasks below, attachments and the timeline of all its records."""
    row = find_item(reader, view.office, take(args, "item"))
    facts = read_facts(reader, [row.item_id]).get(row.item_id, [])
    return item_document(reader, view, row, facts, reader.board_query(BoardQuery(parent=row.item_id)))


def item_document(
    reader: Reader, view: View, row: BoardRow, facts: list[Fact], children: Sequence[BoardRow]
) -> dict[str, object]:
    """One item whole, by these facts of it."""
    state = fold(row.item_id, facts)
    opening = state.opening or Opening("")
    told = seen(reader, view, facts)
    return row_document(view, row) | _words(reader, view, row, opening) | {
        "requirement": opening.text,
        "points": list(opening.points),
        "source": opening.source,
        "responsible": opening.responsible,
        "limit_text": opening.limit_text,
        "counters": state.counters._asdict(),
        "predecessor": opening.predecessor.hex() or None,
        "terms": terms_document(state.opening, changed_frequency(state, facts)),
        "tracks": tracks_document(reader, view.name_of, state, told),
        "responsibility": _responsibility(reader, view, row, state),
        "numbers": _numbers(reader, [row.parent, opening.predecessor, row.successor, *state.tracks.reinspections]),
        "children": [row_document(view, child) for child in children],
        "attachments": _attachments(reader, view, told, state),
        "timeline": _timeline(reader, view, told, state),
    }


def _words(reader: Reader, view: View, row: BoardRow, opening: Opening) -> dict[str, object]:
    """What the profiles call its source and class: the one it was opened under, else the one in force; None for none.

    Superiors' words stand on their tasks, and free text is its own label (A19).
    """
    rulebook = Rulebook(reader, view.office)
    named = (opening.terms.profile if opening.terms is not None else "") or opening.rule.rpartition("/")[0]
    opened = rulebook.named(named, row.issuer) if named else None
    profiles = [profile for profile in (opened, rulebook.profile(day_number(view.now_ms))) if profile is not None]
    class_ = opening.terms.item_class if opening.terms is not None else ""
    sources = [part.label for profile in profiles for part in profile.sources if part.id == opening.source]
    classes = [part.label for profile in profiles for part in profile.classes if part.id == class_]
    return {"source_label": next(iter(sources), opening.source or None),
            "class_label": next(iter(classes), class_ or None)}  # fmt: skip


def _responsibility(reader: Reader, view: View, row: BoardRow, state: ItemState) -> list[dict[str, object]]:
    """All levels that answer for the item, as the receiver's profile has them (else the issuer's); name or None (R14).

    Empty where nobody is named and nobody has to be.
    """
    rulebook, today = Rulebook(reader, view.office), day_number(view.now_ms)
    issuer, profile = rulebook.profile(today, row.issuer), rulebook.profile(today, row.receiver)
    if not state.tracks.duties and not profile.responsibility_required:
        return []
    # Who issued the item calls the levels otherwise than who received it, perhaps.
    levels = responsibility_levels(profile if profile.responsibility else issuer)
    ids = {label: level for one in (issuer, profile) for level, label in responsibility_levels(one).items()}
    named = {ids.get(duty.level, duty.level): duty.name for duty in state.tracks.duties}
    chain: list[dict[str, object]] = [
        {"level": label, "name": named.pop(level, None)} for level, label in levels.items()
    ]  # fmt: skip
    chain += [{"level": "责任人" if level == "person" else level, "name": name} for level, name in named.items()]
    return chain


def _numbers(reader: Reader, items: Sequence[bytes]) -> dict[str, str]:
    """登记编号 of linked items, by id, as far as this node knows them."""
    return {row.item_id.hex(): row.number for row in reader.board([one for one in items if one]) if row.number}


def heads_document(reader: Reader) -> list[dict[str, object]]:
    """`heads`: every log's head."""
    return [
        {
            "author": row.key.author, "epoch": row.key.epoch, "path": list(row.key.line.path), "top": row.key.line.top,
            "bottom": row.key.line.bottom, "subtree": row.key.line.subtree, "seq": row.head_seq,
            "hash": row.head_id.hex(),
        }
        for row in sorted(reader.logs(), key=lambda row: row.key)
        if row.head_seq
    ]  # fmt: skip


def digest_document(reader: Reader) -> dict[str, object]:
    """`digest`: of each item, and of all of them for this node."""
    items = {row.item_id.hex(): row.digest.hex() for row in reader.board_query(BoardQuery(limit=2**31 - 1))}
    hasher = hashlib.sha256()
    for item, digest in sorted(items.items()):
        hasher.update(bytes.fromhex(item) + bytes.fromhex(digest))
    return {"items": items, "all": hasher.hexdigest()}


def attachment_of(reader: Reader, view: View, args: Mapping[str, object]) -> tuple[BlobRow, str]:
    """The attachment `item fetch` asks for: by hash or a unique prefix of it, among the item's own."""
    row = find_item(reader, view.office, take(args, "item"))
    word = take(args, "hash").lower()
    facts = seen(reader, view, read_facts(reader, [row.item_id]).get(row.item_id, []))
    found = {
        file.hash: file.name for fact in facts for file in _files(view, fact)
        if word and file.hash.hex().startswith(word)
    }  # fmt: skip
    remedy = "用 dulian item show 查看附件的散列值"
    if not found:
        raise NotFoundError("事项没有这个附件", field="HASH", value=word, remedy=remedy)
    if len(found) > 1:
        raise InputError("有多个附件符合", field="HASH", value=word, remedy=remedy)
    blob_hash, name = next(iter(found.items()))
    blob = reader.get(BlobRow, blob_hash)
    if blob is None or not blob.present:
        remedy = "等待同步后再试；dulian item show 显示附件是否已到"
        raise InputError("附件尚未传到本机", field="HASH", value=word, remedy=remedy)
    return blob, name


def office_level(code: str) -> str:
    """Level name of surface.md."""
    return level_of(code)


def moment(ms: int) -> str | None:
    """A time, None for never."""
    return iso(ms) if ms else None


def _files(view: View, fact: Fact) -> tuple[Attachment, ...]:
    """The files of a record; of a 转送 those of the enclosed records whose signature holds here."""
    if isinstance(fact.payload, Enclosure):
        shown = [view.open_enclosed(one) for one in fact.payload.records] if view.open_enclosed is not None else []
        return tuple(file for one in shown for file in one.attachments)
    return fact.payload.attachments if fact.payload is not None else ()


def _attachments(reader: Reader, view: View, facts: list[Fact], state: ItemState) -> list[dict[str, object]]:
    counted = {file.hash for file in state.attachments}
    found: dict[bytes, dict[str, object]] = {}
    for fact in facts:
        for file in _files(view, fact):
            blob = reader.get(BlobRow, file.hash)
            found[file.hash] = {
                "hash": file.hash.hex(), "name": file.name, "size": file.size_bytes,
                "present": bool(blob and blob.present), "counted": file.hash in counted,
            }  # fmt: skip
    return list(found.values())


def _timeline(reader: Reader, view: View, facts: list[Fact], state: ItemState) -> list[dict[str, object]]:
    actors = {actor.number: actor.name for actor in reader.rows(Actor)}
    lines: list[dict[str, object]] = []
    for fact in sorted(facts, key=lambda fact: (fact.claimed_ms, fact.author, fact.epoch, fact.seq)):
        payload = fact.payload
        name = payload.actor_name if payload is not None else ""
        lines.append({
            "record": fact.record_id.hex(),
            "kind": fact.kind,
            "kind_label": label_of(fact.kind),
            "author": fact.author,
            "author_name": view.name_of(fact.author),
            "actor": name or (actors.get(fact.actor, "") if fact.author == state.issuer else "") or None,
            "recorded_at": iso(fact.claimed_ms),
            "received_at": iso(fact.received_ms),
            "effect": state.effects.get(fact.record_id, "waiting"),
            "text": text_of(payload, fact.kind),
            **verdict_document(fact),
            "attachments": [
                {"hash": file.hash.hex(), "name": file.name}
                for file in (payload.attachments if payload is not None else ())
            ],
            **enclosed_document(payload, view.open_enclosed, view.name_of),
        })  # fmt: skip
    return lines

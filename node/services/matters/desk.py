"""What all item verbs share: finding the item, its state now, receivers' paths, dates, who acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from node.errors import InputError, NotFoundError
from node.items.fold import ItemState, fold
from node.items.guards import Child
from node.items.lights import day_number
from node.records.envelope import Record
from node.records.keyring import Keyring
from node.records.kinds import Channel, Kind
from node.records.limits import HASH_BYTES
from node.records.payload import Act, Attachment
from node.services.board.project import Projector, read_facts
from node.services.exchange.author import Author
from node.services.exchange.logs import Logs
from node.services.identity import Identity, World
from node.services.matters.rulebook import Rulebook
from node.storage.port import BoardQuery, BoardRow, Reader, Store
from node.storage.rows import EXEMPT

_PREFIX_DIGITS_MIN = 4
_HEX_DIGITS = frozenset("0123456789abcdef")
_SHOWN_CANDIDATES = 5


class Caller(NamedTuple):
    """Who acts: a person of this office, through which channel, with which account.

    Without an account it is the operator, who may do everything but has no post (职务) and so approves nothing.
    ``roles`` are of `services.access.rights`, ``posts`` abstract role ids of the profile; ``unit`` is empty for none.
    """

    name: str
    channel: int = Channel.CLI
    roles: tuple[str, ...] = ("operator",)
    posts: tuple[str, ...] = ()
    unit: str = ""
    account: bool = False


class Desk(NamedTuple):
    """The parts item verbs work with."""

    identity: Identity
    world: World
    store: Store
    logs: Logs
    keyring: Keyring
    author: Author
    projector: Projector
    rulebook: Rulebook


def find_item(reader: Reader, office: str, word: str) -> BoardRow:
    """The item named by an id, a unique prefix of one, or a 登记编号; NotFoundError, InputError (several fit)."""
    text = word.strip()
    rows = reader.board_by_number(text)
    if len(rows) > 1:
        # Numbers are given out by the issuer; an own item goes before what others numbered alike.
        rows = [row for row in rows if row.issuer == office] or rows
    lowered = text.lower()
    if not rows and len(lowered) >= _PREFIX_DIGITS_MIN and not set(lowered) - _HEX_DIGITS:
        rows = reader.board_by_prefix(lowered, _SHOWN_CANDIDATES + 1)
    if not rows:
        raise absent(word)
    if len(rows) > 1:
        named = "、".join(f"{row.item_id.hex()[:12]} {row.title}" for row in rows[:_SHOWN_CANDIDATES])
        raise InputError(f"有多个事项符合：{named}", field="ITEM", value=word, remedy="多写几位，或写登记编号")
    return rows[0]


def absent(word: str) -> NotFoundError:
    """That there is no such item; the same words for one that the caller may not see (W4)."""
    remedy = "用 dulian item list 查看登记编号，或写标识的前几位（至少4位）"
    return NotFoundError("本机没有这个事项", field="ITEM", value=word, remedy=remedy)


def current(desk: Desk, word: str) -> ItemState:
    """The item's state including what was appended in this very step."""
    item_id = _whole_id(word)
    if item_id is None or not (desk.projector.knows(item_id) or desk.store.item_numbers([item_id])):
        if desk.logs.fresh:
            desk.projector.run()
        item_id = find_item(desk.store, desk.identity.code, word).item_id
    elif desk.logs.is_fresh(item_id):
        desk.projector.run()
    state = desk.projector.state_of(item_id)
    if not state.opened:
        find_item(desk.store, desk.identity.code, word)  # an item whose opening is not here is none yet
    return state


def is_behind(desk: Desk, word: str) -> bool:
    """Whether the board may lack something of this item, appended in this very step."""
    item_id = _whole_id(word)
    return bool(desk.logs.fresh) if item_id is None else desk.logs.is_fresh(item_id)


def _whole_id(word: str) -> bytes | None:
    """The id where a word is one in full."""
    text = word.strip().lower()
    return bytes.fromhex(text) if len(text) == 2 * HASH_BYTES and not set(text) - _HEX_DIGITS else None


def state_of(reader: Reader, item_id: bytes) -> ItemState:
    """Fold an item from its stored records."""
    return fold(item_id, read_facts(reader, [item_id]).get(item_id, []))


def children_of(desk: Desk, item_id: bytes) -> list[BoardRow]:
    """The tasks issued under an item, as far as they are known here, including those opened in this very step."""
    if desk.logs.fresh:
        desk.projector.run()
    return desk.store.board_query(BoardQuery(parent=item_id))


def open_children(desk: Desk, state: ItemState) -> list[Child]:
    """The tasks this office itself issued under an item, for the guards."""
    rows = [row for row in children_of(desk, state.item_id) if row.issuer == desk.identity.code]
    return [Child(row.item_id, row.receiver, row.state, bool(row.flags & EXEMPT)) for row in rows]


def act(desk: Desk, state: ItemState, kind: Kind, payload: Act, re: tuple[bytes, ...], caller: Caller) -> Record:
    """Write a record on exactly the item's line."""
    if state.line is None:
        raise InputError("事项的交办记录尚未到达", remedy="等待上级数据同步后重试")
    return desk.author.write(
        kind, state.line, payload._replace(actor_name=caller.name), item=state.item_id, re=re, actor=caller.name,
        channel=caller.channel,
    )  # fmt: skip


def parse_day(text: object, field: str) -> int:
    """A date YYYY-MM-DD as days since 1970-01-01; 0 for none. InputError names the field."""
    if text in (None, ""):
        return 0
    try:
        return day_number(date.fromisoformat(str(text)))
    except ValueError as error:
        raise InputError("日期写法不对", field=field, value=text, remedy="写成 YYYY-MM-DD，如 2027-03-31") from error


def receiver_paths(desk: Desk, codes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Ancestries (root … code) of the receivers that are known: enrolled offices, and real offices not yet enrolled
    whose parent is this office or an enrolled one (their task waits here until they join).
    """
    found: dict[str, tuple[str, ...]] = {}
    for code in codes:
        key = desk.keyring.current(code)
        path = key.path if key else _path_by_directory(desk, code)
        if path:
            found[code] = path
    return found


def _path_by_directory(desk: Desk, code: str) -> tuple[str, ...]:
    from node.documents.divisions import Divisions  # noqa: PLC0415 - 44,691 offices, read only when one is not enrolled

    office = Divisions.load().get(code)
    if office is None:
        return ()
    parent = office.parent
    if parent == desk.identity.code:
        return (*desk.identity.path, code)
    key = desk.keyring.current(parent)
    return (*key.path, code) if key else ()


def take(args: Mapping[str, object], name: str) -> str:
    """A text argument, empty where absent."""
    value = args.get(name)
    return "" if value is None else str(value)


def take_list(args: Mapping[str, object], name: str) -> tuple[str, ...]:
    """A list-of-text argument."""
    value = args.get(name)
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple):
        raise InputError("参数应为列表", field=f"--{name}", value=value)
    return tuple(str(part) for part in value)


def take_files(args: Mapping[str, object]) -> tuple[Attachment, ...]:
    """Attachments already stored by the caller's edge."""
    files = args.get("attachments") or ()
    return tuple(file for file in files if isinstance(file, Attachment)) if isinstance(files, list | tuple) else ()

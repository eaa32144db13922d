"""The verbs about forks: list, show, export a proof, settle (R3, B7).

Rules of this file:

1. A fork is shown where two different records under one number are held; a proof is of the lowest such number, without
   the contents of either record (`records.proof`).
2. Only the author settles, in a new epoch: the EPOCH record names the number and both records, so that alarms end
   everywhere; the log stays frozen for ever, and each record of either branch keeps its effect.
3. What is to go on is declared again in the new epoch; original and copy count once, so doing it twice does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from node.clock import iso
from node.errors import ForbiddenError, InputError, NotFoundError, PeerError
from node.records import payload as payloads
from node.records import proof as proofs
from node.records.envelope import Envelope, Record, open_envelope
from node.records.header import Header, decode
from node.records.kinds import Kind, label_of
from node.records.line import LogKey
from node.records.payload import Certificate, KnownHead
from node.records.suite import Ed25519Sha256, Suites, key_id_of
from node.services.exchange.trust import load_chain
from node.services.matters.desk import Caller, take
from node.services.mending.forks import FORKS_PER_LOG_MAX, SETTLE, settled_meta
from node.services.verbs import Args, Command, Question
from node.storage.port import Fork, LogRow, Meta, Reader, RecordRow

if TYPE_CHECKING:
    from node.services.office import Office
    from node.services.views.browse import View

KEEPS = ("both", "here", "other")
_PREFIX_DIGITS_MIN = 4
_PAGE = 1_000
_PAGE_BYTES = 4_194_304
_READ_BYTES_MAX = 67_108_864
_CHAIN_MAX = 48
_HEADS_MAX = 1_000
Row = RecordRow | Fork


class Case(NamedTuple):
    """A proved fork: the log, its lowest disputed number, the records held from there on, those beside the log."""

    log: LogRow
    seq: int
    inside: list[RecordRow]
    beside: list[Fork]
    settled: bool

    @property
    def name(self) -> str:
        """As alarms name it."""
        return self.log.log_id.hex()[:16]

    @property
    def rivals(self) -> list[Row]:
        """The different records under the disputed number."""
        rows: list[Row] = [*self.inside, *self.beside]
        return [row for row in rows if row.seq == self.seq]


def cases(reader: Reader) -> list[Case]:
    """All forks proved here, by log."""
    beside: dict[int, list[Fork]] = {}
    for row in reader.rows(Fork):
        beside.setdefault(row.log_no, []).append(row)
    found = [_case(reader, log, beside[log.log_no]) for log in reader.logs() if log.log_no in beside]
    return [case for case in found if case is not None]


def _case(reader: Reader, log: LogRow, beside: list[Fork]) -> Case | None:
    ids: dict[int, set[bytes]] = {}
    rows: list[Row] = [*beside, *reader.records_at([(log.log_no, row.seq) for row in beside])]
    for row in rows:
        ids.setdefault(row.seq, set()).add(row.record_id)
    disputed = [seq for seq, found in ids.items() if len(found) > 1]
    if not disputed:
        return None
    seq = min(disputed)
    inside = reader.run(log.log_no, seq - 1, FORKS_PER_LOG_MAX, _READ_BYTES_MAX)
    note = reader.get(Meta, settled_meta(log.key.author, log.log_id))
    return Case(log, seq, inside, beside, note is not None and int(note.value) <= seq)


def find_case(reader: Reader, word: str) -> Case:
    """The fork of the log with this id or prefix, or the only one; NotFoundError, InputError (several fit)."""
    text = word.strip().lower()
    if text and (len(text) < _PREFIX_DIGITS_MIN or set(text) - set("0123456789abcdef")):
        raise InputError("不是日志标识", field="LOG", value=word, remedy="写标识或至少前4位，见 dulian fork list")
    found = [case for case in cases(reader) if case.log.log_id.hex().startswith(text)]
    if not found:
        raise NotFoundError("没有这个分叉", field="LOG", value=word or None, remedy="用 dulian fork list 查看")
    if len(found) > 1:
        names = "、".join(case.name for case in found[:5])
        raise InputError(f"有多个分叉符合：{names}", field="LOG", value=word or None, remedy="写明日志标识")
    return found[0]


# -- questions --------------------------------------------------------------------------------------------------------


def list_forks(reader: Reader, view: View, args: Args) -> list[dict[str, object]]:
    """`fork list`."""
    del args
    return [_document(case, view) for case in cases(reader)]


def show_fork(reader: Reader, view: View, args: Args) -> dict[str, object]:
    """`fork show`: every record of either branch from the fork on."""
    case = find_case(reader, take(args, "log"))
    kept = {row.record_id for row in case.inside}
    rows: list[Row] = [*case.inside, *case.beside]
    records = []
    for row in sorted(rows, key=lambda row: (row.seq, row.record_id not in kept, row.record_id)):
        header = decode(row.header)
        records.append({
            "seq": row.seq, "id": row.record_id.hex(), "branch": "here" if row.record_id in kept else "other",
            "kind": header.kind, "kind_label": label_of(header.kind), "item": header.item.hex() or None,
            "claimed_at": iso(header.claimed_ms), "received_at": iso(row.received_ms),
        })  # fmt: skip
    return {**_document(case, view), "records": records}


def export_proof(reader: Reader, view: View, args: Args) -> dict[str, object]:
    """`fork export`: the proof as text, for the command line to write."""
    case = find_case(reader, take(args, "log"))
    left, right = case.rivals[:2]
    sides = (Envelope(left.header, left.signature, None, None), Envelope(right.header, right.signature, None, None))
    headers = [decode(side.header) for side in sides]
    chain: list[Envelope] = []
    for header in headers:
        chain += [one for one in _certificates(reader, header) if one not in chain]
    text = proofs.to_json(proofs.Proof(tuple(chain), sides), headers[0].federation)
    return {**_document(case, view), "root": headers[0].federation.hex(), "proof": text}


def _document(case: Case, view: View) -> dict[str, object]:
    key = case.log.key
    return {
        "log": case.log.log_id.hex(), "author": key.author, "author_name": view.name_of(key.author),
        "epoch": key.epoch, "line": list(key.line.path), "subtree": key.line.subtree, "seq": case.seq,
        "records": len(case.inside) + len(case.beside), "own": key.author == view.office, "settled": case.settled,
        "known_since": iso(min(row.received_ms for row in case.beside)),
        "ids": [row.record_id.hex() for row in case.rivals],
    }  # fmt: skip


def _certificates(reader: Reader, header: Header) -> list[Envelope]:
    """The certificates root … author of the key that signed this header; NotFoundError where one is missing."""
    known: dict[bytes, list[tuple[Envelope, Header, Certificate]]] = {}
    suites = Suites([Ed25519Sha256()])
    for envelope in _stored_certificates(reader):
        issued = decode(envelope.header)
        try:
            said = payloads.decode(issued.kind, envelope.payload or b"")
            key_id = key_id_of(suites.get(said.suite), said.raw_key) if isinstance(said, Certificate) else b""
        except PeerError:
            continue  # without effect when it came in, and so it is here
        if isinstance(said, Certificate):
            known.setdefault(key_id, []).append((envelope, issued, said))
    above = header.line.path[: header.line.path.index(header.author) + 1]
    key_id, code, chain = header.key_id, header.author, list[Envelope]()
    while len(chain) < _CHAIN_MAX:
        fitting = [one for one in known.get(key_id, []) if one[2].code == code]
        fitting = [one for one in fitting if chain or one[2].path[-len(above) :] == above]
        if not fitting:
            break
        envelope, issued, _ = fitting[0]
        chain.insert(0, envelope)
        if issued.key_id == key_id:
            return chain
        key_id, code = issued.key_id, issued.author
    raise NotFoundError("本机缺少签发单位的证书，不能出具证明", field="LOG", remedy="与上级联通取回证书后重试")


def _stored_certificates(reader: Reader) -> Iterable[Envelope]:
    yield from load_chain(reader)
    for log in reader.logs():
        after = 0
        while log.key.line.subtree and (rows := reader.run(log.log_no, after, _PAGE, _PAGE_BYTES)):
            for row in rows:
                envelope = Envelope(row.header, row.signature, row.salt, row.payload)
                if decode(row.header).kind == Kind.CERTIFICATE:
                    yield envelope
            after = rows[-1].seq


# -- settling ---------------------------------------------------------------------------------------------------------


def settle(office: Office, args: Args, caller: Caller) -> dict[str, object]:
    """`fork settle`: a new epoch that names the forked logs; what is to go on is declared again in it."""
    del caller
    keep = take(args, "keep") or "both"
    if keep not in KEEPS:
        raise InputError("不知道保留哪一份", field="--keep", value=keep, remedy="写 both、here 或 other")
    chosen = _chosen(office, take(args, "log"))
    office.author.check_may_write()
    again: list[Record] = []
    for case in chosen:
        again += _to_declare(office, case, keep)
    heads = [KnownHead(case.log.log_id, row.seq, row.record_id) for case in chosen for row in case.rivals]
    begun = office.author.begin_epoch(SETTLE, heads[:_HEADS_MAX])
    office.forks.epoch_begun(begun)
    for record in sorted(again, key=lambda record: (record.header.hlc_ms, record.header.hlc_count)):
        office.author.reissue(record)
    return {
        "epoch": office.author.epoch, "reissued": len(again), "keep": keep,
        "logs": [case.log.log_id.hex() for case in chosen],
    }  # fmt: skip


def _chosen(office: Office, word: str) -> list[Case]:
    office.logs.flush()
    if word == "all":
        me = office.identity.code
        found = [case for case in cases(office.store) if case.log.key.author == me and not case.settled]
        if not found:
            raise NotFoundError("本单位没有未处置的分叉", field="LOG", value=word, remedy="用 dulian fork list 查看")
        return found[: _HEADS_MAX // 4]
    case = find_case(office.store, word)
    if case.log.key.author != office.identity.code:
        author = case.log.key.author
        raise ForbiddenError(
            f"分叉由 {author} 造成，只能由该单位处置", code="not_own", field="LOG", value=word,
            remedy=f"督促 {author} 查明并执行 dulian fork settle；证明可用 dulian fork export 导出",
        )  # fmt: skip
    if case.settled:
        raise InputError("该分叉已经处置", field="LOG", value=word, remedy="用 dulian fork show 查看")
    return [case]


def _to_declare(office: Office, case: Case, keep: str) -> list[Record]:
    """What stands on the branches to be kept, whole, and was not declared again in a later epoch."""
    rows: list[Row] = [*(case.inside if keep != "other" else []), *(case.beside if keep != "here" else [])]
    done = _declared_again(office, case.log.key)
    found = []
    for row in rows:
        envelope = Envelope(row.header, row.signature, row.salt, row.payload)
        record = open_envelope(office.keyring.suites, envelope)
        original = record.header.reissue_of or record.record_id
        if record.header.kind != Kind.EPOCH and envelope.payload is not None and original not in done:
            done.add(original)
            found.append(record)
    return found


def _declared_again(office: Office, key: LogKey) -> set[bytes]:
    """The originals that this office has declared again on this line since."""
    found: set[bytes] = set()
    for log in office.logs.index.author(key.author):
        if log.key.line != key.line or log.key.epoch <= key.epoch:
            continue
        after = 0
        while rows := office.store.run(log.log_no, after, _PAGE, _PAGE_BYTES):
            found |= {original for row in rows if (original := decode(row.header).reissue_of)}
            after = rows[-1].seq
    return found


COMMANDS: Mapping[str, Command] = {"fork.settle": settle}
QUESTIONS: Mapping[str, Question] = {"fork.list": list_forks, "fork.show": show_fork, "fork.export": export_proof}

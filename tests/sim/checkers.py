"""Independent checks at the end of a simulation: what every tree of nodes must look like once it has agreed."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Any

from node.items.fold import EFFECTIVE, fold
from node.records.kinds import Kind
from node.records.line import Line
from node.services.board.project import read_facts
from node.services.care.status import status_document
from node.storage.port import BlobRef, BlobRow, BoardQuery
from tests.sim import forked as forks
from tests.sim.journal import BrokenPromise

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation
    from tests.sim.world import Machine

# Written from domain.md section 3, apart from the table of the code.
FROM_ABOVE = frozenset({
    Kind.INSIST, Kind.REASSIGN, Kind.CHANGE, Kind.RETURN, Kind.ACCEPT, Kind.CLOSE, Kind.URGE, Kind.CANCEL,
    Kind.TAKE_OVER, Kind.EXT_DECISION, Kind.EXEMPT, Kind.VERIFY, Kind.COMPLETE, Kind.ARCHIVE, Kind.ENCLOSE,
    Kind.REINSPECT, Kind.SLIP, Kind.JUSTIFY_DECISION, Kind.ORDER, Kind.NOTICE, Kind.INTERVIEW, Kind.SCORE,
})  # fmt: skip
FROM_RECEIVER = frozenset({
    Kind.DELIVERED, Kind.SIGN, Kind.REFUSE, Kind.DECOMPOSE, Kind.PROGRESS, Kind.EVIDENCE, Kind.FINAL, Kind.HANDLE,
    Kind.WARN, Kind.EXT_REQUEST, Kind.JUSTIFY,
})  # fmt: skip


def difference(sim: Simulation, healed_ms: int) -> str:
    """What still differs between neighbours, empty once all agree (G3)."""
    forked = sim.watch.forked_logs()
    for machine in sim.machines.values():
        if machine.inbox or machine.office.has_followups():
            return f"{machine.code} is busy"
        if machine.office.author.recovering:
            return f"{machine.code} is recovering"
        if machine.parent:
            found = _link_difference(sim.machines[machine.parent], machine, forked)
            if found:
                return found
        for row in machine.store.rows(BlobRow, present=False):
            if _can_be_fetched(sim, machine, row, forked):
                return f"{machine.code} lacks an attachment"
        for below in sim.machines.values():
            if machine.code in below.path[:-1]:
                as_of_ms = machine.office.marks.as_of_ms(below.code)
                if as_of_ms < healed_ms:
                    return f"{machine.code} shows {below.code} as of {healed_ms - as_of_ms} ms before all was healed"
    return forks.difference(sim)


def _link_difference(upper: Machine, lower: Machine, forked: set[bytes]) -> str:
    sessions = upper.office.links.session_of(lower.code), lower.office.links.session_of(upper.code)
    if not all(session is not None and session.synced for session in sessions):
        return f"{lower.code} and {upper.code} are not connected"
    heads = []
    for mine, peer in ((upper, lower), (lower, upper)):
        logs = mine.office.logs.index.link(peer.code)
        heads.append({log.log_id: (log.seq, log.head_id) for log in logs if log.seq and log.log_id not in forked})
    if heads[0] != heads[1]:
        union = sorted(heads[0].keys() | heads[1].keys())
        different = [log_id for log_id in union if heads[0].get(log_id) != heads[1].get(log_id)]
        key = (upper.office.logs.index.get(different[0]) or lower.office.logs.index.get(different[0])).key
        return f"{lower.code} and {upper.code} differ in {len(different)} logs, e.g. {key}"
    for mine, peer in ((upper, lower), (lower, upper)):
        [link] = [link for link in _status(mine)["links"] if link["office"] == peer.code]
        if link["to_send"]:
            return f"{mine.code} shows {link['to_send']} records still to send to {peer.code}, which holds all of them"
        if (link["state"], link["to_receive"]) != ("synced", 0):
            return f"{mine.code} shows its link to {peer.code} as {link['state']}, {link['to_receive']} to receive"
    return ""


def _status(machine: Machine) -> Any:
    """The document of `status`, as operators see it."""
    return status_document(machine.office)



def _can_be_fetched(sim: Simulation, machine: Machine, row: BlobRow, forked: set[bytes]) -> bool:
    """Whether somebody has it, and a record of a log that is not forked names it."""
    index = machine.office.logs.index
    named = any(index.by_no(ref.log_no).log_id not in forked for ref in machine.store.rows(BlobRef, hash=row.hash))
    return named and any(other.blobs.present(row.hash) for other in sim.machines.values())


def check_all(sim: Simulation, settled: Container[bytes] = ()) -> None:
    """All of them; ``settled``: forked logs whose alarms have ended."""
    sim.watch.forget_lost()
    for machine in sim.machines.values():
        machine.store.check_journal()
        _check_runs(machine)
        _check_audit(machine)
        _check_rebuild(sim, machine)
        _check_authority(machine)
        _check_attachments(machine)
        _check_keyring(sim, machine)
    _check_holders(sim)
    forks.check(sim, settled)
    _check_digests(sim)


def _check_runs(machine: Machine) -> None:
    """A night is written down once for each business date, whatever clock and power did (C8, K6)."""
    again = [run for run, count in machine.store.runs.items() if count > 1]
    if again:
        raise BrokenPromise(f"{machine.code} ran a night twice: {again[0]}")


def _check_audit(machine: Machine) -> None:
    """Every signature, chain, payload, head and board row, one by one (G4)."""
    result = machine.audit()
    if not result["ok"]:
        raise BrokenPromise(f"verify at {machine.code}: {result['findings'][:3]}")


def _check_rebuild(sim: Simulation, machine: Machine) -> None:
    """The board is rebuilt from records alone (I7, R9)."""
    sim.counters["rebuilt"] += 1
    before = {row.item_id: row._replace(item_no=0) for row in machine.store.board_query(BoardQuery())}
    machine.store.begin(durable=False)
    machine.office.projector.rebuild()
    machine.store.commit(durable=False)
    machine.office.projector.changed.clear()
    machine.office.projector.new_blobs.clear()
    after = {row.item_id: row._replace(item_no=0) for row in machine.store.board_query(BoardQuery())}
    if before != after:
        wrong = next(item for item in before.keys() | after.keys() if before.get(item) != after.get(item))
        raise BrokenPromise(f"{machine.code}: rebuilt {after.get(wrong)}, was {before.get(wrong)}")


def _check_authority(machine: Machine) -> None:
    """A superior's kinds have effect only from above, a receiver's only from the receiver (I6, G5)."""
    rows = machine.store.board_query(BoardQuery())
    facts = read_facts(machine.store, [row.item_id for row in rows])
    for row in rows:
        state = fold(row.item_id, facts[row.item_id])
        path = row.path.split("/")
        for fact in facts[row.item_id]:
            if state.effects[fact.record_id] not in EFFECTIVE or fact.kind in (Kind.REGISTER, Kind.ASSIGN):
                continue
            above = row.kind == "registered" or fact.author in path[: path.index(row.receiver)]
            if fact.kind in FROM_ABOVE and not above:
                raise BrokenPromise(f"{machine.code}: kind {fact.kind} of {fact.author} has effect on its own task")
            if fact.kind in FROM_RECEIVER and fact.author != row.receiver:
                raise BrokenPromise(f"{machine.code}: kind {fact.kind} of {fact.author} has effect for {row.receiver}")
            if tuple(fact.line.path) != tuple(path):
                raise BrokenPromise(f"{machine.code}: a record off the item's line has effect")


def _check_attachments(machine: Machine) -> None:
    """What is here is whole, and a record held here names it (G9)."""
    named = {ref.hash for ref in machine.store.rows(BlobRef)}
    for hash_ in machine.blobs.whole:
        row = machine.store.get(BlobRow, hash_)
        if row is None:
            continue  # added by a command that was refused, or lost with a crash
        if hash_ not in named or not machine.blobs.check(hash_, row.salt):
            raise BrokenPromise(f"{machine.code} holds an attachment it should not, or a wrong one")


def _check_keyring(sim: Simulation, machine: Machine) -> None:
    """Nobody certified another's office away."""
    for code, key in machine.office.keyring.offices().items():
        office = sim.machines.get(code)
        if office is None or not sim.watch.may_know(machine, Line(office.path[:-1] or office.path, subtree=True)):
            continue
        if key.path != office.path:
            raise BrokenPromise(f"{machine.code} believes that {code} stands at {key.path}")


def _check_holders(sim: Simulation) -> None:
    """Every record is where its line says, byte for byte (G1, G3); numbers have no gaps and no seconds (G6)."""
    forked = sim.watch.forked_logs()
    for machine in sim.machines.values():
        held = {row.record_id for row in machine.store.journal.values()}
        for record_id, header in sim.watch.headers.items():
            if header.log_id not in forked and sim.watch.may_know(machine, header.line) and record_id not in held:
                raise BrokenPromise(f"{machine.code} lacks record {header.seq} of {header.log_key}")


def _check_digests(sim: Simulation) -> None:
    """digest(item) is equal at every holder (I7), but for items with records of a log that is torn for good."""
    forked = forks.torn(sim)
    torn = {header.item for header in sim.watch.headers.values() if header.log_id in forked}
    torn |= {record_id for record_id, header in sim.watch.headers.items() if header.log_id in forked}
    seen: dict[str, tuple[str, str]] = {}
    for machine in sim.machines.values():
        for item, digest in machine.digests().items():
            known = seen.setdefault(item, (digest, machine.code))
            if known[0] != digest and bytes.fromhex(item) not in torn:
                raise BrokenPromise(f"{machine.code} and {known[1]} have different digests of {item}")

"""What only the core knows of its links at a moment, taken in one step for `doctor` and the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from node.services.care.doctor_facts import Linked
from node.services.care.status import link_document, neighbours, standing, unsent
from node.storage.port import Alarm, Peer

if TYPE_CHECKING:
    from node.services.office import Office


class Link(NamedTuple):
    """A neighbour; times in ms, 0 = never."""

    linked: Linked
    to_receive: int
    reconciled_ms: int

    @property
    def office(self) -> str:
        """The neighbour's code."""
        return self.linked.office

    @property
    def to_send(self) -> int:
        """Records it has not receipted."""
        return self.linked.to_send

    @property
    def oldest_unsent_ms(self) -> int:
        """When the oldest of them was taken in."""
        return self.linked.oldest_unsent_ms

    @property
    def as_of_ms(self) -> int:
        """数据截至 of a child."""
        return self.linked.as_of_ms

    @property
    def last_contact_ms(self) -> int:
        """When it was last heard."""
        return self.linked.last_contact_ms

    @property
    def quarantined(self) -> str:
        """Why it is set apart, empty where it is not."""
        return self.linked.quarantined


class Watched(NamedTuple):
    """All of it."""

    links: tuple[Link, ...]
    skew_ms: int | None
    recovering: str
    parked: int
    repaired: int
    alarms: tuple[Alarm, ...]


def watch(office: Office) -> Watched:
    """In the core."""
    links = tuple(_link(office, peer, role) for peer, role in neighbours(office))
    alarms = tuple(standing(office))
    parked = sum(alarm.code == "rejected_log" for alarm in alarms)
    return Watched(
        links, office.author.measured_ms, office.author.recovering, parked, office.repairs.repaired.total(),
        alarms,
    )  # fmt: skip


def _link(office: Office, peer: str, role: str) -> Link:
    session, row = office.links.session_of(peer), office.store.get(Peer, peer)
    said = link_document(office, peer, role)
    count, oldest_ms = unsent(office, peer)
    hello = session.machine.peer_hello if session is not None else None
    ahead = 0
    if session is not None:
        for log_id, seq in session.machine.behind.items():
            log = office.logs.index.get(log_id)
            if log is not None and log.key.author == office.identity.code:
                ahead += max(0, seq - log.seq)
    linked = Linked(
        peer, role, str(said["state"]), session is not None,
        office.links.last_contact.get(peer, row.last_contact_ms if row else 0),
        office.marks.as_of_ms(peer) if role == "child" else 0, count, oldest_ms,
        row.quarantined if row else "", hello.software if hello else "",
        (hello.version_min, hello.version_max) if hello else (0, 0), ahead,
    )  # fmt: skip
    to_receive = said["to_receive"]
    assert isinstance(to_receive, int)  # noqa: S101 - what link_document says
    return Link(linked, to_receive, row.reconciled_ms if row else 0)

"""What only the core knows of its links at a moment, taken in one step for `doctor` and the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from node.services.care.doctor_facts import Linked
from node.services.care.status import Standing, link_standings, neighbours, standing
from node.storage.port import Alarm

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
    links = neighbours(office)
    found = link_standings(office, links)
    alarms = tuple(standing(office))
    parked = sum(alarm.code == "rejected_log" for alarm in alarms)
    return Watched(
        tuple(_link(office, peer, role, one) for (peer, role), one in zip(links, found, strict=True)),
        office.author.measured_ms, office.author.recovering, parked, office.repairs.repaired.total(), alarms,
    )  # fmt: skip


def _link(office: Office, peer: str, role: str, found: Standing) -> Link:
    session, row = office.links.session_of(peer), found.row
    hello = session.machine.peer_hello if session is not None else None
    ahead = 0
    if session is not None:
        for log_id, seq in session.machine.behind.items():
            log = office.logs.index.get(log_id)
            if log is not None and log.key.author == office.identity.code:
                ahead += max(0, seq - log.seq)
    linked = Linked(
        peer, role, str(found.document["state"]), session is not None,
        office.links.last_contact.get(peer, row.last_contact_ms if row else 0),
        office.marks.as_of_ms(peer) if role == "child" else 0, found.unsent, found.oldest_unsent_ms,
        row.quarantined if row else "", hello.software if hello else "",
        (hello.version_min, hello.version_max) if hello else (0, 0), ahead,
    )  # fmt: skip
    return Link(linked, found.to_receive, row.reconciled_ms if row else 0)

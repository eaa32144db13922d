"""The board's row of an item: what the fold and the tally of its facts make of it. Pure."""

from __future__ import annotations

from node.items.digest import digest
from node.items.fold import ItemState
from node.items.lights import day_of
from node.items.marks import Tally
from node.items.rollup import FINISHED
from node.records.payload import ROLE_NAMES
from node.records.track import Terms
from node.storage.port import BoardRow
from node.storage.rows import DATED_BY_UNIT, EXEMPT, HIDDEN, PROVISIONAL, UNCLEAR

_NO_TERMS = Terms()


def row_of(state: ItemState, item_no: int, opened: tuple[int, int], tally: Tally) -> BoardRow:
    """The board's row of an item; ``opened`` is its opening's (log_no, seq)."""
    opening, tracks, counters = state.opening, state.tracks, state.counters
    terms = opening.terms if opening is not None and opening.terms is not None else _NO_TERMS
    marks = tally.marks(state)
    flags = EXEMPT * bool(tracks.exempt) + UNCLEAR * tracks.unclear
    flags += HIDDEN * (terms.hidden and not tracks.revealed) + PROVISIONAL * terms.provisional + tally.papers
    flags += DATED_BY_UNIT * tally.dated_by_unit(state)
    return BoardRow(
        item_no=item_no,
        item_id=state.item_id,
        parent=state.parent,
        number=opening.number if opening else "",
        title=opening.title if opening else "",
        kind=state.kind,
        issuer=state.issuer,
        receiver=state.receiver,
        role=ROLE_NAMES.get(state.role, "") if state.kind == "assignment" else "",
        path="/".join(state.line.path) if state.line else "",
        subtree=bool(state.line and state.line.subtree),
        state=state.state or "",
        due_day=state.due_day,
        percent=100 if state.state in FINISHED else state.percent,
        digest=digest(state),
        opened_log_no=opened[0],
        opened_seq=opened[1],
        updated_ms=state.updated_ms,
        successor=state.successor,
        item_class=terms.item_class,
        source=opening.source if opening else "",
        subject=terms.subject,
        target=terms.target,
        unit="、".join([handler.unit for handler in tracks.handlers if handler.unit]),
        colour=tracks.colour,
        extension=tracks.extension.state,
        flags=flags,
        strength=terms.strength,
        warn_days=terms.warn_days,
        opened_day=day_of(state.opened_ms),
        submitted_day=day_of(state.submitted_ms) if state.submitted_ms else 0,
        leader=terms.leader,
        frequency=tally.frequency or terms.frequency,
        plan_year=terms.plan_year,
        work_line=terms.work_line,
        delivered_day=marks.delivered,
        signed_day=marks.signed,
        reported_day=marks.reported,
        finished_day=marks.finished,
        first_due_day=marks.first_due,
        submissions=counters.submissions,
        returns=counters.returns,
        urges=counters.urges,
        grants=tracks.extension.grants,
        slips=",".join([slip.colour for slip in tracks.slips]),
    )

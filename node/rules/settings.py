"""Settings of a rules profile that stand alone: where the office is, who sees what, reports, decomposition, reminders.

As in `node.rules.values`, of which this is the rest.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool

from node.rules import words
from node.rules.values import Applies, Label, Part, PeriodSpec, Quoted, among


class Scope(Part):
    """A visibility class within the office 知悉范围, and the papers that are kept to it (A21, R114, R116)."""

    id: Annotated[str, among(words.SCOPES)]
    label: Label
    papers: Annotated[tuple[Literal["refer", "negative", "special"], ...], Field(max_length=10)] = ()


class Grain(Quoted):
    """Into what a task is decomposed 任务分解 (R29); without ``applies`` it is told and asked of nobody."""

    horizon: Annotated[str, among(words.HORIZONS)]
    into: Literal["年", "季", "月", "周"]
    applies: Applies | None = None


class Reports(Quoted):
    """What a report must contain, each part (R87): of items it applies to, and where a cadence of reports was set."""

    applies: Applies = Applies()
    parts: Annotated[tuple[Label, ...], Field(max_length=10)]


class Reminders(Part):
    """When the software reminds: so long before the due day, and on it."""

    before_due: PeriodSpec
    on_due: StrictBool = True


class Levels(Part):
    """Where the office stands."""

    node: Annotated[str, among(words.LEVELS)]
    up: Annotated[str, among(words.LEVELS)] | None = None
    down: Annotated[tuple[Annotated[str, among(words.LEVELS)], ...], Field(max_length=5)] = ()

"""The parts of a rules profile 规则档案, as frozen values checked on construction.

1. An unknown key is an error, a number is never guessed from a text, every list and text is bounded.
2. A part that copies a document carries the document's own words (``sentence``), its seed and its requirement numbers.
3. What a part says is data; what follows from it is computed in `node.rules.explain`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    model_validator,
)

from node.errors import InputError
from node.records.payload import FORBIDDEN
from node.rules import words
from node.rules.period import Cadence, Period, Unit, WeekIs, check_month_day

ID_CHARS_MAX = 64
LABEL_CHARS_MAX = 100
SENTENCE_CHARS_MAX = 600
SEVERAL_MAX = 40  # roles of a step, alternatives of a need, columns of a ledger
STEPS_MAX = 20


def _clean(text: str) -> str:
    bad = FORBIDDEN.search(text)
    if bad or "\n" in text or "\t" in text:
        raise ValueError("含有换行或不可见字符")
    return unicodedata.normalize("NFC", text)


def _month_day(text: str) -> str:
    try:
        return check_month_day(text)
    except InputError as error:
        raise _in_place(error) from error


def _in_place(error: InputError) -> ValueError:
    """The same trouble as pydantic wants it, so that it comes back with the path of the key."""
    return ValueError(f"{error.text}；{error.remedy}")


def among(table: object) -> AfterValidator:
    """A word of this table; the error names the words there are."""

    def check(word: str) -> str:
        if word not in table:  # type: ignore[operator]
            raise ValueError(f"不认识；可用：{'、'.join(w for w in table if w)}")  # type: ignore[attr-defined]
        return word

    return AfterValidator(check)


Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=ID_CHARS_MAX)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=LABEL_CHARS_MAX), AfterValidator(_clean)]
Sentence = Annotated[str, StringConstraints(max_length=SENTENCE_CHARS_MAX), AfterValidator(_clean)]
Seed = Annotated[str, StringConstraints(pattern=r"^[0-9]{0,3}$")]
Ref = Annotated[str, StringConstraints(pattern=r"^[RA][0-9]{1,3}$")]
MonthDay = Annotated[str, AfterValidator(_month_day)]
Start = Annotated[str, among(words.START_EVENTS)]
ActName = Annotated[str, among(words.ACTS)]
Verb = Annotated[str, among(words.VERBS)]
Subject = Annotated[str, among(words.SUBJECTS)]
Origin = Annotated[str, among(words.ORIGINS)]
Line = Annotated[str, among(words.LINES)]
Colour = Annotated[str, among(words.COLOURS)]
Need = Annotated[str, among({**words.COLOURS, **words.FACTS})]
Strength = Literal["must", "general", "principle", "none"]


class Part(BaseModel):
    """Base of all parts: frozen, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Quoted(Part):
    """A part that comes from a document: its words, its seed number (``003``), its requirements (``R51``)."""

    sentence: Sentence = ""
    seed: Seed = ""
    refs: Annotated[tuple[Ref, ...], Field(max_length=SEVERAL_MAX)] = ()


class PeriodSpec(Part):
    """A period as it is written: ``{n = 15, unit = "工作日"}``."""

    n: StrictInt
    unit: Unit

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        try:
            _ = self.value
        except InputError as error:
            raise _in_place(error) from error
        return self

    @property
    def value(self) -> Period:
        """The period itself."""
        return Period(self.n, self.unit)


class CadenceSpec(Part):
    """A cadence as it is written: ``{every = "月", day = 31}``."""

    every: Literal["年", "半年", "季", "月", "周"]
    day: StrictInt = 0
    month: StrictInt = 0
    dates: Annotated[tuple[MonthDay, ...], Field(max_length=24)] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        try:
            _ = self.value
        except InputError as error:
            raise _in_place(error) from error
        return self

    @property
    def value(self) -> Cadence:
        """The cadence itself."""
        return Cadence(self.every, self.day, self.month, self.dates)


class Applies(Part):
    """Where a part applies. An empty list is no condition; all conditions must hold; within a list one suffices."""

    source: Annotated[tuple[Id, ...], Field(max_length=SEVERAL_MAX)] = ()
    class_: Annotated[tuple[Id, ...], Field(max_length=SEVERAL_MAX, alias="class")] = ()
    origin: Annotated[tuple[Origin, ...], Field(max_length=SEVERAL_MAX)] = ()
    line: Annotated[tuple[Line, ...], Field(max_length=SEVERAL_MAX)] = ()

    def match(self, *, source: str = "", class_: str = "", origin: str = "", line: str = "") -> int:
        """How many conditions hold, or -1 if one does not. More conditions are more specific."""
        pairs = ((self.source, source), (self.class_, class_), (self.origin, origin), (self.line, line))
        if any(asked and given not in asked for asked, given in pairs):
            return -1
        return sum(bool(asked) for asked, _given in pairs)


class TimeRule(Quoted):
    """A time limit 时限规则: by when which act is due, counted from which event.

    At most one of ``period``, ``fixed``, ``cadence``. None of them: the document leaves the day to the one who assigns.
    ``local_default``: the document gives no figure (及时、适时), the office chose this one; shown as 本地默认 (A14).
    """

    id: Id
    title: Label
    start: Start
    act: ActName
    period: PeriodSpec | None = None
    fixed: Annotated[tuple[MonthDay, ...], Field(max_length=24)] = ()
    cadence: CadenceSpec | None = None
    covers: Annotated[str, among(words.COVERS)] = ""
    strength: Strength = "must"
    local_default: StrictBool = False
    applies: Applies = Applies()
    roll: StrictBool | None = None
    count_start: StrictBool = False
    week_is: WeekIs = "日"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum((self.period is not None, bool(self.fixed), self.cadence is not None)) > 1:
            raise ValueError("period、fixed、cadence只能写一种")
        if self.period is None and (self.count_start or self.week_is != "日"):
            raise ValueError("count_start和week_is只用于period")
        if (self.cadence is not None) != (self.start == "PERIOD") and not self.fixed:
            raise ValueError("start写PERIOD的，应写cadence或fixed；写cadence的，start应写PERIOD")
        return self

    @property
    def rolls(self) -> bool:
        """Whether a holiday moves the last day: by default for periods, not for printed dates."""
        return self.period is not None if self.roll is None else self.roll

    @property
    def by_document(self) -> bool:
        """Whether the rule gives no figure: the day stands in the assignment."""
        return self.period is None and not self.fixed and self.cadence is None


class Step(Part):
    """A step of a chain: all ``roles`` in any order, or with ``any_one`` one of them; then the next step."""

    roles: Annotated[tuple[Id, ...], Field(min_length=1, max_length=SEVERAL_MAX)]
    verb: Verb
    any_one: StrictBool = False


class Chain(Quoted):
    """An approval chain 审批流程, in order. ``informs`` are roles the result is sent to afterwards.

    ``titles``, of subject offplan alone: what is called so (its title, source or class) is supervision, which the
    chain reviews where it stands in no plan (R25).
    """

    id: Id
    title: Label
    subject: Subject
    applies: Applies = Applies()
    steps: Annotated[tuple[Step, ...], Field(max_length=STEPS_MAX)] = ()
    informs: Annotated[tuple[Id, ...], Field(max_length=SEVERAL_MAX)] = ()
    titles: Annotated[tuple[Label, ...], Field(max_length=SEVERAL_MAX)] = ()

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.steps and not self.informs:
            raise ValueError("steps和informs不能都空")
        if self.titles and self.subject != "offplan":
            raise ValueError("titles只用于offplan")
        return self

    def pending(self, done: Sequence[str]) -> tuple[int, tuple[str, ...]]:
        """Given who approved, in order: the index of the open step and the roles it waits for; (len, ()) when through.

        A role in ``done`` that the open step does not wait for counts for nothing.
        """
        index, waiting = 0, self._waiting(0)
        for role in done:
            if role not in waiting:
                continue
            waiting = () if self.steps[index].any_one else tuple(r for r in waiting if r != role)
            if not waiting:
                index += 1
                waiting = self._waiting(index)
        return index, waiting

    def _waiting(self, index: int) -> tuple[str, ...]:
        return self.steps[index].roles if index < len(self.steps) else ()


class Effect(Part):
    """What a slip or a measure brings about: ``kind``, ``to`` whom or what, ``score`` a score rule."""

    kind: Annotated[str, among(words.EFFECTS)]
    to: Label | None = None
    score: Id | None = None

    @model_validator(mode="after")
    def _score_is_named(self) -> Self:
        if (self.kind == "score") != (self.score is not None):
            raise ValueError("kind为score的写明score（记分规则的id），其余不写")
        return self


class Rung(Quoted):
    """A colour of the slip ladder 督办单. All of ``needs`` must hold; of each, one alternative suffices."""

    colour: Colour
    name: Label
    needs: Annotated[
        tuple[Annotated[tuple[Need, ...], Field(min_length=1, max_length=SEVERAL_MAX)], ...], Field(max_length=10)
    ]
    effects: Annotated[tuple[Effect, ...], Field(max_length=SEVERAL_MAX)] = ()
    must_state: Annotated[tuple[Label, ...], Field(max_length=SEVERAL_MAX)] = ()
    may_start: StrictBool = False


class Lights(Part):
    """Thresholds of the 时限灯: yellow begins when this much is left."""

    yellow_within: PeriodSpec


class Extension(Quoted):
    """How more time is asked for 延期 (A12). ``before_due``: at the latest so long before the due day."""

    id: Id
    title: Label
    mode: Literal["notify_only", "approval"]
    applies: Applies = Applies()
    before_due: PeriodSpec | None = None
    max_count: Annotated[StrictInt, Field(ge=0, le=100)] | None = None
    chain: Id | None = None


class Closing(Quoted):
    """What closing needs 销号与归档 (A16): classes that are always verified, the findings, the chain, the archive."""

    verify_required: Annotated[tuple[Id, ...], Field(max_length=SEVERAL_MAX)] = ()
    verify_always: StrictBool = False
    findings: Annotated[tuple[Annotated[str, among(words.FINDINGS)], ...], Field(max_length=10)] = ()
    chain: Id | None = None
    copies: Annotated[StrictInt, Field(ge=1, le=20)] = 1
    manifest: Annotated[tuple[Label, ...], Field(max_length=SEVERAL_MAX)] = ()


class ScoreRule(Quoted):
    """Points ± in the annual assessment. ``points`` none: the document names no figure, the assessors decide (A10)."""

    id: Id
    title: Label
    points: Annotated[Decimal, Field(ge=-100, le=100, decimal_places=2)] | None = None
    sign: Literal["add", "subtract", "both"] = "subtract"
    cause: Label
    base: Label

    @model_validator(mode="after")
    def _sign_fits(self) -> Self:
        if self.points is not None and (self.points > 0) != (self.sign == "add"):
            raise ValueError("points的正负应与sign一致：加分写add，扣分写subtract")
        return self

    @property
    def hundredths(self) -> int | None:
        """The points in hundredths of a point: whole numbers add up alike everywhere."""
        return None if self.points is None else int(self.points * 100)


class Ledger(Quoted):
    """A ledger 台账: its columns and which items stand in it (empty ``filter`` = all)."""

    id: Id
    title: Label
    columns: Annotated[
        tuple[Annotated[str, among(words.LEDGER_COLUMNS)], ...], Field(min_length=1, max_length=SEVERAL_MAX)
    ]
    filter: Applies = Applies()
    keeper: Id | None = None


class Source(Quoted):
    """Where items come from 事项来源; ``line`` the work line it opens, ``handler`` who organises (R26)."""

    id: Id
    label: Label
    line: Line | None = None
    handler: Annotated[str, among(words.HANDLERS)] | None = None
    origin: Annotated[tuple[Origin, ...], Field(max_length=SEVERAL_MAX)] = ()


class ItemClass(Quoted):
    """A class of items 事项类别; ``hidden``: 四不两直, nobody sees one before its result is published (R101)."""

    id: Id
    label: Label
    hidden: StrictBool = False


class Measure(Quoted):
    """A tier or a condition of accountability 问责: which case, which measures, in order of gravity."""

    id: Id
    kind: Literal["tier", "condition", "result"]
    title: Label
    case: Label
    effects: Annotated[tuple[Effect, ...], Field(max_length=SEVERAL_MAX)] = ()


class Quota(Quoted):
    """How often something happens in a period: at least ``minimum``, at most ``maximum`` (none = no bound)."""

    id: Id
    title: Label
    per: Literal["年", "半年", "季", "月"]
    minimum: Annotated[StrictInt, Field(ge=0, le=1000)] = 0
    maximum: Annotated[StrictInt, Field(ge=0, le=1000)] | None = None

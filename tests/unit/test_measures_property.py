"""What the verbs write is what the fold applies: random sequences of verbs at a tree of offices."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import DulianError
from tests.sim.test_smoke import run
from tests.unit.offices import CITY, COUNTY, DUE, EARLIER, LATER, TOWN, Offices

WORDS: dict[str, object] = {"text": "情况", "reason": "理由", "title": "标题"}
NOTHING: dict[str, object] = {}
PLAIN = (
    "submit", "accept", "return", "close", "complete", "archive", "reinspect", "grant", "deny", "note", "exempt",
    "refuse", "insist", "justify", "warn", "refer", "negative", "sign", "urge", "cancel", "bulletin", "special",
)  # fmt: skip
STEPS: list[tuple[str, dict[str, object]]] = [
    *((verb, NOTHING) for verb in PLAIN), ("report", {"percent": 50}), ("verify", {"passed": True}),
    ("verify", {"failed": True}), ("verify", {"start": True}), ("reinspect", {"passed": True}),
    ("extend", {"until": LATER}), ("grant", {"until": DUE}), ("change", {"due": EARLIER}), ("change", {"due": LATER}),
    ("slip", {"colour": "白", "due": DUE}), ("slip", {"colour": "黄", "due": DUE}), ("judge", {"unjustified": True}),
    ("judge", {"justified": True}), ("handle", {"unit": "甲科"}), ("milestone", {"key": "一", "due": EARLIER}),
    ("milestone", {"done": "一"}), ("order", {"due": EARLIER}), ("rectify", {"line": [f"一=甲@乙@丙@{EARLIER}"]}),
    ("rectify", {"report": ["一"]}), ("rectify", {"clear": ["一"]}), ("notice", {"praise": True, "to": [COUNTY]}),
    ("interview", {"person": "李四"}),
]  # fmt: skip
Step = tuple[tuple[str, dict[str, object]], str, int]


@settings(max_examples=12)
@given(st.lists(
    st.tuples(st.sampled_from(STEPS), st.sampled_from((CITY, COUNTY, TOWN)), st.integers(0, 2)), max_size=40
))  # fmt: skip
def test_no_verb_writes_what_the_fold_does_not_apply(plan: list[Step]) -> None:
    """Whoever does whatever in whatever order: it is refused with nothing written, or it counts everywhere alike."""
    offices = Offices()
    offices.publish(offices.city, "xianyang-001")
    made = offices.do(offices.city, "issue", "", title="联合执法", to=[COUNTY, TOWN], lead=COUNTY, due=EARLIER)
    items = [made["item"], *(one["item"] for one in made["assignments"])]
    offices.do(offices.county, "sign", items[1])
    for (verb, args), code, index in plan:
        machine = offices.wire.machines[code]
        before = machine.store.record_count()
        done = True
        try:
            run(machine, f"item.{verb}", item=items[index], **(WORDS | args))
        except DulianError:
            done = False
        assert (machine.store.record_count() > before) == done, (verb, args, code)
        offices.settle()
    offices.agreed()

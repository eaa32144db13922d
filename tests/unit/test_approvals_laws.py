"""Laws of approval, over random attempts of everybody: what is written counts, and nothing else is ever approved."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import DulianError
from node.rules.values import Chain
from node.services.matters.chains import profile_of
from tests.unit.one_office import PEOPLE, county

NAMES = [*["主任", "办主任", "分管"] * 3, *PEOPLE, "承办"]
ATTEMPTS = st.lists(
    st.tuples(st.sampled_from(["item.approve"] * 6 + ["item.reject", "item.propose"]), st.sampled_from(NAMES)),
    max_size=14,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(attempts=ATTEMPTS, drafter=st.sampled_from(["承办", "主任"]))
def test_established_exactly_when_the_chain_is_through(attempts: list[tuple[str, str]], drafter: str) -> None:
    """A7, R48: `Chain.pending` of the profile, told who approved since the last draft, agrees with the fold at every
    step; each record written has effect; the drafter never approves."""
    office = county()
    item = str(office.do("item.register", "承办", title="甲", source="handling.other")["item"])
    office.do("item.propose", drafter, item=item, text="拟办")
    chain: Chain = profile_of(office.machine.office.desk).chain("setup")
    approved: list[str] = []
    for verb, name in attempts:
        try:
            office.do(verb, name, item=item, text="意见", reason="理由")
        except DulianError:
            continue
        if verb == "item.approve":
            assert name != drafter
            approved.append(PEOPLE[name][1])
        elif verb == "item.propose":
            drafter, approved = name, []
        else:
            drafter, approved = "", []
        state = office.state(item)
        step, waiting = chain.pending(approved)
        assert (state.state == "established") == (not waiting and step == len(chain.steps))
        if drafter:
            assert [one.post for one in state.tracks.approval.done] == approved
    effects = {entry["effect"] for entry in office.do("item.show", item=item)["timeline"]}
    assert effects == {"applied"}

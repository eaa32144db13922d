"""The services work together: three real offices enrol, issue, decompose, report, return, accept and close."""

import hashlib
from collections import deque
from typing import Any

import pytest

from node.errors import DulianError, InputError
from node.records import notes
from node.records.keyring import possession_message
from node.records.suite import key_id_of
from node.services.commands import COMMANDS
from node.services.exchange.enrol import LinkCa
from node.services.matters import issuing
from node.services.matters.desk import Caller
from node.services.views.browse import list_items, show_item
from node.wire import codec, credentials
from node.wire.invitation import decode_token
from node.wire.messages import JoinRequest, JoinState
from tests.sim.world import Machine, begin_child, found, signer_for

PROVINCE, CITY, COUNTY = "320000", "320500", "320583"
ME = Caller("张三")
LIFE_MS = 86_400_000


def link_ca(code, now_ms):
    key_pem, certificate = credentials.new_link_ca(code, now_ms)
    return LinkCa(key_pem, certificate, LIFE_MS)


def run(machine, verb, **args):
    """Carry out a command as the command socket does; DulianError where it is refused."""
    answers = []
    office = machine.office
    event = office.command(
        lambda: COMMANDS[verb](office, args, ME), lambda answer, error: answers.append((answer, error))
    )
    out = office.step([event])
    for callback in out.after_commit:
        callback()
    ((answer, error),) = answers
    if error is not None:
        raise error
    machine.sent.append(out)
    return answer


class Wire:
    """Connects machines without delay; frames pass through their bytes."""

    def __init__(self, *machines):
        self.machines = {machine.code: machine for machine in machines}
        self.ends = {}  # (code, number): (code, number) of the other end
        self.frames = 0

    def connect(self, child):
        parent = self.machines[child.parent]
        number = len(self.ends) + 1
        self.ends[child.code, number] = (parent.code, number)
        self.ends[parent.code, number] = (child.code, number)
        tls = [hashlib.sha256(f"{code}/{number}".encode()).digest() for code in (parent.code, child.code)]
        expires_ms = parent.clock.now_ms() + LIFE_MS
        self.step(parent, lambda: parent.office.opened(
            number, child.code, my_tls=tls[0], peer_tls=tls[1], tls_expires_ms=expires_ms))
        self.step(child, lambda: child.office.opened(
            number, parent.code, my_tls=tls[1], peer_tls=b"", tls_expires_ms=expires_ms))
        self.settle()

    def step(self, machine, *events):
        machine.sent.append(machine.office.step(list(events)))

    def settle(self):
        """Run until nobody has anything to say, with a tick of a second whenever it is quiet."""
        for _ in range(5):
            while self.round():
                pass
            next(iter(self.machines.values())).clock.time.ms += 1_000
            for machine in self.machines.values():
                self.step(machine, machine.office.tick)
        while self.round():
            pass

    def round(self):
        queue: deque[Any] = deque()
        for machine in self.machines.values():
            machine.office.project()
            while machine.office.has_followups() or any(out.again for out in machine.sent):
                for out in machine.sent:
                    out.again = False
                self.step(machine)
                machine.office.project()
            for out in machine.sent:
                assert all(reason == "replaced" for _, reason in out.closes), out.closes
                queue += [(machine.code, number, frame) for number, frame in out.frames]
            machine.sent.clear()
        for code, number, frame in queue:
            self.frames += 1
            to, other = self.ends[code, number]
            self.deliver(self.machines[to], other, codec.decode(codec.encode(frame)))
        return bool(queue)

    def deliver(self, machine, number, frame):
        self.step(machine, lambda: machine.office.received(number, frame))


def enrol(parent, code, wire=None):
    """Through invite, join and approve, as between two operators."""
    now_ms = parent.clock.now_ms()
    token = run(parent, "invite", code=code, name=f"{code}人民政府", ttl="24h")["token"]
    invitation = decode_token(token, now_ms)
    signer = signer_for(code, 1, real=True)
    child = Machine((*invitation.parent_path, code), invitation.federation, signer, 1, ca=link_ca(code, now_ms),
                    time=parent.clock.time)
    tls_key = credentials.new_tls_key()
    public = credentials.public_key_der(tls_key)
    proof = possession_message(invitation.federation, code, invitation.parent_path[-1], 1, signer.raw_key)
    request = JoinRequest(
        code, 1, signer.raw_key, signer.sign(proof), public,
        notes.sign_renewal(signer, invitation.federation, notes.Renewal(code, public, now_ms)), child.ca.certificate,
    )
    leaf = credentials.enrolment_leaf(
        credentials.enrolment_key(invitation.secret), code, public, invitation.expires_ms)

    def ask():
        replies = []
        parent.sent.append(parent.office.step([lambda: replies.append(parent.office.enrolment.join(request, leaf))]))
        return replies[0]

    assert ask().state is JoinState.PENDING
    fingerprint = key_id_of(signer.suite, signer.raw_key).hex()
    assert [row["fingerprint"] for row in run(parent, "pending")] == [fingerprint]
    with pytest.raises(DulianError):
        run(parent, "approve", code=code, fingerprint="00" * 32)
    run(parent, "approve", code=code, fingerprint=fingerprint)
    reply = ask()
    assert reply.state is JoinState.ADMITTED
    assert credentials.is_issued_by(reply.tls_certificate, parent.ca.certificate)
    begin_child(child, list(reply.chain))
    return child


@pytest.fixture
def tree():
    root = found(1, PROVINCE, real=True, ca=link_ca(PROVINCE, 1_790_000_000_000))
    city = enrol(root, CITY)
    county = enrol(city, COUNTY)
    wire = Wire(root, city, county)
    wire.connect(city)
    wire.connect(county)
    return wire, root, city, county


def states(machine):
    return {row["title"] + "/" + row["receiver"]: row["state"] for row in machine.items()}


def assert_agreed(*machines):
    """Digests of shared items are equal, and every store is sound."""
    seen: dict[str, str] = {}
    for machine in machines:
        for item, digest in machine.digests().items():
            assert seen.setdefault(item, digest) == digest, (machine.code, item)
        result = machine.audit()
        assert result["ok"], result["findings"]
        assert not machine.office.alarms.standing()
    return seen


def test_a_matter_goes_down_three_levels_and_comes_back(tree):
    wire, root, city, county = tree
    issued = run(root, "item.issue", title="推进简政放权", to=[CITY], requirement="逐项落实", due="2026-12-31")
    wire.settle()
    task = issued["assignments"][0]["item"]
    assert states(city) == {"推进简政放权/320500": "delivered"}
    run(city, "item.sign", item=task)
    below = run(city, "item.decompose", item=task, to=[COUNTY], title="清理审批事项", due="2026-11-30")
    wire.settle()
    child = below["assignments"][0]["item"]
    assert states(root)["清理审批事项/320583"] == "delivered"
    run(county, "item.sign", item=child)
    run(county, "item.report", item=child, text="已清理一半", percent=50)
    wire.settle()
    assert states(root)["清理审批事项/320583"] == "active"
    with pytest.raises(DulianError):
        run(city, "item.submit", item=task, text="下级未结,不能报结")
    run(county, "item.submit", item=child, text="全部清理完毕")
    wire.settle()
    run(city, "item.return", item=child, reason="缺少清单", mode="supplement")
    wire.settle()
    run(county, "item.submit", item=child, text="清单已附")
    wire.settle()
    run(city, "item.accept", item=child)
    run(city, "item.close", item=child)
    run(city, "item.submit", item=task, text="全市完成")
    wire.settle()
    run(root, "item.accept", item=task)
    run(root, "item.close", item=task)
    run(root, "item.close", item=issued["item"])
    wire.settle()
    assert states(root) == {
        "推进简政放权/320000": "closed", "推进简政放权/320500": "closed", "清理审批事项/320583": "closed",
    }
    assert states(county) == {"清理审批事项/320583": "closed"}
    shared = assert_agreed(root, city, county)
    assert len(shared) == 3
    timeline: Any = show_item(root.store, root.office.view(), {"item": child})["timeline"]
    assert {line["effect"] for line in timeline} <= {"applied", "superseded"}
    assert [line["kind_label"] for line in timeline][:3] == ["交办", "送达", "签收"]


def test_links_hold_the_same_and_say_so(tree):
    wire, root, city, county = tree
    run(root, "item.issue", title="一事", to=[CITY, COUNTY], lead=CITY)
    wire.settle()
    for upper, lower in ((root, city), (city, county)):
        mine, theirs = upper.office.logs.index.link(lower.code), lower.office.logs.index.link(upper.code)
        assert mine.root() == theirs.root()
        assert len(mine) == len(theirs) > 0
        assert upper.office.links.session_of(lower.code).machine.is_idle()
        status = run(upper, "status")
        (link,) = [row for row in status["links"] if row["role"] == "child"]
        assert (link["state"], link["to_send"], link["to_receive"]) == ("synced", 0, 0)
        assert upper.office.marks.as_of_ms(lower.code) > 0
    assert root.office.marks.as_of_ms(COUNTY) > 0


def test_skip_level_refused_reassigned_cancelled(tree):
    wire, root, city, county = tree
    task = run(root, "item.issue", title="直接交县", to=[COUNTY])["assignments"][0]["item"]
    wire.settle()
    assert states(city)["直接交县/320583"] == "delivered"
    run(county, "item.refuse", item=task, reason="不属本县职责")
    wire.settle()
    run(root, "item.reassign", item=task, to=[CITY], reason="改由市里办")
    wire.settle()
    assert states(root)["直接交县/320583"] == "cancelled"
    assert states(city)["直接交县/320500"] == "delivered"
    successor = next(row["id"] for row in city.items() if row["receiver"] == CITY)
    run(city, "item.sign", item=successor)
    run(city, "item.assign", item=successor, to=[COUNTY])
    wire.settle()
    assert [row["issuer"] for row in root.items() if row["receiver"] == COUNTY] == [PROVINCE]
    run(root, "item.urge", item=successor, text="请抓紧", channel="phone")
    run(root, "item.cancel", item=successor, reason="任务调整")
    wire.settle()
    assert {row["state"] for row in county.items()} == {"cancelled"}
    assert_agreed(root, city, county)


def test_no_second_open_task_of_one_receiver_under_an_item(tree):
    wire, root, city, county = tree
    made = run(root, "item.issue", title="一事一单", to=[CITY, COUNTY])
    own, (first, second) = made["item"], made["assignments"]
    before = root.office.logs.record_count
    for verb, args in (
        ("item.assign", {"item": own, "to": [CITY]}),
        ("item.reassign", {"item": second["item"], "to": [CITY], "reason": "合并"}),
    ):
        with pytest.raises(InputError) as caught:
            run(root, verb, **args)
        assert (caught.value.field, caught.value.value) == ("--to", CITY)
        assert first["number"] in caught.value.text
        assert first["item"][:12] in caught.value.text
        assert caught.value.remedy
    assert root.office.logs.record_count == before
    wire.settle()
    run(city, "item.sign", item=first["item"])
    run(city, "item.decompose", item=first["item"], title="一事一单", to=[COUNTY])
    with pytest.raises(InputError, match=f"{COUNTY}.*未结任务"):
        run(city, "item.decompose", item=first["item"], title="再分一次", to=[COUNTY])
    # What is over does not stand in the way.
    run(root, "item.cancel", item=second["item"], reason="另行交办")
    [again] = run(root, "item.assign", item=own, to=[COUNTY])["assignments"]
    wire.settle()
    assert [row["id"] for row in county.items() if row["state"] == "delivered" and row["issuer"] == PROVINCE] == [
        again["item"]
    ]


def test_a_reassigned_task_is_called_so_wherever_it_is_shown(tree):
    wire, root, city, _county = tree
    made = run(root, "item.issue", title="改派的说法", to=[CITY, COUNTY])
    task = made["assignments"][0]["item"]
    run(root, "item.cancel", item=made["assignments"][1]["item"], reason="不再需要")
    [successor] = run(root, "item.reassign", item=task, to=[COUNTY], reason="改由县办")["assignments"]
    wire.settle()
    for machine in (root, city):
        reader, view = machine.store.reader(), machine.office.view()
        [row] = [row for row in list_items(reader, view, {}) if row["id"] == task]
        shown = show_item(reader, view, {"item": task})
        for one in (row, shown):
            assert (one["state"], one["state_label"], one["successor"]) == (
                "cancelled", "已改派", successor["item"],
            )  # fmt: skip
    own: Any = show_item(root.store.reader(), root.office.view(), {"item": made["item"]})
    assert {child["state_label"] for child in own["children"]} == {"已送达", "已撤销", "已改派"}


def test_a_refused_command_leaves_no_trace(tree):
    wire, root, _city, county = tree
    before = (root.office.logs.record_count, root.office.logs.hlc)
    event = root.office.command(lambda: issuing.issue(root.office.desk, {"title": "甲", "to": ["999999"]}, ME), print)
    root.office.step([event])
    with pytest.raises(DulianError):
        run(root, "item.issue", title="甲", to=[CITY, CITY])
    with pytest.raises(DulianError):
        run(county, "item.accept", item="0000")
    assert (root.office.logs.record_count, root.office.logs.hlc) == before
    wire.settle()
    assert states(root) == {}

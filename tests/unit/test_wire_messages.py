"""Enrolment and renewal: what goes in comes out, and foreign bytes are accepted or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import PeerError
from node.records.envelope import Envelope
from node.records.notes import Signed
from node.wire import messages, server
from node.wire.v1 import office_pb2, sync_pb2

BYTES = st.binary(max_size=200)
NOTE = st.builds(Signed, BYTES, BYTES)
CODE = st.text(min_size=1, max_size=26)
ENVELOPE = st.one_of(
    st.builds(Envelope, BYTES, BYTES, BYTES, BYTES), st.builds(Envelope, BYTES, BYTES, st.none(), st.none())
)
JOIN = st.builds(messages.JoinRequest, CODE, st.integers(0, 2**32 - 1), BYTES, BYTES, BYTES, NOTE, BYTES)
REPLY = st.builds(
    messages.JoinReply, st.sampled_from(messages.JoinState), st.text(max_size=1_000),
    st.lists(ENVELOPE, max_size=12).map(tuple), BYTES,
)  # fmt: skip
READERS = (
    messages.read_join_request, messages.read_join_reply, messages.read_renew_request, messages.read_renew_reply,
)  # fmt: skip


@given(JOIN, REPLY, NOTE, st.binary(min_size=1, max_size=100))
def test_what_is_written_is_read(request, reply, note, certificate):
    assert messages.read_join_request(messages.write_join_request(request)) == request
    assert messages.read_join_reply(messages.write_join_reply(reply)) == reply
    renewal = messages.RenewRequest(note)
    assert messages.read_renew_request(messages.write_renew_request(renewal)) == renewal
    assert messages.read_renew_reply(messages.write_renew_reply(certificate)) == certificate


@given(JOIN, st.data())
def test_foreign_bytes_are_accepted_or_refused(request, data):
    raw = bytearray(messages.write_join_request(request))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    for read in READERS:
        for broken in (bytes(raw), data.draw(BYTES)):
            try:
                read(broken)
            except PeerError as error:
                if error.code not in {"malformed", "too_large"} or len(error.evidence) > 256:
                    raise


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (messages.read_join_request, office_pb2.JoinRequest()),
        (messages.read_join_request, office_pb2.JoinRequest(code="3" * 27)),
        (messages.read_join_request, office_pb2.JoinRequest(code="3", raw_key=bytes(5_000))),
        (messages.read_join_request, office_pb2.JoinRequest(code="3", link_ca=bytes(9_000))),
        (messages.read_join_request, office_pb2.JoinRequest(code="3", tls_possession={"body": bytes(200_000)})),
        (messages.read_join_reply, office_pb2.JoinReply()),
        (messages.read_join_reply, office_pb2.JoinReply.FromString(b"\x08\x09")),
        (messages.read_join_reply, office_pb2.JoinReply(state="PENDING", chain=[{}] * 13)),
        (messages.read_join_reply, office_pb2.JoinReply(state="PENDING", text="字" * 1_001)),
        (messages.read_renew_reply, office_pb2.RenewReply()),
    ],
)
def test_fields_out_of_bounds_are_malformed(read, message):
    with pytest.raises(PeerError) as caught:
        read(message.SerializeToString())
    assert caught.value.code == "malformed"
    assert caught.value.detail


def test_too_many_bytes_are_refused_unread():
    for read in READERS:
        with pytest.raises(PeerError) as caught:
            read(bytes(messages.UNARY_BYTES_MAX + 1))
        assert caught.value.code == "too_large"


def test_the_services_served_are_those_of_the_protocol():
    methods = {
        service.full_name: sorted(method.name for method in service.methods)
        for file in (sync_pb2, office_pb2) for service in file.DESCRIPTOR.services_by_name.values()
    }  # fmt: skip
    assert methods == {server.LINK: ["Exchange"], server.OFFICE: ["Join", "Renew"]}

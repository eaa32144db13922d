"""A real server and real clients over TLS on loopback: who gets in, and what travels."""

import asyncio
import socket
import ssl
from contextlib import nullcontext

import grpc
import grpc.aio
import pytest

from node.clock import DAY_MS
from node.errors import PeerError, UnreachableError
from node.records.envelope import Envelope
from node.records.notes import Signed
from node.sync import frames
from node.wire import client, codec, credentials, messages, server
from tests.process.wire_office import CLOCK, LIMITS, Ca, Dialled, parent_of, raw_call, refused, serving, until

SECRET = bytes(range(32))


def test_frames_travel_both_ways_in_order_until_one_side_closes():
    async def story():
        ca = Ca("320000")
        async with serving(ca) as office:
            pair = ca.issue("320500")
            child = Dialled(parent_of(office, pair))
            below = await child.ready()
            await until(lambda: office.sessions)
            above = office.sessions[0]
            assert above.peer == pair[1]
            assert below.peer == credentials.tls_sha256(office.secrets.certificate)
            below.sender.send(frames.Ping(number) for number in range(300))
            batch = frames.Batch((Envelope(b"header", b"signature", bytes(32), b"payload"),) * 1000)
            above.sender.send([batch])
            await until(lambda: len(below.frames) == 301)
            assert above.frames == [frames.Ping(number) for number in range(300)]
            assert below.frames[0] == batch
            assert below.frames[1:] == [frames.Pong(number, 7) for number in range(300)]
            assert below.sizes[0] == len(codec.encode(batch))
            below.sender.send([frames.Goodbye("shutdown")])
            assert await child.task == "shutdown"
            await above.ended.wait()
            assert (above.times_lost, below.times_lost) == (1, 1)

    asyncio.run(story())


def test_either_side_can_end_a_stream_and_what_was_queued_arrives():
    async def story():
        ca = Ca("320000")
        async with serving(ca) as office:
            child = Dialled(parent_of(office, ca.issue("320500")))
            below = await child.ready()
            below.sender.send([frames.Ping(1), frames.Ping(2)])
            below.sender.close("bye")
            assert await child.task == "bye"
            await until(lambda: office.sessions and office.sessions[0].ended.is_set())
            assert office.sessions[0].frames == [frames.Ping(1), frames.Ping(2), frames.Goodbye("bye")]
            again = Dialled(parent_of(office, ca.issue("320500")))
            await again.ready()
            await until(lambda: len(office.sessions) == 2)
            again.task.cancel()
            await asyncio.wait({again.task})
            await asyncio.wait_for(office.sessions[1].ended.wait(), 5)
            assert [session.times_lost for session in office.sessions] == [1, 1]

    asyncio.run(story())


def test_a_malformed_frame_ends_the_stream_and_is_kept_as_evidence():
    async def story():
        ca = Ca("320000")
        async with serving(ca) as office:
            parent = parent_of(office, ca.issue("320500"))
            async with client._channel(parent, LIMITS) as channel:
                call = raw_call(channel, f"{server.LINK}/Exchange")()
                await call.write(b"\xff\xff\xff")
                assert codec.decode(await call.read()) == frames.Goodbye("malformed")
                assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT
                assert await call.details() == "malformed"
            [session] = office.sessions
            assert [(error.code, error.evidence) for error in session.refused] == [("malformed", b"\xff\xff\xff")]
            assert session.times_lost == 1

    asyncio.run(story())


def test_only_certificates_of_the_link_ca_get_in():
    async def story():
        ca, other = Ca("320000"), Ca("320000")
        async with serving(ca) as office:
            await refused(parent_of(office, other.issue("320500")), "closed")
            await refused(parent_of(office, ca.issue("320500"), other), "tls")
            old = ca.issue("320500", 3_600_000, now_ms=CLOCK.now_ms() - DAY_MS)
            await refused(parent_of(office, old), "closed")
            wrong = parent_of(office, ca.issue("320500"))._replace(office="330000")
            await refused(wrong, "tls")
            office.refusal = "wrong_office"
            await refused(parent_of(office, ca.issue("320500")), "wrong_office")
            assert not office.sessions

    asyncio.run(story())


def test_no_client_certificate_no_plaintext_no_old_tls(tmp_path):
    async def story():
        ca = Ca("320000")
        async with serving(ca) as office:
            secure = grpc.ssl_channel_credentials(credentials.to_pem(ca.der))
            options = [("grpc.ssl_target_name_override", "320000.dulian")]
            for channel in (
                grpc.aio.secure_channel(f"127.0.0.1:{office.port}", secure, options),
                grpc.aio.insecure_channel(f"127.0.0.1:{office.port}"),
            ):
                async with channel:
                    with pytest.raises(grpc.aio.AioRpcError) as caught:
                        await raw_call(channel, f"{server.OFFICE}/Join")(b"", timeout=10)
                assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            pem = tmp_path / "child.pem"
            key, certificate = ca.issue("320500")
            pem.write_bytes(key + credentials.to_pem(certificate))
            assert await asyncio.to_thread(versions_accepted, office.port, pem) == ["TLSv1.2", "TLSv1.3"]
            assert not office.joins

    asyncio.run(story())


def versions_accepted(port, certificate_file):
    """Which versions of TLS a client with a good certificate can speak."""
    accepted = []
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.set_alpn_protocols(["h2"])
        context.load_cert_chain(certificate_file)
        old = version < ssl.TLSVersion.TLSv1_2
        with pytest.warns(DeprecationWarning, match="TLSv1") if old else nullcontext():
            context.minimum_version = context.maximum_version = version
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as raw, context.wrap_socket(raw) as secure:
                accepted.append(secure.version())
        except (ssl.SSLError, ConnectionResetError):
            continue
    return accepted


def test_a_child_cannot_pass_for_its_parent():
    async def story():
        ca = Ca("320000")
        async with serving(ca) as office:
            # The sibling serves with its own client certificate, even under its parent's name.
            for name in ("320500", "320000"):
                key, certificate = ca.issue(name)
                office.secrets = office.secrets._replace(key_pem=key, certificate=certificate)
                parent = parent_of(office, ca.issue("320200"))._replace(office=name)
                await refused(parent, "tls")

    asyncio.run(story())


JOIN = messages.JoinRequest("320500", 1, b"key", b"proof", b"spki", Signed(b"body", b"signature"), b"ca")


def test_an_invitation_opens_join_and_nothing_else_while_it_is_open():
    async def story():
        ca = Ca("320000")
        key, end_ms = credentials.enrolment_key(SECRET), CLOCK.now_ms() + DAY_MS
        root = credentials.enrolment_certificate(key, "320500", end_ms, CLOCK.now_ms())
        async with serving(ca) as office:
            tls_key = credentials.new_tls_key()
            leaf = credentials.enrolment_leaf(key, "320500", credentials.public_key_der(tls_key), end_ms)
            parent = parent_of(office, (tls_key, leaf))
            with pytest.raises(UnreachableError) as caught:
                await client.join(parent, JOIN)
            assert caught.value.code == "closed"
            other = credentials.enrolment_certificate(credentials.new_tls_key(), "320500", end_ms, CLOCK.now_ms())
            office.secrets = office.secrets._replace(invitations=(other, root))  # of the same office, same name
            assert await client.join(parent, JOIN) == messages.JoinReply(messages.JoinState.PENDING, "等待上级核准")
            assert office.joins == [(JOIN, leaf)]
            await refused(parent, "bad_certificate")
            with pytest.raises(PeerError) as no_renewal:
                await client.renew(parent, messages.RenewRequest(Signed(b"body", b"signature")))
            assert no_renewal.value.code == "bad_certificate"
            with pytest.raises(PeerError) as no_join:
                await client.join(parent_of(office, ca.issue("320500")), JOIN)
            assert no_join.value.code == "bad_certificate"
            office.secrets = office.secrets._replace(invitations=())
            with pytest.raises(UnreachableError):
                await client.join(parent, JOIN)

    asyncio.run(story())

"""A real server under a neighbour that sends too much, too large, too often, too slowly, or reads nothing."""

import asyncio

import grpc
import grpc.aio
import pytest

from node.clock import DAY_MS
from node.errors import InputError, PeerError, UnreachableError
from node.records.notes import Signed
from node.sync import frames
from node.wire import client, codec, credentials, messages, server
from node.wire import stream as streams
from tests.process.wire_office import CLOCK, LIMITS, Ca, Dialled, Office, Recorder, parent_of, raw_call, serving, until

EXCHANGE = f"{server.LINK}/Exchange"
CHUNK = frames.BlobChunk(bytes(32), 0, bytes(200_000), missing=False)
RENEW = messages.RenewRequest(Signed(b"body", b"signature"))


async def status_of(call):
    async with asyncio.timeout(10):
        return await call.code(), await call.details()


def test_an_oversized_message_is_refused_and_the_connection_lives():
    async def story():
        ca = Ca("320000")
        wide = LIMITS._replace(frame_bytes_max=2**26)
        async with serving(ca) as office, client._channel(parent_of(office, ca.issue("320500")), wide) as channel:
            beside = raw_call(channel, EXCHANGE)()
            await beside.initial_metadata()
            huge = raw_call(channel, EXCHANGE)()
            await huge.write(bytes(LIMITS.frame_bytes_max + 1))
            assert (await status_of(huge))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
            for call in (beside, raw_call(channel, EXCHANGE)()):
                await call.write(codec.encode(frames.Ping(4)))
                assert codec.decode(await call.read()) == frames.Pong(4, 7)
            await until(lambda: [session.times_lost for session in office.sessions] == [0, 1, 0])

    asyncio.run(story())


def test_a_dialler_that_gets_or_sends_too_much_learns_it():
    async def story():
        ca = Ca("320000")
        async with serving(ca, LIMITS._replace(frame_bytes_max=2**26, blob_chunk_bytes=2**26)) as office:
            child = Dialled(parent_of(office, ca.issue("320500")))
            below = await child.ready()
            office.sessions[0].sender.send([CHUNK._replace(data=bytes(LIMITS.frame_bytes_max))])
            with pytest.raises(PeerError) as caught:
                await child.task
            assert (caught.value.code, below.frames, below.times_lost) == ("too_large", [], 1)
            again = Dialled(parent_of(office, ca.issue("320500")))
            below = await again.ready()
            office.sessions[1].sender.send([CHUNK._replace(data=bytes(LIMITS.blob_chunk_bytes + 1))])
            with pytest.raises(PeerError) as caught:
                await again.task
            assert (caught.value.code, below.refused) == ("too_large", [caught.value])

    asyncio.run(story())


def test_compressed_messages_are_refused():
    async def story():
        ca = Ca("320000")
        async with serving(ca) as office:
            key, certificate = ca.issue("320500")
            secure = grpc.ssl_channel_credentials(credentials.to_pem(ca.der), key, credentials.to_pem(certificate))
            options = [("grpc.ssl_target_name_override", "320000.dulian")]
            gzip = grpc.Compression.Gzip
            async with grpc.aio.secure_channel(f"127.0.0.1:{office.port}", secure, options, gzip) as channel:
                code, details = await status_of(raw_call(channel, f"{server.OFFICE}/Renew")(bytes(100_000)))
                assert code is grpc.StatusCode.UNIMPLEMENTED, details

    asyncio.run(story())


def test_the_reason_arrives_although_the_other_end_is_writing():
    async def story():
        ca = Ca("320000")
        async with serving(ca) as office:
            for attempt in range(10):
                child = Dialled(parent_of(office, ca.issue("320500")))
                below = await child.ready()
                await until(lambda attempt=attempt: len(office.sessions) > attempt)
                below.sender.send([CHUNK] * 3)
                office.sessions[attempt].sender.send([frames.Ping(9)])
                office.sessions[attempt].sender.close("flood")
                assert await child.task == "flood"
                assert below.frames == [frames.Ping(9), frames.Goodbye("flood")]

    asyncio.run(story())


def test_the_server_certificate_is_renewed_live():
    async def story():
        ca = Ca("320000")
        async with serving(ca) as office:
            first = Dialled(parent_of(office, ca.issue("320500")))
            before = await first.ready()
            key, certificate = ca.issue("320000", is_server=True)
            office.secrets = office.secrets._replace(key_pem=key, certificate=certificate)
            second = Dialled(parent_of(office, ca.issue("320200")))
            after = await second.ready()
            assert before.peer != after.peer == credentials.tls_sha256(certificate)
            # What the handshake really showed:
            shown = await asyncio.to_thread(certificate_shown, office.port)
            assert shown == certificate
            before.sender.send([frames.Ping(1)])
            await until(lambda: before.frames == [frames.Pong(1, 7)])

    asyncio.run(story())


def certificate_shown(port):
    import ssl

    pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=5)
    return ssl.PEM_cert_to_DER_cert(pem)


def test_a_certificate_that_expires_on_a_live_connection_opens_no_more_calls():
    async def story():
        ca = Ca("320000")
        async with serving(ca) as office:
            now_ms = CLOCK.now_ms()
            key, certificate = ca.issue("320500", 3_000, now_ms=now_ms)
            async with client._channel(parent_of(office, (key, certificate)), LIMITS) as channel:
                call = raw_call(channel, EXCHANGE)()
                await call.write(codec.encode(frames.Ping(1)))
                assert codec.decode(await call.read()) == frames.Pong(1, 7)
                assert credentials.needs_renewal(certificate, now_ms + 2_000)
                await until(lambda: not credentials.is_valid_at(certificate, CLOCK.now_ms()))
                late = raw_call(channel, EXCHANGE)()
                assert await status_of(late) == (grpc.StatusCode.UNAUTHENTICATED, "tls_expired")
                # Whoever renewed in time goes on under the new one.
            renewed = await client.renew(parent_of(office, ca.issue("320500")), RENEW)
            assert credentials.is_issued_by(renewed, ca.der)

    asyncio.run(story())


def test_a_slow_session_slows_its_neighbour_down():
    async def story():
        ca = Ca("320000")
        async with serving(ca) as office:
            child = Dialled(parent_of(office, ca.issue("320500")))
            below = await child.ready()
            await until(lambda: office.sessions)
            above = office.sessions[0]
            above.gate.clear()
            sent = 0
            while below.sender.queued_bytes < 2 * LIMITS.window_bytes:
                below.sender.send([CHUNK._replace(offset=sent)])
                sent += 1
                await asyncio.sleep(0.01)
                assert sent < 500, "nothing holds the sender back"
            assert not above.frames
            above.gate.set()
            await until(lambda: len(above.frames) == sent)
            assert [frame.offset for frame in above.frames] == list(range(sent))
            assert below.sender.queued_bytes == 0

    asyncio.run(story())


def test_a_neighbour_that_does_not_read_is_cut_off():
    async def story():
        ca = Ca("320000")
        async with serving(ca) as office, client._channel(parent_of(office, ca.issue("320500")), LIMITS) as channel:
            call = raw_call(channel, EXCHANGE)()
            await call.initial_metadata()
            above = office.sessions[0]
            for _ in range(500):
                above.sender.send([CHUNK])
                await asyncio.sleep(0.001)
                if above.times_lost:
                    break
            assert above.times_lost == 1
            assert above.sender.queued_bytes == 0
            above.sender.send([CHUNK])
            assert above.sender.queued_bytes == 0, "nothing is kept for a stream that is gone"

    asyncio.run(story())


def test_closing_does_not_wait_for_a_neighbour_that_does_not_read(monkeypatch):
    monkeypatch.setattr(streams, "CLOSE_GRACE_S", 0.2)

    async def story():
        ca = Ca("320000")
        async with serving(ca) as office, client._channel(parent_of(office, ca.issue("320500")), LIMITS) as channel:
            call = raw_call(channel, EXCHANGE)()
            await call.initial_metadata()
            above = office.sessions[0]
            while above.sender.queued_bytes < LIMITS.window_bytes:
                above.sender.send([CHUNK])
                await asyncio.sleep(0.001)
            above.sender.close("shutdown")
            await asyncio.wait_for(above.ended.wait(), 5)

    asyncio.run(story())


def test_one_neighbour_has_few_calls_and_others_go_on():
    async def story():
        ca = Ca("320000")
        async with serving(ca) as office:
            greedy = ca.issue("320500")
            open_calls = [Dialled(parent_of(office, greedy)) for _ in range(server.CALLS_PER_PEER_MAX)]
            for call in open_calls:
                await call.ready()
            with pytest.raises(PeerError) as caught:
                await Dialled(parent_of(office, greedy)).ready()
            assert caught.value.code == "busy"
            await Dialled(parent_of(office, ca.issue("320200"))).ready()
            open_calls[0].session.sender.close("bye")
            await open_calls[0].task
            await until(lambda: sum(session.times_lost for session in office.sessions) == 1)
            await Dialled(parent_of(office, greedy)).ready()

    asyncio.run(story())


JOIN = messages.JoinRequest("320500", 1, b"key", b"proof", b"spki", Signed(b"body", b"signature"), b"ca")


def test_joins_are_limited_in_number_and_time(monkeypatch):
    monkeypatch.setattr(server, "UNARY_DEADLINE_S", 0.2)

    async def story():
        ca = Ca("320000")
        key, end_ms = credentials.new_tls_key(), CLOCK.now_ms() + DAY_MS
        root = credentials.enrolment_certificate(key, "320500", end_ms, CLOCK.now_ms())
        leaf = credentials.enrolment_leaf(key, "320500", credentials.public_key_der(key), end_ms)
        async with serving(ca) as office:
            office.secrets = office.secrets._replace(invitations=(root,))
            parent = parent_of(office, (key, leaf))
            office.delay_s = 30.0
            with pytest.raises(UnreachableError) as slow:
                await client.join(parent, JOIN)
            assert slow.value.code == "timeout"
            office.delay_s = 0.0
            for _ in range(server.JOINS_PER_MINUTE_MAX - 1):
                await client.join(parent, JOIN)
            with pytest.raises(PeerError) as caught:
                await client.join(parent, JOIN)
            assert caught.value.code == "busy"
            assert len(office.joins) == server.JOINS_PER_MINUTE_MAX

    asyncio.run(story())


def test_malformed_and_oversized_requests_are_refused_by_name():
    async def story():
        ca = Ca("320000")
        async with serving(ca) as office, client._channel(parent_of(office, ca.issue("320500")), LIMITS) as channel:
            renewing = raw_call(channel, f"{server.OFFICE}/Renew")
            assert await status_of(renewing(b"\xff\xff")) == (grpc.StatusCode.INVALID_ARGUMENT, "malformed")
            big = renewing(bytes(messages.UNARY_BYTES_MAX + 1))
            assert await status_of(big) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "too_large")
            unknown = raw_call(channel, f"{server.OFFICE}/Nothing")(b"")
            assert (await status_of(unknown))[0] is grpc.StatusCode.UNIMPLEMENTED

    asyncio.run(story())


def test_a_port_in_use_is_said_before_anything_starts():
    async def story():
        ca = Ca("320000")
        async with serving(ca) as office:
            with pytest.raises(InputError) as caught:
                await server.WireServer(Office(ca), CLOCK).start(f"127.0.0.1:{office.port}")
            assert (caught.value.field, caught.value.value) == ("--listen", f"127.0.0.1:{office.port}")

    asyncio.run(story())


def test_nobody_there_is_told_from_a_wrong_certificate_and_a_lost_link():
    async def story():
        ca = Ca("320000")
        office = Office(ca)
        listening = server.WireServer(office, CLOCK, LIMITS)
        office.port = await listening.start("127.0.0.1:0")
        child = Dialled(parent_of(office, ca.issue("320500")))
        below = await child.ready()
        await listening.stop(0)
        with pytest.raises(UnreachableError) as lost:
            await child.task
        assert lost.value.code == "lost"
        assert below.times_lost == 1
        with pytest.raises(UnreachableError) as caught:
            await client.dial(parent_of(office, ca.issue("320500")), lambda sha, sender: Recorder(sender, sha), LIMITS)
        assert caught.value.code == "unreachable"

    asyncio.run(story())


async def black_hole(port):
    """A way to the port for one connection; it forwards until told to swallow everything (half-open)."""
    swallowing, ended = asyncio.Event(), asyncio.Event()

    async def forward(reader, writer):
        try:
            while piece := await reader.read(65_536):
                if not swallowing.is_set():
                    writer.write(piece)
                    await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    async def accepted(reader, writer):
        listening.close()
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(forward(reader, far_writer), forward(far_reader, writer))
        ended.set()

    listening = await asyncio.start_server(accepted, "127.0.0.1", 0)
    return listening.sockets[0].getsockname()[1], swallowing, ended


def test_a_half_open_connection_is_noticed_at_both_ends():
    async def story():
        ca, quick = Ca("320000"), LIMITS._replace(keepalive_ms=1_000)
        async with serving(ca, quick) as office:
            port, swallowing, ended = await black_hole(office.port)
            parent = parent_of(office, ca.issue("320500"))._replace(address=f"127.0.0.1:{port}")
            child = Dialled(parent, quick)
            below = await child.ready()
            below.sender.send([frames.Ping(1)])
            await until(lambda: below.frames == [frames.Pong(1, 7)])
            swallowing.set()
            with pytest.raises(UnreachableError) as caught:
                await asyncio.wait_for(child.task, 15)
            assert caught.value.code == "lost"
            await until(lambda: office.sessions[0].times_lost == 1)
            await ended.wait()

    asyncio.run(story())


def test_stopping_waits_for_sessions_that_end_in_time():
    async def story():
        ca = Ca("320000")
        office = Office(ca)
        listening = server.WireServer(office, CLOCK, LIMITS)
        office.port = await listening.start("127.0.0.1:0")
        child = Dialled(parent_of(office, ca.issue("320500")))
        await child.ready()
        await until(lambda: office.sessions)
        stopping = asyncio.create_task(listening.stop(10))
        await asyncio.sleep(0.1)
        office.sessions[0].sender.send([frames.Goodbye("shutdown")])
        office.sessions[0].sender.close("shutdown")
        assert await child.task == "shutdown"
        await asyncio.wait_for(stopping, 5)
        assert child.session.frames == [frames.Goodbye("shutdown")]

    asyncio.run(story())

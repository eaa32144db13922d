"""Who is not let in, and how often: TLS, certificates, parallel calls, renewals, invitations."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from typing import Any

import grpc
import grpc.aio
import pytest

from node.clock import DAY_MS
from node.errors import PeerError
from node.records import notes
from node.sync import frames
from node.wire import client, credentials, messages
from node.wire.server import CALLS_PER_PEER_MAX, JOINS_PER_MINUTE_MAX
from node.wire.v1 import sync_pb2
from tests.process.evil import CLOCK, Evil, new_signer
from tests.process.evil_city import City
from tests.process.evil_link import EXCHANGE, SOON_S, WIDE, Link

ROOT, CITY, SIBLING, EVIL = "320000", "320500", "320582", "320583"


async def status_of(channel: grpc.aio.Channel, raw: bytes | None = None) -> tuple[grpc.StatusCode, str]:
    """How an Exchange over this channel ends, by itself or after a message."""
    call: Any = channel.stream_stream(EXCHANGE)()
    try:
        async with asyncio.timeout(SOON_S):
            if raw is not None:
                await call.write(raw)
            return await call.code(), await call.details()
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        return await call.code(), await call.details()
    finally:
        call.cancel()


async def status_over(parent: client.Parent) -> tuple[grpc.StatusCode, str]:
    async with client._channel(parent, WIDE) as channel:
        return await status_of(channel)


def city_ca(city: City) -> tuple[bytes, bytes]:
    """The city's own link CA: what only a thief of its key has."""
    pem = (city.city.home / "keys" / "link-ca.pem").read_bytes()
    at = pem.index(b"-----BEGIN CERTIFICATE-----")
    return pem[:at], credentials.from_pem(pem[at:])


def test_nobody_is_heard_in_the_clear_or_without_a_certificate(city: City) -> None:
    async def story() -> list[grpc.StatusCode]:
        found = []
        async with grpc.aio.insecure_channel(city.city.address) as channel:
            found.append((await status_of(channel))[0])
        only_server = grpc.ssl_channel_credentials(credentials.to_pem(city.evil.link_ca))
        name = [("grpc.ssl_target_name_override", f"{CITY}.dulian")]
        async with grpc.aio.secure_channel(city.city.address, only_server, name) as channel:
            found.append((await status_of(channel))[0])
        return found

    with city.unharmed():
        assert asyncio.run(story()) == [grpc.StatusCode.UNAVAILABLE] * 2
        with socket.create_connection(("127.0.0.1", city.city.port), timeout=10) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert b"HTTP/1.1 200" not in plain.recv(1_000)
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(("127.0.0.1", city.city.port), timeout=10) as plain, pytest.raises(OSError):
            old.wrap_socket(plain)


def test_certificates_nobody_gave_it_open_nothing(city: City) -> None:
    evil = city.evil
    ca_key, ca = city_ca(city)
    public = credentials.public_key_der(evil.key_pem)
    now_ms = CLOCK.now_ms()

    def issued(key: bytes, root: bytes, at_ms: int, office: str = EVIL) -> client.Parent:
        made = credentials.issue_tls(key, root, office, public, DAY_MS, at_ms, server=False)
        return evil.as_child(evil.key_pem, made)

    async def story() -> None:
        # Expired; of its own CA; of the invitation it has used: none passes the handshake or the check of the call.
        assert (await status_over(issued(ca_key, ca, now_ms - 2 * DAY_MS)))[0] is grpc.StatusCode.UNAVAILABLE
        assert (await status_over(issued(evil.ca_key_pem, evil.ca, now_ms)))[0] is grpc.StatusCode.UNAVAILABLE
        assert (await status_over(evil.as_invited()))[0] in {
            grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED}  # fmt: skip
        # Well signed, but never given out by the city.
        assert await status_over(issued(ca_key, ca, now_ms)) == (grpc.StatusCode.UNAUTHENTICATED, "channel")
        assert await status_over(issued(ca_key, ca, now_ms, SIBLING)) == (grpc.StatusCode.UNAUTHENTICATED, "channel")

    with city.unharmed():
        asyncio.run(story())


def test_compressed_messages_are_refused(city: City) -> None:
    evil = city.evil

    async def story() -> None:
        secure = grpc.ssl_channel_credentials(
            credentials.to_pem(evil.link_ca), evil.key_pem, credentials.to_pem(evil.certificate))
        options = [("grpc.ssl_target_name_override", f"{CITY}.dulian")]
        async with grpc.aio.secure_channel(evil.address, secure, options, grpc.Compression.Gzip) as channel:
            frame = sync_pb2.Frame(blob_chunk=sync_pb2.BlobChunk(hash=bytes(32), data=bytes(100_000)))
            # The call ends; whether the reason or the failed write is seen first is gRPC's business.
            found = (await status_of(channel, frame.SerializeToString()))[0]
            assert found in {grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL}
        async with evil.link() as link:
            await link.send(gzip.compress(bytes(2**20)))  # nobody unpacks what comes packed
            assert await link.ended() == "malformed"

    with city.unharmed():
        asyncio.run(story())


def test_many_streams_at_once_are_few_for_one_office(city: City) -> None:
    evil = city.another_evil()

    async def renewed() -> client.Parent:
        """A new certificate for a new key: the same office all the same."""
        key = credentials.new_tls_key()
        renewal = notes.Renewal(evil.code, credentials.public_key_der(key), CLOCK.now_ms())
        note = notes.sign_renewal(evil.signer, evil.federation, renewal)
        return evil.as_child(key, await client.renew(evil.as_child(), messages.RenewRequest(note)))

    async def story() -> tuple[int, list[str]]:
        faces = [await renewed() for _ in range(3)] * 6
        channels = [client._channel(face, WIDE) for face in faces]
        opened = [await channel.__aenter__() for channel in channels]
        calls: list[Any] = [channel.stream_stream(EXCHANGE)() for channel in opened for _ in range(2)]
        working = asyncio.create_task(asyncio.to_thread(city.work_goes_on))
        found: list[str] = []
        async with asyncio.timeout(SOON_S):
            while len(found) < len(calls) - CALLS_PER_PEER_MAX:
                found = [await call.details() for call in calls if call.done()]
                await asyncio.sleep(0.02)
        await working
        await asyncio.sleep(0.2)
        still = sum(not call.done() for call in calls)
        for call in calls:
            call.cancel()
        for channel in channels:
            await channel.__aexit__(None, None, None)
        return still, found

    with city.unharmed(evil):
        still, found = asyncio.run(story())
    assert still == CALLS_PER_PEER_MAX
    assert set(found) == {"busy"}


def test_certificates_renewed_without_end_are_kept_few(city: City) -> None:
    evil = city.another_evil()

    async def story() -> None:
        for _ in range(30):
            key = credentials.new_tls_key()
            renewal = notes.Renewal(evil.code, credentials.public_key_der(key), CLOCK.now_ms())
            note = notes.sign_renewal(evil.signer, evil.federation, renewal)
            await client.renew(evil.as_child(), messages.RenewRequest(note))
        async with evil.link() as link:  # the one in use goes on working
            await link.ping()
        other = notes.Renewal(SIBLING, credentials.public_key_der(evil.key_pem), CLOCK.now_ms())
        for note in (
            notes.sign_renewal(evil.signer, evil.federation, other),
            notes.sign_renewal(new_signer(), evil.federation, other),
            notes.Signed(b"\xff", b""),
        ):
            with pytest.raises(PeerError):
                await client.renew(evil.as_child(), messages.RenewRequest(note))

    with city.unharmed(evil):
        asyncio.run(link_first(evil))
        asyncio.run(story())
    assert len(city.books.rows("select 1 from tls_cert where office = ?", evil.code)) <= 5


async def link_first(evil: Evil) -> None:
    async with evil.link() as link:
        await link.ping()


def test_an_invitation_is_used_once_and_asked_for_ten_times_a_minute(city: City) -> None:
    token = city.invite("320598", "某县人民政府")
    first, second = Evil(token), Evil(token)

    async def story() -> None:
        # Keys that are not its own, proofs for another: refused, and the invitation is still good.
        honest = first.join_request()
        reasons = []
        for lie in (
            honest._replace(possession=bytes(64)), honest._replace(tls_public_key=b""), honest._replace(suite=9),
            honest._replace(raw_key=bytes(32)), honest._replace(link_ca=b"\xff"),
        ):  # fmt: skip
            with pytest.raises(PeerError) as caught:
                await first.ask(lie)
            reasons.append(caught.value.code)
        assert reasons == ["bad_signature", "bad_signature", "unknown_suite", "bad_key", "bad_certificate"]
        assert (await first.ask(honest._replace(code=SIBLING))).state is messages.JoinState.REFUSED
        await first.join()
        again = await first.ask(honest)
        assert again.state is messages.JoinState.ADMITTED  # an answer that was lost
        stolen = await second.ask(second.join_request())
        assert stolen.state is messages.JoinState.REFUSED
        with pytest.raises(PeerError) as caught:
            for _ in range(JOINS_PER_MINUTE_MAX):
                await second.ask(second.join_request())
        assert caught.value.code == "busy"

    with city.unharmed(first) as noted:
        asyncio.run(story())
    assert ("enrol", "320598") in city.books.alarms() or "enrol" in {fault.code for fault in noted}
    assert city.city.link("320598")["state"] == "never"


def test_two_hundred_connections_that_say_nothing_are_borne(city: City) -> None:
    silent = [socket.create_connection(("127.0.0.1", city.city.port), timeout=10) for _ in range(200)]
    try:
        with city.unharmed():
            async def story(link: Link) -> None:
                await link.publish(city.evil.pen().write())

            city.run(story)
    finally:
        for connection in silent:
            connection.close()


def test_the_newest_connection_of_a_neighbour_counts(city: City) -> None:
    evil = city.evil

    async def story(link: Link) -> str:
        async with evil.link() as newer:
            await newer.publish(evil.pen().write())
            return await link.ended()

    with city.unharmed():
        assert city.run(story) == "replaced"


def test_goodbye_with_many_words_is_only_a_goodbye(city: City) -> None:
    async def story(link: Link) -> str:
        await link.send(frames.Goodbye("\u202e再见\r\n" * 20))
        return await link.ended()

    with city.unharmed() as noted:
        assert len(city.run(story)) <= 64
    assert noted == []
    assert all(isinstance(line, dict) for line in city.city.log_lines())



"""The guard of tests/conftest.py holds, and leaves event loops alone."""

import asyncio
import socket

import pytest

from tests.conftest import SocketUsed


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX])
def test_no_family_of_sockets_connects_or_listens(family: socket.AddressFamily) -> None:
    address: str | tuple[str, int] = "no-such-socket" if family == socket.AF_UNIX else ("localhost", 9)
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        with pytest.raises(SocketUsed):
            sock.connect(address)
        with pytest.raises(SocketUsed):
            sock.bind(address)


def test_no_name_is_looked_up() -> None:
    with pytest.raises(SocketUsed):
        socket.getaddrinfo("localhost", 80)


def test_an_event_loop_still_runs() -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    assert asyncio.run(answer()) == 42

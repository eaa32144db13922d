"""One server for the session, one database for each test."""

from collections.abc import Iterator

import pytest

from tests.postgres.server import PostgresServer


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture
def database(server: PostgresServer) -> str:
    """The URL of an empty database."""
    return server.new_database()

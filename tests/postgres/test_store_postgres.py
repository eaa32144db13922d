"""The store in PostgreSQL keeps the contract; and what only a server can do to it."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine

from node.errors import StoreError
from node.storage import port
from node.storage.failures import store_error
from node.storage.sql import SqlStore, open_store
from node.storage.tables import METADATA
from tests.contract.rows import fill_log, log_row, record_row
from tests.contract.search_contract import SearchContract, one_moment
from tests.contract.store_contract import StoreContract
from tests.postgres.server import PostgresServer

END_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class TestPostgres(StoreContract, SearchContract):
    @pytest.fixture
    def store(self, database: str) -> Iterator[port.Store]:
        store = open_store(database, create=True)
        yield store
        store.close()


@pytest.fixture
def store(database: str) -> Iterator[SqlStore]:
    store = open_store(database, create=True)
    yield store
    store.close()


def test_a_commit_after_an_error_never_passes_for_one(store: SqlStore) -> None:
    """The server answers COMMIT with ROLLBACK there, and the driver raises nothing: it passed, all was lost (I2)."""
    fill_log(store, 1, 2)
    store.begin()
    store.append([record_row(1, 3)], [(1, 3, b"third")])
    with pytest.raises(StoreError):
        store.append([], [(9, 1, b"no such log")])
    with pytest.raises(StoreError):
        store.append([record_row(1, 3)], [])
    with pytest.raises(StoreError):
        store.commit(durable=True)
    store.rollback()
    assert store.record_count() == 2
    fill_log(store, 2, 1)
    assert store.record_count() == 3


def test_migrating_an_empty_database_makes_the_models(server: PostgresServer, database: str) -> None:
    open_store(database, create=True).close()
    other = server.new_database()
    engine = create_engine(other.replace("postgresql:", "postgresql+psycopg:"))
    METADATA.create_all(engine)
    engine.dispose()
    columns = (
        "SELECT table_name, column_name, data_type, is_nullable, collation_name, column_default"
        " FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
    )
    indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    for statement in (columns, indexes):
        made = server.execute(database, statement)
        assert made
        assert sorted(made) == sorted(server.execute(other, statement))
    engine = create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def test_a_second_opening_is_refused(database: str, store: SqlStore) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(database, create=False)
    assert caught.value.code == "locked"
    store.close()
    open_store(database, create=False).close()


def test_an_empty_database_is_not_filled_by_mistake(server: PostgresServer, database: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(database, create=False)
    assert caught.value.code == "absent"
    assert server.execute(database, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []


def test_a_newer_schema_is_refused(server: PostgresServer, database: str) -> None:
    open_store(database, create=True).close()
    server.execute(database, "UPDATE schema_compat SET compat = compat + 1")
    with pytest.raises(StoreError) as caught:
        open_store(database, create=False)
    assert caught.value.code == "newer_schema"
    server.execute(database, "UPDATE schema_compat SET compat = compat - 1")
    open_store(database, create=False).close()


def test_a_migration_that_fails_leaves_nothing(server: PostgresServer, database: str) -> None:
    server.execute(database, "CREATE TABLE tls_cert_other (a int)")
    server.execute(database, "CREATE INDEX board_receiver ON tls_cert_other (a)")
    with pytest.raises(StoreError):
        open_store(database, create=True)
    found = server.execute(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert found == [("tls_cert_other",)]


def test_a_durable_commit_waits_for_the_disk_even_where_the_server_would_not(
    server: PostgresServer, database: str
) -> None:
    name = database.partition("@/")[2].partition("?")[0]
    server.execute(database, f"ALTER DATABASE {name} SET synchronous_commit = off")
    store = open_store(database, create=True)
    connection = store.engine.writer()
    seen = []
    before_commit = store.engine.before_commit

    def watched(connection: Connection, *, durable: bool) -> None:
        before_commit(connection, durable=durable)
        seen.append((durable, connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()))

    store.engine.before_commit = watched  # type: ignore[method-assign]
    for durable in (True, False, True):
        store.begin()
        store.put([port.Meta("a", b"")])
        store.commit(durable=durable)
    assert seen == [(True, "on"), (False, "off"), (True, "on")]
    assert connection is store.engine.writer()
    store.close()


def test_readers_cannot_write(store: SqlStore) -> None:
    with store.engine.reader() as connection, pytest.raises(Exception, match="read-only") as caught:
        connection.exec_driver_sql("DELETE FROM log")
    assert store_error(caught.value).code == "read_only"


def test_a_reader_sees_one_snapshot_in_a_call(store: SqlStore) -> None:
    fill_log(store, 1, 1)
    with store.engine.reader() as connection, connection.begin():
        first = connection.exec_driver_sql("SELECT count(*) FROM record").scalar_one()
        fill_log(store, 2, 1)
        assert connection.exec_driver_sql("SELECT count(*) FROM record").scalar_one() == first == 1
    assert store.reader().record_count() == 2


def test_reads_together_see_one_moment(store: SqlStore) -> None:
    """X1: a page of several questions is of one moment."""
    one_moment(store)


def test_a_lost_connection_is_an_error_once_and_then_made_anew(
    server: PostgresServer, database: str, store: SqlStore
) -> None:
    fill_log(store, 1, 2)
    reader = store.reader()
    assert reader.record_count() == 2
    store.begin()
    store.append([record_row(1, 3)], [(1, 3, b"id")])
    server.execute(database, END_SESSIONS)
    with pytest.raises(StoreError) as caught:
        store.commit(durable=True)
    assert caught.value.code == "unreachable"
    store.rollback()
    assert store.record_count() == 2
    assert reader.record_count() == 2
    fill_log(store, 2, 40)
    with pytest.raises(StoreError) as caught:
        open_store(database, create=False)  # the lock was taken again with the connection
    assert caught.value.code == "locked"


def test_a_connection_lost_between_transactions_is_made_anew_after_one_error(
    server: PostgresServer, database: str, store: SqlStore
) -> None:
    fill_log(store, 1, 1)
    server.execute(database, END_SESSIONS)
    store.begin()
    with pytest.raises(StoreError):
        store.append([record_row(1, 2)], [(1, 2, b"id")])
    store.rollback()
    assert store.board_count() == 0
    server.execute(database, END_SESSIONS)
    with pytest.raises(StoreError):
        store.logs()
    assert [row.head_seq for row in store.logs()] == [1]


def test_a_broken_copy_can_be_rolled_back(store: SqlStore) -> None:
    fill_log(store, 1, 50)
    store.begin()
    with pytest.raises(StoreError) as caught:
        store.append([record_row(1, seq) for seq in range(50, 120)], [(1, 119, b"id")])
    assert caught.value.code == "conflict"
    store.rollback()
    store.begin()
    store.append([record_row(1, seq) for seq in range(51, 120)], [(1, 119, b"id")])
    store.commit(durable=True)
    assert [row.seq for row in store.run(1, 0, 1000, 10**9)] == list(range(1, 120))


def test_statements_do_not_run_for_ever(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.engine.reader() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "1min"
        connection.exec_driver_sql("SET statement_timeout = 20")
        with pytest.raises(Exception, match="timeout") as caught:
            connection.exec_driver_sql("SELECT pg_sleep(5)")
    assert store_error(caught.value).code == "timeout"


def test_no_error_names_the_password(server: PostgresServer) -> None:
    folder = server.url("x").partition("?")[2]
    for url in (
        "postgresql://clerk:geheim@127.0.0.1:1/office",
        f"postgresql://clerk:geheim@/office?{folder}",
        f"postgresql://clerk@/office?{folder}&password=geheim",
    ):
        with pytest.raises(StoreError) as caught:
            open_store(url, create=False)
        error: BaseException | None = caught.value
        assert caught.value.code in {"unreachable", "denied"}
        while error is not None:
            assert "geheim" not in f"{error} {error.args}"
            error = error.__cause__


def test_many_logs_by_copy(store: SqlStore) -> None:
    store.begin()
    store.add_logs([log_row(number) for number in range(1, 101)])
    rows = [record_row(number, seq, payload=None) for number in range(1, 101) for seq in range(1, 21)]
    store.append(rows, [(number, 20, b"head") for number in range(1, 101)])
    store.commit(durable=True)
    assert store.reader().record_count() == 2000
    assert store.run(77, 0, 100, 10**9) == [row for row in rows if row.log_no == 77]

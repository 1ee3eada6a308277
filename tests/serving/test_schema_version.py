"""A store's schema comes to the newest revision, from nothing, from before, and never back."""

from __future__ import annotations

import threading
from importlib import resources

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from recsys.errors import ServingError
from serving import schema_version, sql_tables
from serving.store import Event, Store

HEAD = "0004"


def engine_of(url: str) -> sa.Engine:
    return sa.create_engine(url, poolclass=sa.NullPool)


def revision(url: str) -> str | None:
    with engine_of(url).connect() as connection:
        return schema_version.revision_of(connection)


def test_an_empty_database_gets_the_tables_that_the_code_names(database_url: str):
    Store(database_url).close()
    assert revision(database_url) == HEAD
    with engine_of(database_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, sql_tables.metadata) == []


RELEASED = ("items", "events", "state")  # what Vitrine made before there were revisions


def test_a_store_from_before_there_were_revisions_is_taken_over(database_url: str):
    engine = engine_of(database_url)
    tables = [sql_tables.metadata.tables[name] for name in RELEASED]
    sql_tables.metadata.create_all(engine, tables=tables)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX events_by_request")  # came later
        connection.execute(sa.insert(sql_tables.events_table), {
            "user_id": "ann", "item_id": "7", "event": "view", "timestamp": 1.0,
            "request_id": "", "imported": False})  # fmt: skip
    store = Store(database_url)
    assert store.add_events([Event("ann", "8", "view", 2.0)]) == 1
    assert [event.item_id for event in store.history("ann", 9)] == ["7", "8"]
    assert store.live_items() == []
    store.close()
    assert revision(database_url) == HEAD


def test_a_newer_database_is_refused_and_left_as_it_is(database_url: str):
    Store(database_url).close()
    with engine_of(database_url).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(ServingError, match="revision 0999") as error:
        Store(database_url)
    assert "Install the version that made it" in error.value.mend
    assert revision(database_url) == "0999"


def test_programs_that_start_at_once_wait_for_one_another(database_url: str):
    failed: list[Exception] = []

    def start() -> None:
        try:
            Store(database_url).close()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert revision(database_url) == HEAD


def test_every_revision_is_in_the_package():
    folder = resources.files("serving").joinpath("migrations/versions")
    names = [file.name for file in folder.iterdir() if file.name.startswith("r0")]
    assert len(names) == int(HEAD)

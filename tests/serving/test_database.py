"""A database's errors are ours, and say nothing that is secret."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from recsys.errors import ServingError, UnavailableError
from serving.database import Database
from serving.store import Store
from tests.serving.postgresql import PostgreSQL


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:////nowhere/at/all/store.sqlite", "unable to open"),
        ("nonsense", "cannot be used"),
        ("oracle+nothing://user:swordfish@host/db", "cannot be used"),
    ],
)
def test_a_database_that_cannot_be_used_is_our_error(url: str, said: str):
    with pytest.raises(ServingError) as error:
        Store(url)
    assert said in error.value.line
    assert "serving.database_url" in error.value.mend
    assert "swordfish" not in error.value.line


def test_a_damaged_file_is_our_error(tmp_path: Path):
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(ServingError, match="not a database"):
        Store(f"sqlite:///{path}")


def test_what_fails_midway_is_not_there(database_url: str):
    database = Database(database_url)
    with pytest.raises(ServingError), database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO state (key, value) VALUES ('a', 'b')")
        connection.exec_driver_sql("INSERT INTO state (key, value) VALUES ('a', 'c')")
    with database.reading() as connection:
        assert connection.scalar(sa.text("SELECT COUNT(*) FROM state")) == 0
    database.close()


def test_an_error_does_not_quote_the_row(database_url: str):
    database = Database(database_url)
    insert = sa.text("INSERT INTO state (key, value) VALUES (:key, 'x')")
    with database.writing() as connection:
        connection.execute(insert, {"key": "swordfish"})
    with pytest.raises(ServingError) as error, database.writing() as connection:
        connection.execute(insert, {"key": "swordfish"})
    assert "swordfish" not in error.value.line
    assert "swordfish" not in str(error.value.__cause__).partition("DETAIL")[0]
    database.close()


def test_a_commit_is_on_the_disk(database_url: str):
    database = Database(database_url)
    with database.reading() as connection:
        if database_url.startswith("sqlite"):
            found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                     for name in ("journal_mode", "synchronous")]  # fmt: skip
            assert found == ["wal", 2]  # 2 is FULL
        else:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    database.close()


def test_postgresql_is_spoken_to_by_the_driver_that_is_installed():
    with pytest.raises(ServingError, match=r"refused|failed|timeout"):
        Database("postgresql://nobody@127.0.0.1:1/none")


def test_a_database_that_is_gone_is_not_waited_for_and_found_again(postgresql: PostgreSQL):
    database = Database(postgresql.fresh())

    def ask() -> str:
        try:
            with database.reading() as connection:
                return str(connection.scalar(sa.text("SELECT 'here'")))
        except UnavailableError as error:
            return "left alone" if "left alone" in error.what else "down"

    assert ask() == "here"
    postgresql.kill()
    assert [ask() for _ in range(7)] == ["down"] * 5 + ["left alone"] * 2
    postgresql.start()
    end = time.monotonic() + 10
    while ask() != "here" and time.monotonic() < end:
        time.sleep(0.1)
    assert ask() == "here"
    database.close()


def test_a_statement_that_fails_does_not_make_a_database_unavailable(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path / 's.sqlite'}")
    for _ in range(10):
        with pytest.raises(ServingError, match="no such table"), database.reading() as connection:
            connection.exec_driver_sql("SELECT * FROM absent")
    with database.reading() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1
    database.close()

"""One database: its connections, its schema, and its errors in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from recsys.errors import DataError, ServingError, UnavailableError
from serving import schema_version
from serving.breaker import CircuitBreaker

CONNECT_SECONDS = 5  # until a database that does not answer counts as down
FAILURES, REST_SECONDS = 5, 1.0  # connections in a row, before it is left alone for so long
LOCK_SECONDS = 10  # that a writer waits for another one
STATEMENT_SECONDS = 30  # of one statement: only a sick database takes longer
# the database's state, not the statement's: another time the same may pass
_PASSING = (
    sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError, sa.exc.InternalError,
)  # fmt: skip

_POSTGRESQL = {
    "connect_timeout": CONNECT_SECONDS,
    # a machine that vanished says nothing: without these its connections would wait for hours
    "tcp_user_timeout": CONNECT_SECONDS * 1000, "keepalives_idle": CONNECT_SECONDS,
    "keepalives_interval": 2, "keepalives_count": 3,
}  # fmt: skip


class Database:
    """Connections to SQLite or PostgreSQL; safe to use from several threads.

    Args:
        url: an SQLAlchemy URL.

    Raises:
        ServingError: it cannot be used, or a newer Vitrine made it.

    Example:
        >>> with Database("sqlite://").reading() as connection:
        ...     connection.scalar(sa.text("SELECT 1"))
        1
    """

    def __init__(self, url: str) -> None:
        self.name = _without_password(url)
        self._breaker = CircuitBreaker(FAILURES, REST_SECONDS, self.name)
        with self._errors():
            self._engine = _engine(url)
        try:
            with self._errors():
                schema_version.upgrade(self._engine, self.name)
        except BaseException:
            self._engine.dispose()
            raise
        dialect = self._engine.dialect.name
        self.insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert

    def close(self) -> None:
        """Closes every connection."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection to read by."""
        with self._errors(), self._connected() as connection:
            yield connection

    @contextmanager
    def writing(self, *, alone: bool = False) -> Iterator[sa.Connection]:
        """A connection in a transaction: what is done in it is done whole, or not at all.

        Args:
            alone: wait until no other transaction that asked for this runs, in any program.
        """
        with self._errors(), self._connected() as connection, connection.begin():
            if alone:
                schema_version.wait_for_others(connection)
            yield connection

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        """A connection; while there is none to be had, that is said without waiting."""
        with self._breaker.call(), self._errors():
            connection = self._engine.connect()
        with connection:
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.DataError, UnicodeEncodeError) as error:
            raise DataError(
                f"a text or number that this database cannot hold: {_cause(error)}.",
                where=self.name, mend="Leave out control characters and numbers out of range.",
            ) from error  # fmt: skip
        except ImportError as error:
            raise ServingError(
                f"the database's driver is not installed: {error}.", where=self.name,
                mend="PostgreSQL's comes with `pip install vitrine[postgresql]`.",
            ) from error  # fmt: skip
        except sa.exc.SQLAlchemyError as error:
            kind = UnavailableError if isinstance(error, _PASSING) else ServingError
            raise kind(
                f"the database cannot be used: {_cause(error)}.", where=self.name,
                mend="Check serving.database_url and that the database is up and can be written.",
            ) from error  # fmt: skip


def is_deadlock(error: ServingError) -> bool:
    """Whether PostgreSQL gave a transaction up for another one: it may be tried again."""
    cause = getattr(error.__cause__, "orig", None)
    return getattr(cause, "sqlstate", None) in ("40P01", "40001")


def _engine(url: str) -> sa.Engine:
    made = sa.make_url(url)
    if made.get_backend_name() == "postgresql":
        if made.drivername == "postgresql":  # SQLAlchemy's own choice is a driver of the past
            made = made.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(
            made, pool_pre_ping=True, pool_size=8, max_overflow=24, pool_timeout=CONNECT_SECONDS,
            hide_parameters=True, connect_args=_POSTGRESQL,
        )  # fmt: skip
        sa.event.listen(engine, "connect", _set_postgresql)
        return engine
    if made.get_backend_name() != "sqlite":
        return sa.create_engine(made, pool_pre_ping=True, hide_parameters=True)
    memory = made.database in (None, "", ":memory:")
    # one connection, or each would see a memory of its own
    pool: dict[str, Any] = {"poolclass": sa.pool.StaticPool} if memory else {"max_overflow": 64}
    engine = sa.create_engine(
        made, hide_parameters=True,
        connect_args={"check_same_thread": False, "timeout": LOCK_SECONDS}, **pool,
    )  # fmt: skip
    sa.event.listen(engine, "connect", _set_sqlite)
    return engine


def _set_sqlite(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")  # readers do not wait for the writer
    cursor.execute("PRAGMA synchronous=FULL")  # an acknowledged event outlives a power cut
    cursor.execute("PRAGMA secure_delete=ON")  # what is deleted is gone from the file too
    cursor.close()


def _set_postgresql(connection: Any, record: Any) -> None:
    connection.autocommit = True  # or a rollback would undo the settings
    connection.execute("SET synchronous_commit = on")  # an acknowledged event outlives a power cut
    connection.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")
    connection.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    connection.autocommit = False


def _cause(error: Exception) -> str:
    cause = str(getattr(error, "orig", None) or error)
    # what follows the first line may quote the row: a log must not hold a user's id
    return (cause.splitlines() or [type(error).__name__])[0].rstrip(".")


def _without_password(url: str) -> str:
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "serving.database_url"

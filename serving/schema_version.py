"""Which revision a store's schema is of, and how it comes to the newest one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from recsys.errors import ServingError

FIRST = "0001"  # what Vitrine made before it wrote down revisions
LOCK = 0x76697472  # any number that no other program locks; PostgreSQL's locks have no names


def upgrade(engine: sa.Engine, where: str) -> None:
    """Brings a store's schema to the newest revision, in one transaction.

    An empty database gets every table; one that was made before there were revisions is taken
    over as it is. Programs that start at once wait for one another.

    Args:
        engine: of the database.
        where: how errors name it.

    Raises:
        ServingError: a newer Vitrine made it.
    """
    with engine.connect() as connection:
        if revision_of(connection) == _script().get_current_head():
            return
    with engine.connect() as connection:
        wait_for_others(connection)
        current = revision_of(connection)
        known = {script.revision for script in _script().walk_revisions()}
        if current is not None and current not in known:
            raise ServingError(
                f"a newer Vitrine made this database: its schema is of revision {current}, and "
                f"the newest that this version knows is {max(known)}.", where=where,
                mend="Install the version that made it, or name another serving.database_url.",
            )  # fmt: skip
        config = _config()
        config.attributes["connection"] = connection
        if current is None and sa.inspect(connection).has_table("events"):
            command.stamp(config, FIRST)
        command.upgrade(config, "head")
        connection.commit()


def wait_for_others(connection: sa.Connection) -> None:
    """Begins a transaction that overlaps with no other one that began by this."""
    if connection.dialect.name == "sqlite":
        # sqlite3 would begin one only at the first change, after what was read before it
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))


def revision_of(connection: sa.Connection) -> str | None:
    """The revision that a database says it is of; None where it says nothing."""
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "serving:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())

"""Refreshes a shop every night by Airflow 2.4 or newer; needs nothing but the `vitrine` command.

Set the Airflow variable `vitrine_workdir` to the workdir that `vitrine run` has made.
"""

from __future__ import annotations

import datetime
import subprocess

from airflow.decorators import dag, task
from airflow.exceptions import AirflowException, AirflowFailException
from airflow.models import Variable

LATER = {5: "out of time, the next try goes on", 6: "another process works in the workdir"}


@dag(
    dag_id="vitrine_refresh",
    schedule="0 3 * * *",
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
)
def vitrine_refresh() -> None:
    """One task; what it prints is the refresh's JSON."""

    @task(retries=3, retry_delay=datetime.timedelta(minutes=10))
    def refresh() -> None:
        workdir = Variable.get("vitrine_workdir")
        command = ["vitrine", "refresh", "--workdir", workdir, "--max-minutes", "110", "--json"]
        code = subprocess.run(command, check=False).returncode
        if code in LATER:
            raise AirflowException(LATER[code])  # tried again
        if code:
            # a failed gate (3) and refused tables (4) need a person: trying again cannot help
            raise AirflowFailException(f"the refresh ended with {code}")

    refresh()


vitrine_refresh()

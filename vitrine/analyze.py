"""`vitrine analyze`: reads the tables, looks through the events, writes the page."""

from __future__ import annotations

import json
from typing import Any

from recsys.analysis.analysis import analyze as look_through
from recsys.analysis.page import render_html
from recsys.analysis.taste import item_vectors
from recsys.artifact import open_artifact, write_artifact
from recsys.catalog import load_catalog
from recsys.config import Config
from recsys.interactions import load_interactions
from recsys.workdir import Workdir
from vitrine.check_report import thumbnail
from vitrine.locking import workdir_lock
from vitrine.pipeline import bring_up_to_date

KIND = "analysis"


def analyze(config: Config, workdir: Workdir) -> dict[str, Any]:
    """Prepares the tables where they have changed, then writes report.json and report.html.

    Audiences are made of photo embeddings where `vitrine embed` has been run, of the model's
    vectors where there are no photos, of categories before either.

    Returns:
        The report, as report.json holds it.

    Raises:
        DataError: there are no events, or the tables are refused.
    """
    with workdir_lock(workdir.root):
        bring_up_to_date("prepare", config, workdir)
        catalog, events = load_catalog(workdir), load_interactions(workdir)
        items = item_vectors(workdir, catalog)
        weights = config.model.event_weights
        report = look_through(events, catalog, items, config.analysis, weights)
        tables = open_artifact(workdir.tables, "tables", mend="Run `vitrine prepare` first.")
        with write_artifact(workdir.analysis, KIND) as draft:
            draft.inputs["tables"] = tables.fingerprint
            text = json.dumps(report, indent=2, sort_keys=True, allow_nan=False)
            (draft.path / "report.json").write_text(text, encoding="utf-8")
            page = render_html(report, thumbnail)
            (draft.path / "report.html").write_text(page, encoding="utf-8")
    return report

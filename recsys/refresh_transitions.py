"""The transitions counted again from today's events, weighted as they were fitted."""

from __future__ import annotations

from typing import Any

from recsys import columns
from recsys.artifact import fingerprint_of, open_artifact, write_artifact
from recsys.catalog import load_catalog
from recsys.config import Config, ModelConfig, TransitionsConfig
from recsys.errors import ArtifactError
from recsys.interactions import load_interactions
from recsys.learn_transitions import KIND, MEND, TABLE
from recsys.progress import say
from recsys.repeats import masked_kinds
from recsys.sequences import make_sequences
from recsys.splits import leave_last_out
from recsys.transitions import count_transitions
from recsys.workdir import Workdir


def refresh_transitions(config: Config, trained: Workdir, draft: Workdir) -> dict[str, Any]:
    """Counts what followed what in the draft's tables; nothing is fitted.

    Args:
        config: what the transitions were fitted with decides; nothing of this is read.
        trained: whose settings and mixture are taken.
        draft: whose tables and model are read, and whose transitions are written.

    Returns:
        How many items, events and entries the table is of.

    Raises:
        ArtifactError: there are no transitions, or they were fitted to another training.
    """
    source = open_artifact(trained.transitions, KIND, mend=MEND)
    model = open_artifact(draft.model, "model", mend="Run `vitrine train` first.")
    if source.inputs["model"] != model.trained:
        raise ArtifactError("the transitions were fitted to another model.",
                            where=str(trained.transitions), mend="Run `vitrine transitions` again."
                            )  # fmt: skip
    tables = open_artifact(draft.tables, "tables", mend="Run `vitrine prepare` first.")
    item_ids = [str(item_id) for item_id in load_catalog(draft)[columns.ITEM_ID].tolist()]
    settings = TransitionsConfig.model_validate(source.info["settings"])
    fitted = ModelConfig.model_validate(model.info["model"])
    mask = masked_kinds(fitted)
    events = make_sequences(load_interactions(draft), item_ids, fitted.event_weights)
    if settings.learn_from == "training":  # the last targets stay unseen, for the evaluation
        events = leave_last_out(events, len(item_ids), mask_repeats=mask).train
    table = count_transitions(events, len(item_ids), settings, mask_repeats=mask)
    summary = {"items": len(item_ids), "events": len(events.rows), "entries": len(table.followers)}
    with write_artifact(draft.transitions, KIND) as made:
        made.inputs = {"tables": tables.fingerprint, "model": model.trained,
                       "items": fingerprint_of(item_ids)}  # fmt: skip
        made.info = {**source.info, "entries": summary["entries"], "refreshed": summary}
        table.save(made.path / TABLE)
    say(f"  counted {summary['events']} events of {summary['items']} items")
    return summary

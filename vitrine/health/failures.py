"""What could not be used in a refresh, by cause: photos and rows of the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from recsys import columns
from recsys.embedding_table import REJECTED_FILE as REJECTED_PHOTOS
from recsys.errors import ArtifactError
from recsys.prepare import REJECTED_FILE as REJECTED_ROWS
from recsys.workdir import Workdir

SHOWN = 10  # examples of each cause
MAX_TEXT = 300  # letters of an example's detail


def failures(workdir: Workdir) -> dict[str, Any]:
    """Counts and examples of what was rejected.

    Returns:
        `photos` and `rows`, each with its total, causes (cause → count, most frequent first)
        and examples (cause → items with what was said of them).

    Raises:
        ArtifactError: a list of what was rejected cannot be read.
    """
    return {
        "photos": _summed(_read(workdir.embeddings / REJECTED_PHOTOS)),
        "rows": _summed(_read(workdir.tables / REJECTED_ROWS)),
    }


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame(columns=list(columns.REJECTED))
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise ArtifactError(f"what was rejected cannot be read: {error}.", where=str(path),
                            mend="Run `vitrine verify`.") from error  # fmt: skip


def _summed(rejected: pd.DataFrame) -> dict[str, Any]:
    counts = rejected[columns.REASON].value_counts()
    causes = {str(cause): int(count) for cause, count in counts.items()}
    examples = {}
    for cause in causes:
        first = rejected[rejected[columns.REASON] == cause].head(SHOWN)
        examples[cause] = [
            {"id": str(item_id), "detail": str(detail)[:MAX_TEXT]}
            for item_id, detail in zip(first[columns.ITEM_ID], first[columns.DETAIL], strict=True)
        ]
    return {"total": len(rejected), "causes": causes, "examples": examples}

"""Where things lie in a workdir: one folder per step, each an artifact of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workdir:
    """The folder of one catalog: what each step wrote, and the bundles made of it.

    Example:
        >>> Workdir(Path("w")).embeddings.as_posix()
        'w/embeddings'
    """

    root: Path

    @property
    def tables(self) -> Path:
        """Checked tables: catalog.parquet, interactions.parquet, rejected.parquet."""
        return self.root / "tables"

    @property
    def tower(self) -> Path:
        """The trained image tower."""
        return self.root / "tower"

    @property
    def embeddings(self) -> Path:
        """The embedding table: Parquet parts and their manifest."""
        return self.root / "embeddings"

    @property
    def words(self) -> Path:
        """The text tower, by which words find photos."""
        return self.root / "words"

    @property
    def model(self) -> Path:
        """The trained two-tower model and its candidate vectors."""
        return self.root / "model"

    @property
    def transitions(self) -> Path:
        """The table of what followed what, and how much it adds to the model."""
        return self.root / "transitions"

    @property
    def ranker(self) -> Path:
        """The ranker over the first candidates, and whether validation kept it."""
        return self.root / "ranker"

    @property
    def index(self) -> Path:
        """The chosen index settings and what recall they reached."""
        return self.root / "index"

    @property
    def evaluation(self) -> Path:
        """The report: report.json, report.txt, report.html."""
        return self.root / "evaluation"

    @property
    def analysis(self) -> Path:
        """What shoppers do: report.json, report.html."""
        return self.root / "analysis"

    @property
    def models(self) -> Path:
        """TensorFlow Serving's model folders: models/<servable>/<version>/."""
        return self.root / "export" / "models"

    @property
    def bundles(self) -> Path:
        """Bundles: bundles/<version>/bundle.json, published by rename after the servables."""
        return self.root / "export" / "bundles"

    @property
    def export(self) -> Path:
        """What is served: models, bundles, and TensorFlow Serving's config files."""
        return self.root / "export"

    @property
    def steps(self) -> Path:
        """One JSON record for each step that has finished."""
        return self.root / "steps"

    @property
    def store(self) -> Path:
        """The API's SQLite database, unless a URL names another."""
        return self.root / "store.sqlite"

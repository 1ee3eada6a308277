"""A workdir that can be refreshed in a blink: real tables and publication, stand-in models."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest

from recsys.artifact import write_artifact
from recsys.config import Config, dump_config, load_config
from recsys.prepare import prepare
from recsys.workdir import Workdir
from serving.bundle import list_versions
from vitrine import refresh as refreshing
from vitrine import refresh_record
from vitrine.refresh_outcome import UNCHANGED
from vitrine.refresh_stages import STAGES, Stage, fingerprint

FIGURES = {
    "items": {"lost_share": 0.0, "photos_lost_share": 0.0}, "drift": None, "neighbors": None,
    "canaries": {}, "index": {}, "near_duplicates": None,
}  # fmt: skip


@dataclass
class Shop:
    """A small shop, its workdir, and what its stand-ins do.

    Attributes:
        ran: the names of the stages that had work, in order.
        fail: stage → what it raises.
        figures: what is measured.
    """

    folder: Path
    config: Config
    ran: list[str] = field(default_factory=list)
    fail: dict[str, BaseException] = field(default_factory=dict)
    figures: dict = field(default_factory=lambda: dict(FIGURES))

    @property
    def workdir(self) -> Workdir:
        """What a reader finds now."""
        return Workdir(self.folder / "w")

    @property
    def versions(self) -> list[int]:
        """The published bundles."""
        return list_versions(self.workdir)

    def write(self, rows: list[tuple[str, str]]) -> None:
        """Writes the catalog: ids and titles."""
        frame = pd.DataFrame(rows, columns=["item_id", "title"])
        frame.to_csv(self.folder / "catalog.csv", index=False)

    def refresh(self, **asked) -> refreshing.Outcome:
        """One refresh; `ran` then holds what it did."""
        self.ran.clear()
        return refreshing.refresh(self.config, self.workdir.root, refreshing.Asked(**asked))

    def step(self, name: str, write) -> None:
        """Notes that a stage runs, or fails as it was told to."""
        self.ran.append(name)
        if name in self.fail:
            raise self.fail.pop(name)
        write()


def make_shop(folder: Path, patch: pytest.MonkeyPatch) -> Shop:
    """A shop of ten items, prepared and indexed and with one bundle, as after `vitrine run`."""
    overrides = [f"data.root={folder}", "data.catalog=catalog.csv", "data.events="]
    shop = Shop(folder, load_config(None, overrides))
    shop.write([(f"i{number}", f"item {number}") for number in range(10)])
    prepare(shop.config, shop.workdir)
    _write_index(shop.workdir)
    _export(shop, shop.workdir)
    stand_in(shop, patch)
    patch.setattr(refresh_record.pipeline, "is_up_to_date", lambda *_: True)
    assert shop.refresh().status == UNCHANGED  # as after a run; from here on refreshes remember
    patch.setattr(refresh_record.pipeline, "is_up_to_date", lambda *_: False)
    return shop


def open_shop(folder: Path, patch: pytest.MonkeyPatch) -> Shop:
    """The same shop in another process."""
    overrides = [f"data.root={folder}", "data.catalog=catalog.csv", "data.events="]
    shop = Shop(folder, load_config(None, overrides))
    stand_in(shop, patch)
    patch.setattr(refresh_record.pipeline, "is_up_to_date", lambda *_: False)
    return shop


def stand_in(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    """Puts quick stages, and an export without servables, in the place of the real ones."""
    tables = STAGES[0]
    stages = (
        Stage("tables", tables.step, "tables", tables.applies, tables.key,
              lambda c, p, d: shop.step("tables", lambda: prepare(c, d)) or {}),
        Stage("index", "index", "index", tables.applies,
              lambda c, w: [c.index.seed, fingerprint(w, "tables")],
              lambda c, p, d: shop.step("index", lambda: _write_index(d)) or {}),
    )  # fmt: skip
    for module in (refreshing, refresh_record):
        patch.setattr(module, "STAGES", stages)
    _stand_in(patch, "serving.export", export=lambda c, w: _exported(shop, w))
    _stand_in(patch, "vitrine.health.measure", measure=lambda c, o, d: shop.figures)
    _stand_in(patch, "vitrine.health.report", write_report=_write_report)


def _stand_in(patch: pytest.MonkeyPatch, name: str, **functions) -> None:
    module = types.ModuleType(name)
    vars(module).update(functions)
    patch.setitem(sys.modules, name, module)


def _write_index(workdir: Workdir) -> None:
    with write_artifact(workdir.index, "index") as draft:
        (draft.path / "index.json").write_text('{"spaces": {}}')
        draft.inputs = {"tables": fingerprint(workdir, "tables")}


def _exported(shop: Shop, workdir: Workdir) -> dict:
    made: dict = {}
    shop.step("export", lambda: made.update(_export(shop, workdir)))
    return made


def _export(shop: Shop, workdir: Workdir) -> dict:
    version = max(list_versions(workdir), default=0) + 1
    with write_artifact(workdir.bundles / str(version), "bundle") as draft:
        (draft.path / "config.yaml").write_text(dump_config(shop.config))
        draft.inputs = {name: fingerprint(workdir, name) for name in ("tables", "index")}
        draft.info = {"version": version, "servables": [], "fingerprint": f"f{version}"}
    return draft.info


def _write_report(folder: Path, *_) -> None:
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("a report")


if __name__ == "__main__":  # one refresh in a process of its own, to be killed
    opened = open_shop(Path(sys.argv[1]), pytest.MonkeyPatch())
    print("begins", flush=True)
    sys.exit(opened.refresh().exit_code)

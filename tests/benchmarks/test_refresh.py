"""What the benchmark changes of a shop is what it says."""

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from refresh import change_shop, touch_catalog


def test_a_share_of_photos_gets_bytes_that_were_never_there(tmp_path):
    (tmp_path / "images").mkdir()
    names = [f"images/{number}.jpg" for number in range(100)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(bytes([number]) * 2000)
    ids = [f"i{number}" for number in range(100)]
    frame = pd.DataFrame({"item_id": ids, "image": names, "title": "as it was"})
    frame.to_parquet(tmp_path / "catalog.parquet")
    before = {name: (tmp_path / name).read_bytes() for name in names}
    told = change_shop(tmp_path, set(ids[:20]), share=0.05, seed=1)
    assert told == {"photos": 5, "facts": 5, "removed": 2}
    assert all((tmp_path / name).read_bytes() == before[name] for name in names[20:])
    changed = [(tmp_path / name).read_bytes() for name in names
               if (tmp_path / name).read_bytes() != before[name]]  # fmt: skip
    assert len(changed) == len(set(changed)) == 5
    assert not set(changed) & set(before.values())
    after = pd.read_parquet(tmp_path / "catalog.parquet")
    assert len(after) == 98 and (after["title"] == "changed tonight").sum() == 5
    touch_catalog(tmp_path)
    assert "description" in pd.read_parquet(tmp_path / "catalog.parquet")

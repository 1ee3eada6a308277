"""Quality on real data: imports it, runs the whole pipeline, and prints the report.

    python benchmarks/quality.py movielens --data ../shared/data [--record] [--set key=value]
    python benchmarks/quality.py movielens --data ../shared/data --seeds 0,1,2 --record
    python benchmarks/quality.py clothing --data ../shared/data --weights ../shared/weights

The report names its protocol, seeds and intervals; time and memory are those of `vitrine run`.
With `--seeds` there is one run for each, and every test case is also asked of the servables that
each run published, exact and ScaNN; the table gives mean and spread.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from recording import VITRINE, measure, record

# name: the layout, the folder under --data, the title in docs/results.md
DATA = {
    "movielens": ("movielens", "ml-latest-small", "MovieLens latest small"),
    "clothing": ("folders", "clothing-small-224", "Clothing photos"),
    "fashion": ("fashion-products", "fashion-products-60x80", "Fashion products"),
}
WEIGHTS = "efficientnet_lite0_notop.kerascv_std.weights.h5"


def main() -> None:
    """Runs one data set's pipeline in a folder of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(DATA))
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--weights", type=Path, help="the folder of the weights files")
    parser.add_argument("--workdir", type=Path, help="kept; a temporary one otherwise")
    parser.add_argument("--seeds", help="one run for each, such as 0,1,2; asks the servables too")
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    arguments = parser.parse_args()
    layout, folder, title = DATA[arguments.name]
    with tempfile.TemporaryDirectory() as scratch:
        tables = Path(scratch) / "tables"
        workdir = arguments.workdir or Path(scratch) / "work"
        measure([*VITRINE, "import", layout, str(arguments.data / folder), str(tables)])
        overrides = [f"data.root={tables}", *arguments.overrides]
        if arguments.weights:
            overrides.append(f"tower.weights={arguments.weights / WEIGHTS}")
        if arguments.seeds:
            seeds = [int(seed) for seed in arguments.seeds.split(",")]
            text = _over_seeds(arguments.name, workdir, overrides, seeds)
        else:
            text = _run(arguments.name, workdir, overrides)
    print(text)
    if arguments.record:
        shown = f"python benchmarks/quality.py {arguments.name} --data DATA"
        shown += " --weights WEIGHTS" if arguments.weights else ""
        shown += f" --seeds {arguments.seeds}" if arguments.seeds else ""
        shown += "".join(f" --set {override}" for override in arguments.overrides)
        record(title, shown + " --record", text)


def _run(name: str, workdir: Path, overrides: list[str]) -> str:
    """One whole run: its time, memory and report."""
    command = [*VITRINE, "run", "--config", f"configs/{name}.yaml", "--workdir", str(workdir)]
    command += [part for override in overrides for part in ("--set", override)]
    measured = measure(command)
    return (
        f"vitrine run: {measured.seconds / 60:.1f} min, peak memory "
        f"{measured.peak_gib:.2f} GiB\n\n{measured.output}"
    )


def _over_seeds(name: str, workdir: Path, overrides: list[str], seeds: list[int]) -> str:
    """A run for each seed, and what their servables reach; the report of the first."""
    from served_quality import summary

    workdirs = [workdir / f"seed-{seed}" for seed in seeds]
    texts = []
    for seed, place in zip(seeds, workdirs, strict=True):
        if place != workdirs[0]:
            _share(workdirs[0], place)
        texts.append(_run(name, place, [*overrides, f"train.seed={seed}"]))
    times = [text.partition("\n")[0] for text in texts]
    return "\n".join([*times, "", summary(workdirs), "", f"the report of seed {seeds[0]}:",
                      texts[0].partition("\n\n")[2]])  # fmt: skip


def _share(first: Path, other: Path) -> None:
    """Gives a run what no seed of the recommender changes: tables, photo tower, embeddings."""
    for name in ("tables", "tower", "embeddings"):
        if (first / name).is_dir() and not (other / name).exists():
            shutil.copytree(first / name, other / name)
    (other / "steps").mkdir(exist_ok=True)
    for step in ("prepare", "train-tower", "embed"):
        shutil.copy(first / "steps" / f"{step}.json", other / "steps" / f"{step}.json")


if __name__ == "__main__":
    main()

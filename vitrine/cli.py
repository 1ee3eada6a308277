"""The commands: each parses, calls one function and prints what it returns.

Imports of anything that costs time stand inside the commands: `vitrine --help` answers in
under a second.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from recsys.errors import ConfigError
from vitrine.engine_option import AddressOption, EngineOption, with_engine
from vitrine.options import ConfigOption, JsonOption, SetOption, WorkdirOption
from vitrine.refresh_commands import add_refresh_commands
from vitrine.study_commands import add_study_commands

app = typer.Typer(
    help="Similar items and personalized recommendations from product photos and behavior.",
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
importers = typer.Typer(
    help="Turn a known layout of files into a catalog and events.", no_args_is_help=True
)
app.add_typer(importers, name="import")
keys = typer.Typer(help="Make, list and revoke the API's keys.", no_args_is_help=True)
app.add_typer(keys, name="keys")

FolderArgument = Annotated[Path, typer.Argument(help="The folder to read.")]
OutArgument = Annotated[Path, typer.Argument(help="Where catalog.parquet is written.")]


@app.callback(invoke_without_command=True)
def start(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; anywhere.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Similar items and personalized recommendations from product photos and behavior."""
    if version:
        from vitrine import __version__

        print(__version__)
        raise typer.Exit


@app.command("make-shop")
def make_shop(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    items: Annotated[int, typer.Option(min=1, help="How many products.")] = 600,
    users: Annotated[int, typer.Option(min=1, help="How many shoppers.")] = 2000,
    seed: Annotated[int, typer.Option(help="Same seed, same shop.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Draw a shop: photos, catalog and events, to try Vitrine on."""
    from vitrine import shop

    _print(shop.make_shop(folder, items=items, users=users, seed=seed), as_json)


@importers.command("movielens")
def import_movielens(folder: FolderArgument, out: OutArgument, as_json: JsonOption = False) -> None:
    """MovieLens small, 100K or 1M files, with optional posters/<movieId>.jpg."""
    from vitrine.importers import movielens

    _print(movielens.import_movielens(folder, out), as_json)


@importers.command("fashion-products")
def import_fashion_products(
    folder: FolderArgument, out: OutArgument, as_json: JsonOption = False
) -> None:
    """A styles.csv with images/<id>.jpg."""
    from vitrine.importers import fashion_products

    _print(fashion_products.import_fashion_products(folder, out), as_json)


@importers.command("folders")
def import_folders(folder: FolderArgument, out: OutArgument, as_json: JsonOption = False) -> None:
    """One folder of photos per class, with optional train/validation/test above."""
    from vitrine.importers import folders

    _print(folders.import_folders(folder, out), as_json)


@app.command("check")
def check(
    config: ConfigOption = None,
    overrides: SetOption = None,
    html: Annotated[Path | None, typer.Option(help="Also write an HTML page here.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check catalog, events and photos, and say what is rejected and why."""
    from recsys.config import load_config
    from vitrine.check import check as check_shop
    from vitrine.check_report import render_text

    report = check_shop(load_config(config, overrides), html)
    print(json.dumps(report, indent=2) if as_json else render_text(report))


def _add_step(name: str, help_text: str) -> None:
    """Adds the command of one pipeline step."""

    @app.command(name, help=help_text)
    def step(
        workdir: WorkdirOption,
        config: ConfigOption = None,
        overrides: SetOption = None,
        as_json: JsonOption = False,
    ) -> None:
        _run_step(name, workdir, config, overrides, as_json)


def _add_heavy_step(name: str, help_text: str) -> None:
    """Adds the command of a step that a cluster can run."""

    @app.command(name, help=help_text)
    def step(
        workdir: WorkdirOption,
        config: ConfigOption = None,
        overrides: SetOption = None,
        engine: EngineOption = None,
        address: AddressOption = None,
        as_json: JsonOption = False,
    ) -> None:
        _run_step(name, workdir, config, with_engine(overrides, engine, address), as_json)


def _run_step(
    name: str, workdir: Path, config: Path | None, overrides: list[str] | None, as_json: bool
) -> None:
    from recsys.config import load_config
    from recsys.workdir import Workdir
    from vitrine import pipeline

    summary = pipeline.run_step(name, load_config(config, overrides), Workdir(workdir))
    if name == "evaluate" and not as_json:
        _print_report(Workdir(workdir))
    else:
        _print(summary, as_json)


_add_step("prepare", "Read and check the catalog and the events (every step does it first).")
_add_heavy_step("train-tower", "Train the image tower on the catalog's photos.")
_add_heavy_step("embed", "Turn the photos into the embedding table.")
_add_step("train-words", "Train the text tower, by which words find photos.")
_add_heavy_step("train", "Train the two-tower recommender.")
_add_step("transitions", "Count what followed what; follows new events without any training.")
_add_step("rank", "Train a ranker over the first candidates; validation says whether it is kept.")
_add_step("index", "Search the index settings that reach the target recall.")
_add_step("evaluate", "Measure the model beside the baselines, and photo retrieval.")
_add_step("export", "Publish a bundle: servables for TensorFlow Serving.")

add_study_commands(app)
add_refresh_commands(app)


@app.command("run")
def run(
    workdir: WorkdirOption,
    config: ConfigOption = None,
    overrides: SetOption = None,
    engine: EngineOption = None,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run all steps; those whose inputs and settings have not changed are skipped."""
    from recsys.config import load_config
    from recsys.workdir import Workdir
    from vitrine import pipeline

    overrides = with_engine(overrides, engine, address)
    summaries = pipeline.run(load_config(config, overrides), Workdir(workdir))
    if as_json:
        print(json.dumps(summaries, indent=2))
    else:
        _print_report(Workdir(workdir))


@app.command("analyze")
def analyze(
    workdir: WorkdirOption,
    config: ConfigOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look through the events: funnel, sessions, sellers, prices, audiences; a page with plots."""
    from recsys.analysis.page import render_text
    from recsys.config import load_config
    from recsys.workdir import Workdir
    from vitrine.analyze import analyze as analyze_shop

    place = Workdir(workdir)
    if config is None and (place.root / "config.yaml").is_file():
        config = place.root / "config.yaml"
    report = analyze_shop(load_config(config, overrides), place)
    print(json.dumps(report, indent=2) if as_json else render_text(report))
    print(f"\nfull report: {place.analysis / 'report.html'}", file=sys.stderr)


@app.command("judge-tower")
def judge_tower(
    workdir: WorkdirOption,
    config: ConfigOption = None,
    overrides: SetOption = None,
    split: Annotated[str, typer.Option(help="validation or test.")] = "test",
    report: Annotated[
        Path | None, typer.Option(help="Write the whole report here, .html or .json.")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option(help="Compare the groups of this column in the report.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure what the image tower names: accuracy, macro-F1, calibration error of each label.

    The report adds confusions, the worst mistakes, what crops, blur, light, JPEG, another
    background and an adversary cost, and for which groups of items it works less well.
    """
    if split not in ("validation", "test"):
        raise typer.BadParameter("--split is validation or test.")
    from recsys.config import load_config
    from recsys.workdir import Workdir

    settings, place = load_config(config, overrides), Workdir(workdir)
    if report is not None:
        from vitrine.tower_report import write_report

        found = write_report(settings, place, split, report, by)["heads"]
    else:
        from embeddings.judge_tower import judge_tower as judge

        found = judge(settings, place, split)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for name, row in found.items():
        error = row["calibration_error"]
        print(f"{name}: {row['photos']} photos, {row['classes']} classes, accuracy "
              f"{row['accuracy']:.3f}, macro-F1 {row['macro_f1']:.3f}, calibration error "
              f"{error['after']:.3f} (uncalibrated {error['before']:.3f})")  # fmt: skip


@app.command("shrink-tower")
def shrink_tower(
    workdir: WorkdirOption,
    out: Annotated[Path, typer.Option(help="A new folder.")],
    config: ConfigOption = None,
    overrides: SetOption = None,
    form: Annotated[str, typer.Option(help="float16, int8 or pruned.")] = "int8",
    as_json: JsonOption = False,
) -> None:
    """Write the image tower as a smaller TFLite file, if it finds neighbors as well."""
    if form not in ("float16", "int8", "pruned"):
        raise typer.BadParameter("--form is float16, int8 or pruned.")
    from embeddings.shrink import shrink
    from recsys.config import load_config
    from recsys.workdir import Workdir

    found = shrink(load_config(config, overrides), Workdir(workdir), form, out)  # type: ignore[arg-type]
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for name in ("float32", "small"):
        row = found[name]
        print(f"{form if name == 'small' else name}: {row['bytes'] / 1e6:.1f} MB, compressed "
              f"{row['compressed_bytes'] / 1e6:.1f} MB, "
              f"{row['photos_per_second']:.0f} photos/s, R@1 {row['r_at_1']:.4f}")  # fmt: skip


@app.command("label-next")
def label_next(
    count: Annotated[int, typer.Argument(min=1, help="How many items, at most.")],
    workdir: WorkdirOption,
    out: Annotated[Path, typer.Option(help="The CSV to write.")],
    config: ConfigOption = None,
    overrides: SetOption = None,
    label: Annotated[str, typer.Option(help="category, or an attr_ column.")] = "category",
) -> None:
    """Pick the unlabeled items whose labels would teach the tower most, as a CSV to fill in."""
    from embeddings.label_next import label_next as pick_items
    from recsys.config import load_config
    from recsys.workdir import Workdir

    picks = pick_items(load_config(config, overrides), Workdir(workdir), count, label)
    picks.to_csv(out, index=False)
    print(f"{len(picks)} items to label as `{label}`: {out}")


@app.command("describe")
def describe(
    workdir: WorkdirOption,
    image: Annotated[str, typer.Option(help="A photo: a file or a URL.")],
    config: ConfigOption = None,
    overrides: SetOption = None,
    explain: Annotated[
        Path | None, typer.Option(help="Write a PNG that shows where the tower looked.")
    ] = None,
    label: Annotated[
        str, typer.Option(help="What is explained: category, or an attr_ column.")
    ] = "category",
    like: Annotated[
        str | None, typer.Option(help="Another photo: explain what makes the two similar.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a photo shows: category, attributes, nearest items, and what is wrong with it."""
    if like is not None and explain is None:
        raise typer.BadParameter("--like needs --explain FILE.")
    from embeddings.describe import Describer
    from recsys.config import load_config
    from recsys.workdir import Workdir

    describer = Describer(load_config(config, overrides), Workdir(workdir))
    found = describer.describe(image)
    if explain is not None:
        shown = describer.explain_pair(image, like) if like else describer.explain(image, label)
        shown.save(explain, "PNG")
    print(json.dumps(found.as_dict(), indent=2) if as_json else "\n".join(found.lines()))


@app.command("similar")
def similar(
    workdir: WorkdirOption,
    item: Annotated[str | None, typer.Option(help="An item id.")] = None,
    image: Annotated[Path | None, typer.Option(help="A photo file.")] = None,
    k: Annotated[int, typer.Option("--k", min=1, help="How many answers.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Items similar to an item or to a photo, from the newest bundle, without a server."""
    if (item is None) == (image is None):
        raise typer.BadParameter("give either --item or --image.")
    from recsys.workdir import Workdir
    from serving.local import LocalBundle

    bundle = LocalBundle(Workdir(workdir))
    answers = bundle.similar_items(item, k) if item is not None else bundle.similar_to_image(
        _existing(image), k)  # fmt: skip
    _print_answers(answers, as_json)


@app.command("recommend")
def recommend(
    workdir: WorkdirOption,
    user: Annotated[str | None, typer.Option(help="A user id.")] = None,
    history: Annotated[str | None, typer.Option(help="Item ids, oldest first: ID,ID,…")] = None,
    k: Annotated[int, typer.Option("--k", min=1, help="How many answers.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Recommendations for a user or a history, from the newest bundle, without a server."""
    if (user is None) == (history is None):
        raise typer.BadParameter("give either --user or --history.")
    from recsys.workdir import Workdir
    from serving.local import LocalBundle

    bundle = LocalBundle(Workdir(workdir))
    if user is not None:
        answers = bundle.recommend(user, k)
    else:
        item_ids = [part.strip() for part in (history or "").split(",") if part.strip()]
        answers = bundle.recommend_for_history(item_ids, k)
    _print_answers(answers, as_json)


@app.command(
    "model-server", add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)  # fmt: skip
def model_server(context: typer.Context) -> None:
    """Serve model folders over TensorFlow Serving's protocol; takes its flags (--help lists)."""
    from serving.model_server.main import run as run_server

    raise typer.Exit(run_server(context.args))


@app.command("serve")
def serve(
    workdir: WorkdirOption,
    config: ConfigOption = None,
    overrides: SetOption = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
) -> None:
    """Run the model server, the HTTP API and the page."""
    from serving import serve as serving

    serving.serve(*_of_workdir(workdir, config, overrides), host=host, port=port)


@app.command("bundles")
def list_bundles(workdir: WorkdirOption, as_json: JsonOption = False) -> None:
    """List the published bundles with their figures, and which of them is served."""
    from recsys.workdir import Workdir
    from vitrine import bundles

    found = bundles.bundles(Workdir(workdir))
    print(json.dumps(found, indent=2) if as_json else bundles.render_text(found))


@app.command("rollback")
def rollback(
    version: Annotated[str, typer.Argument(help="A version, or `newest` to follow new ones.")],
    workdir: WorkdirOption,
    share: Annotated[
        float | None, typer.Option(help="Only this share of the users, such as 0.1.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Serve a named bundle; a running API moves over within seconds, and a restart keeps to it."""
    from recsys.workdir import Workdir
    from vitrine import bundles

    _print(bundles.rollback(Workdir(workdir), version, share), as_json)


@app.command("off-policy")
def off_policy(
    workdir: WorkdirOption,
    config: ConfigOption = None,
    overrides: SetOption = None,
    days: Annotated[float, typer.Option(min=0, help="Answers of the last so many days.")] = 30.0,
    reward: Annotated[str, typer.Option(help="click, cart or purchase.")] = "click",
    share: Annotated[
        list[float] | None, typer.Option(min=0, max=1, help="A share of exploration to judge.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Estimate from logged answers what another share of exploration would have earned."""
    if reward not in ("click", "cart", "purchase"):
        raise typer.BadParameter("--reward is click, cart or purchase.")
    from recsys.config import load_config
    from recsys.workdir import Workdir
    from vitrine import off_policy as judging

    place = Workdir(workdir)
    if config is None and (place.root / "config.yaml").is_file():
        config = place.root / "config.yaml"
    report = judging.off_policy(load_config(config, overrides), place, days=days, reward=reward,
                                shares=share or [0.05, 0.1, 0.2])  # fmt: skip
    print(json.dumps(report, indent=2) if as_json else judging.render_text(report))


@keys.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Whose key it is, in your words.")],
    workdir: WorkdirOption,
    scope: Annotated[str, typer.Option(help="read, write or admin; each holds those before.")] = (
        "read"
    ),
    config: ConfigOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key; it is printed this once and kept only as a hash."""
    from vitrine import keys as making

    _print(making.add_key(*_of_workdir(workdir, config, overrides), name, scope), as_json)


@keys.command("list")
def list_keys(
    workdir: WorkdirOption,
    config: ConfigOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the keys, revoked ones too."""
    from vitrine import keys as listing

    found = listing.list_keys(*_of_workdir(workdir, config, overrides))
    print(json.dumps(found, indent=2) if as_json else listing.render_text(found))


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="As `vitrine keys list` shows it.")],
    workdir: WorkdirOption,
    config: ConfigOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key good for nothing; a running API knows within a second."""
    from vitrine import keys as revoking

    _print(revoking.revoke_key(*_of_workdir(workdir, config, overrides), key_id), as_json)


@app.command("demo")
def demo(
    folder: Annotated[Path, typer.Argument(help="Where the shop and its workdir go.")],
    config: ConfigOption = Path("configs/demo.yaml"),
    stay: Annotated[bool, typer.Option(help="Keep serving the page at the end.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
) -> None:
    """Make a shop, run the pipeline on it, show what comes out, and serve it."""
    from vitrine import demo as showing

    showing.demo(folder, config, stay=stay, port=port)


@app.command("doctor")
def doctor(as_json: JsonOption = False) -> None:
    """Say what is installed, what fits together, and what to mend."""
    from vitrine import doctor as examining

    report = examining.examine()
    print(json.dumps(report, indent=2) if as_json else examining.render_text(report))
    raise typer.Exit(0 if report["healthy"] else 1)


def _of_workdir(root: Path, config: Path | None, overrides: list[str] | None) -> tuple[Any, Any]:
    """A workdir with its settings: those given, else those that it was made by."""
    from recsys.config import load_config
    from recsys.workdir import Workdir

    if config is None and (root / "config.yaml").is_file():
        config = root / "config.yaml"
    return load_config(config, overrides), Workdir(root)


def _existing(path: Path | None) -> Path:
    if path is None or not path.is_file():
        raise ConfigError("there is no such photo.", where=str(path), mend="Give a file's path.")
    return path


def _print(summary: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(summary, indent=2, default=str))
        return
    width = max((len(name) for name in summary), default=0)
    for name, value in summary.items():
        text = json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)
        print(f"{name:<{width}}  {text}")


def _print_report(workdir: Any) -> None:
    from recsys.report import render_text

    path = workdir.evaluation / "report.json"
    if not path.is_file():
        print("no evaluation yet")
        return
    print(render_text(json.loads(path.read_text(encoding="utf-8")), whole=False))
    print(f"\nlists, segments and plots: {workdir.evaluation / 'report.html'}", file=sys.stderr)


def _print_answers(answers: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(answers, indent=2))
        return
    for place, answer in enumerate(answers, start=1):
        words = " · ".join(str(answer[key]) for key in ("title", "category") if answer.get(key))
        print(f"{place:>3}  {answer['score']:.4f}  {answer['item_id']}  {words}")

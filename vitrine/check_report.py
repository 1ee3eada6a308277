"""The report of `vitrine check` as text and as a page."""

from __future__ import annotations

import base64
import io
from importlib import resources
from pathlib import Path
from typing import Any

from recsys.artifact import disk_errors
from recsys.config import PhotosConfig
from recsys.errors import PhotoError

TEMPLATE = "check.html"
_THUMBNAIL = 96
_NUM_GROUPS = 8  # groups of duplicates that the page shows


def render_text(report: dict[str, Any]) -> str:
    """The report for a terminal: counts and ranges, then what is rejected, then what to mend."""
    lines = _catalog_lines(report["catalog"])
    if report["events"]:
        lines += ["", *_events_lines(report["events"])]
    if report["photos"]:
        lines += ["", *_photo_lines(report["photos"])]
    lines += _rejected_lines(report)
    lines += _doubtful_lines(report)
    lines += ["", f"Verdict: {'ready' if report['ok'] else 'not usable as it is'}."]
    lines += [f"  {problem['level']}: {problem['text']}" for problem in report["problems"]]
    return "\n".join(lines)


def render_html(report: dict[str, Any]) -> str:
    """The report as one page that needs nothing else: styles, plots and pictures are in it."""
    import jinja2

    from vitrine import check_plots

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    environment.filters["thumbnail"] = thumbnail
    template = resources.files("vitrine").joinpath("templates", TEMPLATE)
    text = template.read_text(encoding="utf-8")
    plots = check_plots.draw_plots(report)
    return environment.from_string(text).render(
        **report, plots=plots, lines=_sections(report), num_groups=_NUM_GROUPS
    )


def write_html(report: dict[str, Any], path: Path) -> None:
    """Writes `render_html(report)` beside and renames it."""
    page = render_html(report)
    draft = path.with_name(f".{path.name}.tmp")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(page, encoding="utf-8")
        draft.replace(path)


def thumbnail(location: str) -> str:
    """A small picture as a data URL; an empty string where the photo cannot be read."""
    from embeddings.images import decode_photo
    from embeddings.photo_source import read_bytes

    try:
        image = decode_photo(read_bytes(location, 30_000_000), PhotosConfig())
    except PhotoError:
        return ""
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _sections(report: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """The lines of the text report as pairs of name and figures, for the page's tables."""
    return {
        "catalog": _pairs(_catalog_lines(report["catalog"])),
        "events": _pairs(_events_lines(report["events"])) if report["events"] else [],
        "photos": _pairs(_photo_lines(report["photos"])) if report["photos"] else [],
    }


def _pairs(lines: list[str]) -> list[tuple[str, str]]:
    return [(line[2:18].strip(), line[18:].strip()) for line in lines[1:]]


def _line(name: str, text: str) -> str:
    return f"  {name:<15} {text}"


def _catalog_lines(catalog: dict[str, Any]) -> list[str]:
    lines = [
        f"Catalog {catalog['location']}",
        _line("items", f"{catalog['items']:,} of {catalog['rows']:,} rows, "
                       f"{catalog['available']:,} available"),
        _line("with photo", f"{catalog['items_with_photo']:,}, {catalog['photos']:,} photos"),
        _line("categories", _largest(catalog["largest_categories"], catalog["categories"])),
    ]  # fmt: skip
    for name, count in catalog["attributes"].items():
        lines.append(_line(name[:15], f"{count:,} values, known of {catalog['filled'][name]:.0%}"))
    lines.append(_line("price", _range(catalog["price"], ".2f")))
    if catalog["created_at"]:
        lines.append(_line("created", "{first} to {last} UTC".format(**catalog["created_at"])))
    splits = ", ".join(f"{name} {count:,}" for name, count in catalog["splits"].items())
    lines.append(_line("split", splits))
    empty = [name for name, share in catalog["filled"].items() if share == 0]
    if empty:
        lines.append(_line("always empty", ", ".join(empty)))
    return lines


def _events_lines(events: dict[str, Any]) -> list[str]:
    lines = [
        f"Events {events['location']}",
        _line("events", f"{events['events']:,} of {events['rows']:,} rows"),
        _line("users", f"{events['users']:,}, events of each {_range(events['per_user'], '.0f')}"),
        _line("items", f"{events['items_with_events']:,} with events, of each "
                       f"{_range(events['per_item'], '.0f')}"),
    ]  # fmt: skip
    if events["period"]:
        lines.append(_line("time", "{first} to {last} UTC".format(**events["period"])))
    for stage in events["funnel"]:
        text = f"{stage['pairs']:,} pairs of shopper and item ({stage['share_of_first']:.1%})"
        lines.append(_line(stage["event"][:15], f"{text}, {stage['users']:,} users"))
    dropped = [f"{name.replace('_', ' ')} {n:,}" for name, n in events["dropped"].items() if n]
    if dropped:
        lines.append(_line("left out", ", ".join(dropped)))
    return lines


def _photo_lines(photos: dict[str, Any]) -> list[str]:
    lines = ["Photos", _line("usable", f"{photos['usable']:,} of {photos['photos']:,}")]
    for name in ("width", "height", "bytes"):
        if photos[name]:
            lines.append(_line(name, _range(photos[name], ",d")))
    for name, words in (("exact_duplicates", "same file"), ("near_duplicates", "same picture")):
        found = photos[name]
        lines.append(_line(words, f"{found['groups']:,} groups of {found['photos']:,} photos"))
    return lines


def _rejected_lines(report: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for entry in report["rejected"]:
        places = ", ".join(
            f"row {example['row']}" + (f" ({example['detail'][:40]})" if example["detail"] else "")
            for example in entry["examples"]
        )
        lines += _rejection(f"{entry['table']}: {entry['reason']}", entry, places)
    for entry in (report["photos"] or {"rejected": []})["rejected"]:
        places = ", ".join(example["item_id"] for example in entry["examples"])
        lines += _rejection(f"photos: {entry['reason']}", entry, places)
    return ["", "Rejected", *lines] if lines else []


def _doubtful_lines(report: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for entry in (report["photos"] or {}).get("doubtful", []):
        places = ", ".join(example["item_id"] for example in entry["examples"])
        lines += _rejection(f"photos: {entry['reason']}", entry, places)
    return ["", "Photos to take again", *lines] if lines else []


def _rejection(name: str, entry: dict[str, Any], places: str) -> list[str]:
    more = ", …" if entry["count"] > len(entry["examples"]) else ""
    return [
        f"  {name:<28} {entry['count']:>7,}  {places}{more}",
        f"  {'':<28} {'':>7}  {entry['mend']}",
    ]


def _range(spread: dict[str, Any] | None, form: str) -> str:
    if spread is None:
        return "unknown"
    low, middle, high = (format(spread[name], form) for name in ("min", "median", "max"))
    return f"{low} to {high}, median {middle}"


def _largest(categories: dict[str, int], total: int) -> str:
    shown = ", ".join(f"{name} {count:,}" for name, count in list(categories.items())[:4])
    return f"{total:,}: {shown}" + (", …" if len(categories) > 4 else "") if categories else "0"

"""`vitrine bundles` and `vitrine rollback`: what is published, and what is served of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from recsys.errors import DataError
from recsys.workdir import Workdir
from serving.bundle import list_bundles, open_bundle
from serving.bundle_figures import figures
from serving.traffic import Traffic, load_traffic, save_traffic

NEWEST = "newest"


def bundles(workdir: Workdir) -> list[dict[str, Any]]:
    """Every bundle that can be opened, oldest first, with its figures and its part of traffic."""
    traffic = load_traffic(workdir)
    opened = list_bundles(workdir)
    newest = opened[-1].version if opened else None
    main = newest if traffic.pinned is None else traffic.pinned
    return [
        {**figures(bundle), "serves": _part(bundle.version, main, traffic)} for bundle in opened
    ]


def rollback(workdir: Workdir, version: str, share: float | None = None) -> dict[str, Any]:
    """Serves a named bundle, or the newest; a running API follows within seconds.

    Args:
        version: a number, or `newest` to follow new bundles again.
        share: only this share of the users; the others stay where they are.

    Raises:
        DataError: it is no version.
        NotFoundError: there is no such bundle.
        ArtifactError: it is damaged.
    """
    number = _number(version)
    bundle = open_bundle(workdir, number)
    traffic = load_traffic(workdir)
    if share is None:
        traffic = traffic.served_by(number)
    else:
        stays = traffic.serving or traffic.pinned or open_bundle(workdir).version
        traffic = traffic.served_by(stays).shared_with(bundle.version, share)
    save_traffic(workdir, traffic)
    return {"version": bundle.version, "fingerprint": bundle.fingerprint,
            "pinned": traffic.pinned is not None, "share": share or 1.0}  # fmt: skip


def render_text(found: list[dict[str, Any]]) -> str:
    """One line for each bundle."""
    lines = [f"{'version':>7}  {'made':16}  {'items':>8}  {'NDCG@10':>7}  serves"]
    for each in found:
        made = datetime.fromtimestamp(each["created_at"], UTC).strftime("%Y-%m-%d %H:%M")
        ndcg = "" if each["ndcg_at_10"] is None else f"{each['ndcg_at_10']:.4f}"
        lines.append(f"{each['version']:>7}  {made:16}  {each['num_items']:>8}  {ndcg:>7}  "
                     f"{each['serves']}")  # fmt: skip
    return "\n".join(lines) if found else "there is no bundle; `vitrine export` makes one"


def _part(version: int, main: int | None, traffic: Traffic) -> str:
    if version in traffic.shares:
        return f"{traffic.shares[version]:.0%}"
    return "everybody else" if version == main and traffic.shares else "all" * (version == main)


def _number(version: str) -> int | None:
    if version == NEWEST:
        return None
    if not version.isdecimal():
        raise DataError(f"`{version}` is no version.", where="version",
                        mend="`vitrine bundles` lists them; `newest` follows new ones."
                        )  # fmt: skip
    return int(version)

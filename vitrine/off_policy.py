"""`vitrine off-policy`: what another share of exploration would have earned, from the log."""

from __future__ import annotations

import time
from typing import Any

from recsys.config import Config
from recsys.errors import DataError
from recsys.workdir import Workdir
from serving.logged_slots import compare_policies, read_slots
from serving.store import open_store

DAY = 86_400.0
DEFINITION = (
    "The value of a policy is the mean reward of a place of a recommendation list: the share of "
    "shown items that are {reward}ed. Places that the policy would have filled so with another "
    "probability than the log weigh accordingly; intervals, 95%, count answers. It is taken for "
    "granted that what a place earns depends on its item, not on its neighbors."
)


def off_policy(
    config: Config, workdir: Workdir, *, days: float, reward: str, shares: list[float]
) -> dict[str, Any]:
    """Reads the answers of the last days and estimates policies from them.

    Raises:
        DataError: no recommendations are logged.
    """
    store = open_store(config, workdir)
    try:
        slots = read_slots(store, time.time() - days * DAY, reward)
    finally:
        store.close()
    if not len(slots.rewards):
        raise DataError(
            "no recommendations are logged for these days.", where="the store's answers",
            mend="Keep serving.answer_days above 0, and send events with the request_id of the "
            "answer that they follow.",
        )  # fmt: skip
    policies = compare_policies(slots, sorted({0.0, *shares}))
    return {
        "definition": DEFINITION.format(reward={"click": "click", "cart": "cart",
                                                "purchase": "purchas"}[reward]),
        "places": len(slots.rewards), "explored": int(slots.explored.sum()), "policies": policies,
    }  # fmt: skip


def render_text(report: dict[str, Any]) -> str:
    """The report as a table."""
    head = f"{'policy':<34} {'IPS':>24} {'self-normalized':>24} {'effective':>10} {'weight':>7}"
    lines = [f"{report['places']:,} places, {report['explored']:,} of them explored", "", head]
    for each in report["policies"]:
        figures = [f"{each[name]['value']:.4f} [{each[name]['low']:.4f}, {each[name]['high']:.4f}]"
                   for name in ("ips", "snips")]  # fmt: skip
        lines.append(f"{each['policy']:<34} {figures[0]:>24} {figures[1]:>24} "
                     f"{each['effective']:>10,.0f} {each['mean_weight']:>7.3f}")  # fmt: skip
    return "\n".join([*lines, "", report["definition"]])

"""What lists of recommendations are like, apart from being right; every measure names its paper.

A list is a row of item rows, best first; -1 is an empty place and counts nowhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.integer]

SMOOTHING = 0.01  # of Steck's divergence: a share of 0 would make it infinite


def novelty(lists: Rows, shoppers: Rows, num_shoppers: int) -> Floats:
    """How little known the items of each list are, in bits, [num_lists].

    The mean of -log2 of the share of shoppers who had the item in training (self-information;
    Zhou et al., PNAS 2010; Vargas & Castells, RecSys 2011). An item that nobody had counts as
    if one shopper had had it. An empty list gives nan.

    Args:
        lists: [num_lists, k].
        shoppers: [num_items] how many shoppers of training had each item.
        num_shoppers: how many there are.
    """
    share = np.maximum(shoppers, 1) / max(num_shoppers, 1)
    return _mean_over_places(-np.log2(share)[lists], lists >= 0)


def intra_list_diversity(lists: Rows, kinds: Floats) -> Floats:
    """How unlike each other the items of each list are, [num_lists] in [0, 1].

    One minus the mean cosine over the pairs of a list (Ziegler et al., WWW 2005; Smyth &
    McClave, ICCBR 2001). Fewer than two items that are of some kind give nan.

    Args:
        lists: [num_lists, k].
        kinds: [num_items, num_kinds] shares of the kinds that an item is of; a row of zeros is
            an item of which nothing is known, and it counts nowhere.
    """
    norms = np.linalg.norm(kinds, axis=1, keepdims=True)
    units = kinds / np.where(norms > 0, norms, 1.0)
    counted = (lists >= 0) & (norms[:, 0] > 0)[lists]
    summed = np.zeros((len(lists), kinds.shape[1]))
    for place in range(lists.shape[1]):  # one place at a time: no [num_lists, k, num_kinds]
        summed += units[lists[:, place]] * counted[:, place, None]
    # the squared sum of unit vectors holds every pair twice, and each vector with itself once
    count = counted.sum(axis=1)
    pairs = count * (count - 1)
    alike = (np.square(summed).sum(axis=1) - count) / np.where(pairs > 0, pairs, np.nan)
    return 1.0 - alike


def gini(lists: Rows, num_items: int) -> float:
    """How unequally the items are shown: 0 all alike, near 1 a few take every place.

    The Gini coefficient of how often each item is shown (Fleder & Hosanagar, Management
    Science 2009). Items never shown count. nan where nothing is shown.

    Args:
        lists: [num_lists, k].
        num_items: how many items there are to show.
    """
    shown = np.bincount(lists[lists >= 0].astype(np.int64))
    if not shown.sum() or not num_items:
        return float("nan")
    times = np.concatenate([np.zeros(max(0, num_items - len(shown))), np.sort(shown)])
    times = times[len(times) - num_items :]  # items that may not be shown are no part of it
    places = np.arange(1, num_items + 1)
    return float((2 * places - num_items - 1) @ times / (num_items * times.sum()))


def miscalibration(lists: Rows, wanted: Floats, kinds: Floats) -> Floats:
    """How far the kinds in each list are from those of the shopper's history, [num_lists].

    The Kullback-Leibler divergence, in nats, of the history's shares p from the list's shares,
    smoothed as q' = 0.99 q + 0.01 p (Steck, Calibrated recommendations, RecSys 2018). 0 is
    calibrated, -ln 0.01 = 4.6 the worst. A list or a history of no known kind gives nan.

    Args:
        lists: [num_lists, k].
        wanted: [num_lists, num_kinds] shares of each history's kinds; rows sum to 1, or to 0
            where nothing is known.
        kinds: [num_items, num_kinds] shares of each item's kinds; rows sum to 1 or 0.
    """
    given = np.zeros_like(wanted)
    for place in range(lists.shape[1]):
        given += kinds[lists[:, place]] * (lists[:, place] >= 0)[:, None]
    total = given.sum(axis=1, keepdims=True)
    given = given / np.where(total > 0, total, 1.0)
    smoothed = (1 - SMOOTHING) * given + SMOOTHING * wanted
    ratio = np.divide(wanted, smoothed, out=np.ones_like(wanted), where=wanted > 0)
    apart = (wanted * np.log(ratio)).sum(axis=1)
    known = (total[:, 0] > 0) & (wanted.sum(axis=1) > 0)
    return np.where(known, apart, np.nan)


def mean_kinds(case: Rows, rows: Rows, num_cases: int, kinds: Floats) -> Floats:
    """The shares of the kinds in each case's history, [num_cases, num_kinds]; rows sum to 1 or 0.

    Args:
        case, rows: [num_events] which case each event of a history belongs to, and its item.
        num_cases: how many cases there are.
        kinds: [num_items, num_kinds].
    """
    summed = np.stack(
        [np.bincount(case, kinds[rows, kind], num_cases) for kind in range(kinds.shape[1])], axis=1
    ) if kinds.shape[1] else np.zeros((num_cases, 0))  # fmt: skip
    total = summed.sum(axis=1, keepdims=True)
    return summed / np.where(total > 0, total, 1.0)


def _mean_over_places(values: Floats, counted: NDArray[np.bool_]) -> Floats:
    count = counted.sum(axis=1)
    return np.where(counted, values, 0.0).sum(axis=1) / np.where(count > 0, count, np.nan)

"""One query of several things: photos, regions of photos, words and items, each with a weight.

    query = normalize(sum_i w_i * v_i / |v_i|)

Everything lies in the photo space, so it may be mixed. A weight below 0 leads away from what it
stands for: a dress with 1 and the word "red" with -0.5 finds such dresses in other colors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recsys.errors import DataError

LEAST = 1e-3  # a sum this short has no direction that anybody meant
MAX_WEIGHT = 10.0


def mix(vectors: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """The unit vector of a weighted sum: float32 [dim].

    Args:
        vectors: [dim] each, of any length but zero.
        weights: as many, not all 0.

    Raises:
        DataError: there is nothing to mix, a vector says nothing, or they cancel each other.

    Example:
        >>> mix([np.array([2.0, 0.0]), np.array([0.0, 3.0])], [3.0, 4.0]).tolist()
        [0.6000000238418579, 0.800000011920929]
    """
    if len(vectors) == 0:
        raise DataError("there is nothing to search by.", where="query",
                        mend="Send a photo, words or an item.")  # fmt: skip
    lengths = [float(np.linalg.norm(vector)) for vector in vectors]
    if min(lengths) < 1e-12:
        raise DataError("a part of the query says nothing.", where="query",
                        mend="Leave it out.")  # fmt: skip
    parts = zip(weights, vectors, lengths, strict=True)
    total = np.sum([weight * vector / length for weight, vector, length in parts], axis=0)
    size = float(np.linalg.norm(total))
    if size < LEAST:
        raise DataError("the parts of the query cancel each other.", where="query",
                        mend="Change a weight.")  # fmt: skip
    return np.asarray(total / size, np.float32)

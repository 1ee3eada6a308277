"""A sharded servable asked as if it were whole: all shards at once, and their answers joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from recsys.errors import UnavailableError
from serving.degraded import note
from serving.merge import Answer, merged

BY_EMBEDDING, EXPLAIN = "by_embedding", "explain"
ANY_SHARD = ("place", "query_embedding")  # what every shard knows as well as the others
SUMMED = ("contributions", "parts", "shares")  # zeros where an item is another shard's

Ask = Callable[[str, Mapping[str, Any], str], Answer]
"""(published name, inputs, signature) → answer."""

# calls wait for the network, not for a core; shared, so that each request need not start threads
_POOL = ThreadPoolExecutor(max_workers=64, thread_name_prefix="shard")


class ShardedServable:
    """One servable whose items several model servers share.

    Args:
        names: the published names, in the order of the shards.
        ask: asks one of them.
    """

    def __init__(self, names: Sequence[str], ask: Ask) -> None:
        self._names, self._ask = names, ask

    def predict(self, inputs: Mapping[str, Any], signature: str = "") -> Answer:
        """What the whole servable would answer, but for shards that do not answer.

        Their items are left out then, and that is noted (`serving.degraded.partly`).

        Raises:
            UnavailableError: no shard answers, or not the one that knows the item asked about.
        """
        if signature in ANY_SHARD:
            return self._any(inputs, signature)
        if signature == EXPLAIN:
            answers = self._all(inputs, signature)
            summed = {name: np.sum([answer[name] for answer in answers], axis=0)
                      for name in SUMMED if name in answers[0]}  # fmt: skip
            return {**summed, "fingerprint": _stamps(answers)}
        if "item_id" in inputs:
            return self._by_item(inputs, signature)
        return merged(self._all(inputs, signature), _longest(inputs["k"]))

    def _by_item(self, inputs: Mapping[str, Any], signature: str) -> Answer:
        """The shard that holds an item says where it lies; then all look around there."""
        answers = self._all({**inputs, "k": np.ones(len(inputs["k"]), np.int32)}, signature)
        query = np.sum([answer["query"] for answer in answers], axis=0, dtype=np.float32)
        is_known = np.any(query, axis=1)
        if len(answers) < len(self._names) and not is_known.all():
            raise UnavailableError(
                "the model server that knows this item does not answer.", where="item_id",
                mend="Ask again once all shards are up.",
            )  # fmt: skip
        exclude = [[*row, item_id] for row, item_id in
                   zip(inputs["exclude"], inputs["item_id"], strict=True)]  # fmt: skip
        asked = {"embedding": query, "k": inputs["k"], "exclude": exclude}
        found = merged(self._all(asked, BY_EMBEDDING), _longest(inputs["k"]))
        found["scores"][~is_known], found["item_ids"][~is_known] = -np.inf, ""
        return {**found, "fingerprint": np.append(found["fingerprint"], _stamps(answers))}

    def _any(self, inputs: Mapping[str, Any], signature: str) -> Answer:
        for name in self._names[:-1]:
            try:
                return self._ask(name, inputs, signature)
            except UnavailableError:
                continue
        return self._ask(self._names[-1], inputs, signature)

    def _all(self, inputs: Mapping[str, Any], signature: str) -> list[Answer]:
        """The answers of all shards that answer, in their order; the last is asked right here."""
        *others, last = self._names
        asked = [_POOL.submit(self._ask, name, inputs, signature) for name in others]
        here: Future[Answer] = Future()
        try:
            here.set_result(self._ask(last, inputs, signature))
        except Exception as error:
            here.set_exception(error)
        answers, down = [], []
        for future in (*asked, here):
            try:
                answers.append(future.result())
            except UnavailableError as error:
                down.append(error)
        if not answers:
            raise down[0]
        if down:
            note(f"{len(down)} of {len(self._names)} parts of the catalog do not answer: their "
                 "items are missing")  # fmt: skip
        return answers


def _stamps(answers: Sequence[Answer]) -> np.ndarray[Any, Any]:
    return np.concatenate([np.ravel(answer["fingerprint"]) for answer in answers])


def _longest(k: Any) -> int:
    return max((int(each) for each in k), default=0)

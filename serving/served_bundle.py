"""One bundle behind model servers: every call names its version and checks who answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from recsys.errors import ArtifactError, ServingError
from serving.sharded_servable import ShardedServable
from serving.shards import by_servable

SIMILAR, RECOMMEND, ENCODER = "similar_items", "recommend", "image_encoder"
WORDS = "text_encoder"


class Client(Protocol):
    """What is needed of a model server's client."""

    def predict(
        self,
        model: str,
        inputs: Mapping[str, Any],
        *,
        signature: str = "",
        version: int | None = None,
    ) -> dict[str, np.ndarray]:
        """Runs one servable."""
        ...


class Published(Protocol):
    """What is needed of a bundle."""

    @property
    def version(self) -> int:
        """The servables' version number."""
        ...

    @property
    def fingerprint(self) -> str:
        """What each servable must answer with."""
        ...

    @property
    def info(self) -> Mapping[str, Any]:
        """The manifest's facts."""
        ...


class ServedBundle:
    """Asks the servables of one bundle and refuses answers of any other.

    Args:
        bundle: which version is asked for.
        client: of the model server that serves it, or of the several that share it.
        engine: `exact` or `scann`; `auto` is what the bundle chose for each verb.
    """

    def __init__(self, bundle: Published, client: Client, engine: str = "auto") -> None:
        self.bundle = bundle
        self._client = client
        self._engine = engine
        self._servables = by_servable(bundle.info["servables"])

    def has(self, servable: str) -> bool:
        """Whether the bundle holds a servable."""
        return servable in self._servables

    def is_sharded(self, servable: str) -> bool:
        """Whether the items of a servable are shared out, so that one item's shard may be down."""
        return self._servables.get(servable, [servable]) != [servable]

    def servable(self, verb: str) -> str:
        """The servable that answers a verb with the chosen engine."""
        engine = self._engine
        if engine == "auto":
            engine = (self.bundle.info.get("engines") or {}).get(verb, "exact")
        name = f"{verb}_scann" if engine == "scann" else verb
        return name if self.has(name) else verb

    def require(self, servable: str) -> None:
        """Refuses a servable that the bundle does not hold.

        Raises:
            ArtifactError: it holds none of this name.
        """
        if not self.has(servable):
            raise ArtifactError(
                f"bundle {self.bundle.version} has no `{servable}`.", where="the bundle",
                mend="Photos make photo search, with titles also words; events make "
                "recommendations: add them to the catalog and run `vitrine run` again.",
            )  # fmt: skip

    def predict(
        self, servable: str, inputs: Mapping[str, Any], signature: str = ""
    ) -> dict[str, np.ndarray]:
        """Runs one servable of this bundle.

        Raises:
            ArtifactError: the bundle has no such servable.
            ServingError: the model server does not answer, or from another bundle.
        """
        self.require(servable)
        if self.is_sharded(servable):
            whole = ShardedServable(self._servables[servable], self._ask)
            answer = whole.predict(inputs, signature)
        else:
            answer = self._ask(servable, inputs, signature)
        found = {text(fingerprint) for fingerprint in np.ravel(answer["fingerprint"])}
        if found != {self.bundle.fingerprint}:
            raise ServingError(
                f"the model server answered from bundle {', '.join(sorted(found))}, and the API "
                f"serves {self.bundle.fingerprint}: two bundles are never mixed.",
                where=f"{servable} version {self.bundle.version}",
                mend="Let both read the same workdir's export folder.",
            )  # fmt: skip
        return answer

    def _ask(self, name: str, inputs: Mapping[str, Any], signature: str) -> dict[str, np.ndarray]:
        return self._client.predict(name, inputs, signature=signature, version=self.bundle.version)


def text(value: bytes | str) -> str:
    """A servable's text, which comes as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)

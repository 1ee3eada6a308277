"""Asks a model server over gRPC; its errors become ours, and TensorFlow is never imported.

tensorflow_serving.apis would bring the same messages at the price of importing TensorFlow, about
9 s and 600 MB that an API process has no other use for. The messages are described in
serving.model_server.wire instead, and are the same on the wire.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
from google.protobuf import text_format

from recsys.errors import ServingError, UnavailableError
from serving.breaker import CircuitBreaker
from serving.client_tensors import decode, encode, tensor_info
from serving.model_server.wire import MESSAGES

Inputs = Mapping[str, "np.ndarray[Any, Any] | Sequence[Any]"]

_STATES = {10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),  # embeddings of many photos pass 4 MiB
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),  # a restarted server is found again at once
]
_MEND = {
    grpc.StatusCode.UNAVAILABLE: "Is the model server running, and is this its gRPC port?",
    grpc.StatusCode.DEADLINE_EXCEEDED: "Raise serving.timeout_seconds, or look at its load.",
    grpc.StatusCode.NOT_FOUND: "Ask the model server's status for what it has loaded.",
    grpc.StatusCode.INVALID_ARGUMENT: "Ask its metadata for what the signature takes.",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "The server is overloaded; ask again later.",
}
# the server's state, not this request's: another one would fail as well
_UNAVAILABLE = (
    grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.CANCELLED, grpc.StatusCode.ABORTED,
)  # fmt: skip


@dataclass(frozen=True)
class VersionStatus:
    """One version of a model: its state, and what went wrong, if anything did."""

    version: int
    state: str
    error: str = ""

    @property
    def available(self) -> bool:
        return self.state == "AVAILABLE"


@dataclass(frozen=True)
class Signature:
    """A signature: alias to (data type, shape); shape None where the rank is unknown."""

    inputs: dict[str, tuple[str, tuple[int, ...] | None]]
    outputs: dict[str, tuple[str, tuple[int, ...] | None]]
    method_name: str


class ModelServerClient:
    """A connection to a model server; safe to use from several threads.

    Args:
        address: `host:port`, or `unix:PATH`.
        timeout: seconds until a call is given up.
        breaker: keeps `predict` from asking a server that does not answer; None always asks.

    Example:
        >>> client = ModelServerClient("localhost:8500")
        >>> client.predict("similar_items", {"item_id": ["17"], "k": [5]})["item_ids"].shape
        (1, 5)
    """

    def __init__(
        self, address: str, timeout: float = 5.0, breaker: CircuitBreaker | None = None
    ) -> None:
        self.address = address
        self.timeout = timeout
        self.breaker = breaker
        self._channel = grpc.insecure_channel(address, options=_OPTIONS)
        self._predict = self._method("PredictionService/Predict", "PredictResponse")
        self._metadata = self._method(
            "PredictionService/GetModelMetadata", "GetModelMetadataResponse"
        )
        self._status = self._method("ModelService/GetModelStatus", "GetModelStatusResponse")
        self._reload = self._method(
            "ModelService/HandleReloadConfigRequest", "ReloadConfigResponse"
        )

    def predict(
        self,
        model: str,
        inputs: Inputs,
        *,
        signature: str = "",
        version: int | None = None,
        label: str = "",
        outputs: Sequence[str] = (),
        timeout: float | None = None,
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Runs a signature.

        Args:
            inputs: alias to values. Arrays are sent in their own data type; lists of whole
                numbers as int32, of floats as float32, of text or bytes as string.
            signature: empty for `serving_default`.
            version: None for the newest one.
            outputs: the wanted aliases; empty for all.

        Returns:
            alias to array; strings as an object array of str.

        Raises:
            UnavailableError: the server is down, overloaded, or does not answer in time.
            ServingError: it refuses, or fails.
        """
        request = MESSAGES["PredictRequest"](output_filter=outputs)
        self._fill_spec(request.model_spec, model, signature, version, label)
        for alias, values in inputs.items():
            encode(values, request.inputs[alias])
        guarded = self.breaker.call() if self.breaker else contextlib.nullcontext()
        with guarded, serving_errors(self.address):
            response = self._predict(request, timeout=timeout or self.timeout)
        return {alias: decode(proto) for alias, proto in response.outputs.items()}

    def metadata(
        self, model: str, *, version: int | None = None, label: str = ""
    ) -> dict[str, Signature]:
        """The signatures of a model by name."""
        request = MESSAGES["GetModelMetadataRequest"](metadata_field=["signature_def"])
        self._fill_spec(request.model_spec, model, "", version, label)
        with serving_errors(self.address):
            response = self._metadata(request, timeout=self.timeout)
        packed = response.metadata["signature_def"].value
        signatures = MESSAGES["SignatureDefMap"].FromString(packed).signature_def
        return {
            name: Signature(
                inputs={alias: tensor_info(info) for alias, info in entry.inputs.items()},
                outputs={alias: tensor_info(info) for alias, info in entry.outputs.items()},
                method_name=entry.method_name,
            )
            for name, entry in signatures.items()
        }

    def status(self, model: str, *, version: int | None = None) -> list[VersionStatus]:
        """The versions of a model that the server has seen, newest first."""
        request = MESSAGES["GetModelStatusRequest"]()
        self._fill_spec(request.model_spec, model, "", version, "")
        with serving_errors(self.address):
            response = self._status(request, timeout=self.timeout)
        return [
            VersionStatus(
                entry.version,
                _STATES.get(entry.state, "UNKNOWN"),
                entry.status.error_message if entry.status.error_code else "",
            )
            for entry in response.model_version_status
        ]

    def reload(self, config: str, *, timeout: float = 60.0) -> None:
        """Tells the server which models and versions to serve from now on.

        Args:
            config: a ModelServerConfig as text, with specific versions.

        Raises:
            ServingError: the server refuses it, or a model does not load.
        """
        request = MESSAGES["ReloadConfigRequest"]()
        text_format.Parse(config, request.config)
        with serving_errors(self.address):
            self._reload(request, timeout=timeout)

    def wait_until_ready(self, seconds: float) -> None:
        """Waits until the server takes connections.

        Raises:
            ServingError: it does not within this time.
        """
        try:
            grpc.channel_ready_future(self._channel).result(timeout=seconds)
        except grpc.FutureTimeoutError as error:
            raise ServingError(
                f"no model server answered within {seconds:g} s.",
                where=self.address,
                mend=_MEND[grpc.StatusCode.UNAVAILABLE],
            ) from error

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> ModelServerClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _method(self, path: str, response: str) -> Any:
        return self._channel.unary_unary(
            f"/tensorflow.serving.{path}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=MESSAGES[response].FromString,
        )

    @staticmethod
    def _fill_spec(spec: Any, model: str, signature: str, version: int | None, label: str) -> None:
        spec.name = model
        spec.signature_name = signature
        spec.version_label = label
        if version is not None:
            spec.version.value = version


@contextlib.contextmanager
def serving_errors(server: str) -> Iterator[None]:
    """Turns gRPC's errors into ours, with what to do about them."""
    try:
        yield
    except grpc.RpcError as error:
        code = error.code()
        what = f"{code.name}: {error.details()}"
        kind = UnavailableError if code in _UNAVAILABLE else ServingError
        raise kind(what.rstrip(".") + ".", where=server, mend=_MEND.get(code, "")) from error

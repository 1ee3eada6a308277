"""Messages of the protocol that no installed package brings, described field by field.

They live in a descriptor pool of their own, so that TensorFlow's pool never meets them. Enums are
written as int32: on the wire the two are the same.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "double": _FIELD.TYPE_DOUBLE,
    "float": _FIELD.TYPE_FLOAT,
    "int64": _FIELD.TYPE_INT64,
    "uint64": _FIELD.TYPE_UINT64,
    "int32": _FIELD.TYPE_INT32,
    "uint32": _FIELD.TYPE_UINT32,
    "bool": _FIELD.TYPE_BOOL,
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
}


def describe(package: str, messages: dict[str, str]) -> dict[str, Any]:
    """Builds message classes from short descriptions.

    Args:
        package: the package of all of them, such as `grpc.health.v1`.
        messages: name to fields, one a line: `[repeated|map] type name number`. A type that is no
            scalar is another message here; `map X name n` maps strings to X.

    Returns:
        name to message class.

    Example:
        >>> describe("p", {"A": "string text 1", "B": "repeated A many 1"})["B"]().many.add().text
        ''
    """
    file = descriptor_pb2.FileDescriptorProto(
        name=f"vitrine/{package}.proto", package=package, syntax="proto3"
    )
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for line in fields.strip().splitlines():
            _add_field(message, package, line.split())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
        for name in messages
    }


def _add_field(message: Any, package: str, words: list[str]) -> None:
    *label, kind, name, number = words
    field = message.field.add(name=name, number=int(number), json_name=name)
    field.label = _FIELD.LABEL_REPEATED if label else _FIELD.LABEL_OPTIONAL
    if label == ["map"]:
        entry = message.nested_type.add(name=_entry_name(name))
        entry.options.map_entry = True
        _add_field(entry, package, ["string", "key", "1"])
        _add_field(entry, package, [kind, "value", "2"])
        field.type = _FIELD.TYPE_MESSAGE
        field.type_name = f".{package}.{message.name}.{entry.name}"
    elif kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type = _FIELD.TYPE_MESSAGE
        field.type_name = f".{package}.{kind}"


def _entry_name(field_name: str) -> str:
    return "".join(part.capitalize() for part in field_name.split("_")) + "Entry"


HEALTH = describe(
    "grpc.health.v1",
    {
        "HealthCheckRequest": "string service 1",
        "HealthCheckResponse": "int32 status 1",
    },
)

SETTINGS = describe(
    "tensorflow.serving",
    {
        "Int64Value": "int64 value 1",
        "StringValue": "string value 1",
        "BoolValue": "bool value 1",
        "DoubleValue": "double value 1",
        "BatchingParameters": """
            Int64Value max_batch_size 1
            Int64Value batch_timeout_micros 2
            Int64Value max_enqueued_batches 3
            Int64Value num_batch_threads 4
            StringValue thread_pool_name 5
            repeated int64 allowed_batch_sizes 6
            bool pad_variable_length_inputs 7
            BoolValue enable_large_batch_splitting 8
            Int64Value max_execution_batch_size 9
        """,
        "PrometheusConfig": """
            bool enable 1
            string path 2
        """,
        "MonitoringConfig": "PrometheusConfig prometheus_config 1",
        "SSLConfig": """
            string server_key 1
            string server_cert 2
            string custom_ca 3
            bool client_verify 4
        """,
    },
)

# What a client says and hears, so that it need not import TensorFlow for it.
MESSAGES = describe(
    "tensorflow.serving",
    {
        "Int64Value": "int64 value 1",
        "Any": """
            string type_url 1
            bytes value 2
        """,
        "Dim": "int64 size 1",
        "TensorShapeProto": """
            repeated Dim dim 2
            bool unknown_rank 3
        """,
        "TensorProto": """
            int32 dtype 1
            TensorShapeProto tensor_shape 2
            bytes tensor_content 4
            repeated float float_val 5
            repeated double double_val 6
            repeated int32 int_val 7
            repeated bytes string_val 8
            repeated int64 int64_val 10
            repeated bool bool_val 11
            repeated int32 half_val 13
            repeated uint32 uint32_val 16
            repeated uint64 uint64_val 17
        """,
        "TensorInfo": """
            string name 1
            int32 dtype 2
            TensorShapeProto tensor_shape 3
        """,
        "SignatureDef": """
            map TensorInfo inputs 1
            map TensorInfo outputs 2
            string method_name 3
        """,
        "SignatureDefMap": "map SignatureDef signature_def 1",
        "ModelSpec": """
            string name 1
            Int64Value version 2
            string signature_name 3
            string version_label 4
        """,
        "PredictRequest": """
            ModelSpec model_spec 1
            map TensorProto inputs 2
            repeated string output_filter 3
        """,
        "PredictResponse": """
            map TensorProto outputs 1
            ModelSpec model_spec 2
        """,
        "GetModelMetadataRequest": """
            ModelSpec model_spec 1
            repeated string metadata_field 2
        """,
        "GetModelMetadataResponse": """
            ModelSpec model_spec 1
            map Any metadata 2
        """,
        "GetModelStatusRequest": "ModelSpec model_spec 1",
        "StatusProto": """
            int32 error_code 1
            string error_message 2
        """,
        "ModelVersionStatus": """
            int64 version 1
            int32 state 2
            StatusProto status 3
        """,
        "GetModelStatusResponse": "repeated ModelVersionStatus model_version_status 1",
        "Specific": "repeated int64 versions 1",
        "ServableVersionPolicy": "Specific specific 102",
        "ModelConfig": """
            string name 1
            string base_path 2
            string model_platform 4
            ServableVersionPolicy model_version_policy 7
        """,
        "ModelConfigList": "repeated ModelConfig config 1",
        "ModelServerConfig": "ModelConfigList model_config_list 1",
        "ReloadConfigRequest": "ModelServerConfig config 1",
        "ReloadConfigResponse": "StatusProto status 1",
    },
)

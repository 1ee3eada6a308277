from __future__ import annotations

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2, predict_pb2

from serving.model_server.wire import MESSAGES, SETTINGS
from serving.model_server_process import models_config


def test_our_requests_are_the_protocols_on_the_wire():
    ours = MESSAGES["PredictRequest"](output_filter=["y"])
    ours.model_spec.name = "m"
    ours.model_spec.version.value = 3
    ours.model_spec.signature_name = "s"
    ours.inputs["x"].dtype = 1
    ours.inputs["x"].tensor_shape.dim.add(size=2)
    ours.inputs["x"].tensor_content = np.array([1.0, 2.0], np.float32).tobytes()
    theirs = predict_pb2.PredictRequest.FromString(ours.SerializeToString())
    assert (theirs.model_spec.name, theirs.model_spec.version.value) == ("m", 3)
    assert theirs.model_spec.signature_name == "s"
    assert list(theirs.output_filter) == ["y"]
    assert tf.make_ndarray(theirs.inputs["x"]).tolist() == [1.0, 2.0]


def test_the_protocols_answers_can_be_read():
    theirs = get_model_status_pb2.GetModelStatusResponse()
    entry = theirs.model_version_status.add(version=7, state=30)
    entry.status.error_message = "x"
    ours = MESSAGES["GetModelStatusResponse"].FromString(theirs.SerializeToString())
    assert ours.model_version_status[0].version == 7
    assert ours.model_version_status[0].state == 30
    assert ours.model_version_status[0].status.error_message == "x"


def test_batching_files_of_upstreams_docs_can_be_read():
    text = """
        max_batch_size { value: 128 }
        batch_timeout_micros { value: 0 }
        max_enqueued_batches { value: 1000000 }
        num_batch_threads { value: 8 }
        allowed_batch_sizes: 64
        allowed_batch_sizes: 128
        pad_variable_length_inputs: true
    """
    message = text_format.Parse(text, SETTINGS["BatchingParameters"]())
    assert message.max_batch_size.value == 128
    assert message.HasField("batch_timeout_micros")
    assert not message.HasField("thread_pool_name")
    assert list(message.allowed_batch_sizes) == [64, 128]


def test_a_reload_request_is_tensorflow_servings_own(tmp_path):
    request = MESSAGES["ReloadConfigRequest"]()
    text_format.Parse(models_config(tmp_path, {"a": [2, 1]}), request.config)
    theirs = model_management_pb2.ReloadConfigRequest.FromString(request.SerializeToString())
    (model,) = theirs.config.model_config_list.config
    assert (model.name, model.base_path, model.model_platform) == (
        "a", str(tmp_path / "a"), "tensorflow",
    )  # fmt: skip
    assert list(model.model_version_policy.specific.versions) == [1, 2]

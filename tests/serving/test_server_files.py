"""TensorFlow Serving's config files parse as what they are meant to be."""

import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.model_server.wire import SETTINGS
from serving.server_files import BATCHING, ENCODER_BATCHING, MONITORING, model_config
from serving.server_files import write_server_files as write

SERVABLES = ["image_encoder", "similar_items", "similar_items_scann"]


def parse(text):
    return text_format.Parse(text, model_server_config_pb2.ModelServerConfig())


def test_every_servable_has_its_folder_under_models():
    configs = parse(model_config(SERVABLES)).model_config_list.config
    assert [config.name for config in configs] == SERVABLES
    assert configs[1].base_path == "/models/similar_items"
    assert configs[1].model_platform == "tensorflow"


def test_two_versions_stay_so_that_the_api_can_switch():
    config = parse(model_config(SERVABLES)).model_config_list.config[0]
    assert config.model_version_policy.latest.num_versions == 2


def test_a_stock_server_is_not_asked_for_scann(tmp_path):
    write(tmp_path, SERVABLES)
    names = {
        name: [c.name for c in parse((tmp_path / name).read_text()).model_config_list.config]
        for name in ("models.config", "models-scann.config")
    }
    assert names == {"models.config": SERVABLES[:2], "models-scann.config": SERVABLES}


def test_each_shard_has_a_file_of_its_own(tmp_path):
    shards = [f"{name}_shard{shard}" for name in SERVABLES[1:] for shard in range(2)]
    write(tmp_path, [SERVABLES[0], *shards])
    parsed = parse((tmp_path / "models-shard1.config").read_text())
    names = [config.name for config in parsed.model_config_list.config]
    assert names == ["image_encoder", "similar_items_shard1"]


def test_metrics_are_on():
    config = text_format.Parse(MONITORING, SETTINGS["MonitoringConfig"]())
    assert config.prometheus_config.enable
    assert config.prometheus_config.path == "/monitoring/prometheus/metrics"


def test_nothing_is_padded_by_the_server():
    # a server pads with the first value of a request, and a history would gain events
    for content in (BATCHING, ENCODER_BATCHING):
        parameters = text_format.Parse(content, SETTINGS["BatchingParameters"]())
        assert parameters.max_batch_size.value == 32
        assert not parameters.pad_variable_length_inputs


def test_compose_mounts_what_its_flags_name(tmp_path):
    write(tmp_path, SERVABLES)
    compose = yaml.safe_load((tmp_path / "compose.yaml").read_text())
    service = compose["services"]["model-server"]
    mounts = [volume.split(":")[:2] for volume in service["volumes"]]
    assert all(source == "./models" or (tmp_path / source).is_file() for source, _ in mounts)
    targets = [target for _, target in mounts]
    named = [flag.split("=")[1] for flag in service["command"] if "=/config/" in flag]
    assert len(named) == 3
    assert all(path in targets for path in named)
    assert service["deploy"]["resources"]["reservations"]["devices"][0]["driver"] == "nvidia"

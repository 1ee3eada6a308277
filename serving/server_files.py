"""TensorFlow Serving's own config files, written beside the models.

They name /models, where compose.yaml mounts the models folder. `pad_variable_length_inputs` is
left out on purpose: it pads with a request's first value, and a history would gain events.
"""

from __future__ import annotations

from pathlib import Path

from recsys.artifact import write_text
from serving.bundle import SCANN
from serving.shards import is_held, shard_of, without_shard

# the newest GPU image; the ops that our graphs use are older than it
IMAGE = "tensorflow/serving:2.19.1-gpu"
NUM_VERSIONS = 2  # the newest and the one before, which the API serves until it has switched

BATCHING = """\
# With --enable_batching and --enable_per_model_batching_parameters: the threads that all models
# share. What is batched, and how, stands in a model's own batching_params.pbtxt. The image encoder
# joins requests by itself, around its network alone; only where that is switched off
# (export.encoder_max_batch: 0) it has such a file. The searches take histories and exclusions of
# varying length, which a server could join only by padding them with a value that means something.
num_batch_threads { value: 4 }
max_batch_size { value: 32 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 100 }
"""

ENCODER_BATCHING = """\
max_batch_size { value: 32 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 100 }
"""
ENCODER_BATCHING_FILE = "batching_params.pbtxt"

MONITORING = """\
# For --monitoring_config_file: metrics for Prometheus on the REST port.
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""

COMPOSE = f"""\
# TensorFlow Serving on a GPU over the models in this folder: docker compose up
# It serves the exact engine: a stock server has no ScaNN. New versions are found by polling, and
# the API (vitrine serve) moves over when their bundle appears.
services:
  model-server:
    image: {IMAGE}
    command:
      - --model_config_file=/config/models.config
      - --model_config_file_poll_wait_seconds=60
      - --monitoring_config_file=/config/monitoring.config
      - --enable_batching=true
      - --enable_per_model_batching_parameters=true
      - --batching_parameters_file=/config/batching.config
      - --enable_model_warmup=true
    ports:
      - "8500:8500"  # gRPC
      - "8501:8501"  # REST and metrics
    volumes:
      - ./models:/models:ro
      - ./models.config:/config/models.config:ro
      - ./batching.config:/config/batching.config:ro
      - ./monitoring.config:/config/monitoring.config:ro
    deploy:
      resources:
        reservations:
          devices:
            - driver: nvidia
              count: 1
              capabilities: [gpu]
    restart: unless-stopped
"""

_EXACT_HEADER = """\
# For --model_config_file: every servable that a stock TensorFlow Serving can load.
"""
_SHARD_HEADER = """\
# For --model_config_file of the stock server that holds shard {}.
"""
_ALL_HEADER = """\
# For --model_config_file of a server that has ScaNN's ops, such as vitrine model-server.
"""


def write_server_files(folder: Path, servables: list[str]) -> None:
    """Writes models.config, models-scann.config, batching.config, monitoring.config, compose.yaml.

    And models-shard0.config and so on, where several servers share the items.

    Args:
        folder: the export folder.
        servables: the names of the newest bundle's servables.
    """
    exact = [name for name in servables if not without_shard(name).endswith(SCANN)]
    files = {
        "models.config": _EXACT_HEADER + model_config(exact),
        "models-scann.config": _ALL_HEADER + model_config(servables),
        "batching.config": BATCHING,
        "monitoring.config": MONITORING,
        "compose.yaml": COMPOSE,
    }
    shards = {shard for name in servables if (shard := shard_of(name)) is not None}
    for shard in shards:
        held = [name for name in exact if is_held(name, shard, len(shards))]
        files[f"models-shard{shard}.config"] = _SHARD_HEADER.format(shard) + model_config(held)
    for name, content in files.items():
        write_text(folder / name, content)


def model_config(servables: list[str], root: str = "/models") -> str:
    """A ModelServerConfig in text form.

    Args:
        servables: names; each has its folder of versions under `root`.
        root: an absolute path, as the server demands.
    """
    entries = "".join(
        f"  config {{\n"
        f'    name: "{name}"\n'
        f'    base_path: "{root}/{name}"\n'
        f'    model_platform: "tensorflow"\n'
        f"    model_version_policy {{ latest {{ num_versions: {NUM_VERSIONS} }} }}\n"
        f"  }}\n"
        for name in sorted(servables)
    )
    return f"model_config_list {{\n{entries}}}\n"

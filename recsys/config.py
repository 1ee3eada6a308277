"""Every setting, typed, with its default and its reason; read from YAML, unknown keys refused.

`configs/base.yaml` shows them all; a run's own YAML states only what differs.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recsys.errors import ConfigError

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]
Repeats = Literal["mask", "allow", "boost"]  # kinds that a mapping leaves out: mask


class Section(BaseModel):
    """A frozen group of settings that refuses names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class DataConfig(Section):
    """The tables and how strictly they are read."""

    root: str = "."  # folder or URL that relative paths in the tables start from
    catalog: str = "catalog.parquet"  # CSV or Parquet, relative to root
    events: str = "events.parquet"  # "" or a missing file: a catalog without events
    max_bad_fraction: Fraction = 0.1  # more rejected rows than this refuse the whole step
    max_unknown_items: Fraction = 0.5  # events of items that left may be so many; more is a mix-up
    min_user_events: Count = 1  # shoppers with fewer events are left out of training
    min_item_events: Count = 1  # items with fewer events keep no interactions
    rating_threshold: float = 0.0  # a `rating` below it is no sign of liking and is dropped


class PhotosConfig(Section):
    """Which photos are accepted and how they become the tower's input."""

    fit: Literal["pad", "crop"] = "pad"  # pad keeps the whole product in view
    min_side: Count = 32  # a shorter side shows nothing that could be learned from
    max_pixels: Count = 50_000_000  # above it a file is taken for a decompression bomb
    max_bytes: Count = 30_000_000  # larger files are refused before they are decoded
    max_aspect: float = Field(20.0, ge=1)  # a longer strip than this shows no product
    min_contrast: float = 2.0  # standard deviation of the liveliest color channel; less is blank


class SourcesConfig(Section):
    """How patiently photos are fetched: from files, by HTTP, from S3 and other storage."""

    tries: Count = 5  # per photo; of 10,000 whose requests fail at 5% none fails five times
    backoff_seconds: float = Field(0.5, ge=0)  # the first wait is up to this; each next up to twice
    max_backoff_seconds: float = Field(20.0, ge=0)  # no single wait is longer
    timeout_seconds: float = Field(15.0, gt=0)  # without a byte; a busy server takes seconds
    total_seconds: float = Field(120.0, gt=0)  # per photo with all tries and waits
    distrust_after: Count = 20  # photos in a row without an answer: a dead host gets one try each
    per_host: Count = 8  # requests at once, of all processes here; a shop's own server must live
    max_redirects: int = Field(5, ge=0)  # a photo behind more is a loop
    keep_failed_refreshes: int = Field(3, ge=0)  # runs that a dead link's last vector outlives


class QualityConfig(Section):
    """When a photo that can be read is still a bad one; `vitrine check` lists such photos."""

    min_bright: float = 70.0  # nothing brighter than this of 255 is a photo taken in the dark
    max_dark: float = 225.0  # nothing darker than this is washed out, or white upon white
    min_sharpness: float = 0.5  # edges relative to contrast: sharp photos have 1 to 3, blurred 0.3
    max_text: Fraction = 0.5  # share that lines of characters cover; patterns reach 0.4


class TowerConfig(Section):
    """The image tower: what it is made of and how it is trained."""

    backbone: str = "efficientnet_lite0"  # a file under embeddings/backbones/, or a path to one
    weights: str = ""  # a local weights file; empty starts from scratch
    image_size: int = Field(0, ge=0)  # 0: as the backbone file says; small photos need no more
    embedding_dim: Count = 128  # large enough for a million items, small enough to search fast
    pooling: Literal["average", "gem"] = "average"  # gem leans towards the strongest responses
    frozen_epochs: int = Field(0, ge=0)  # heads alone, before the backbone is unfrozen
    epochs: Count = 6  # at most; patience ends a training that no longer gains
    patience: Count = 3  # epochs without a better validation score before stopping
    batch_size: Count = 32  # photos per step; two cores gain nothing from more
    learning_rate: float = Field(1e-3, gt=0)  # of the heads, after the warm-up; AdamW's
    warmup: Fraction = 0.1  # share of the steps in which the rate rises to learning_rate
    clip_norm: float = Field(1.0, gt=0)  # longer gradients are cut to this length
    backbone_learning_rate_factor: float = Field(0.2, gt=0)  # pre-trained layers move less
    weight_decay: float = Field(1e-4, ge=0)  # decoupled, on matrices alone
    label_smoothing: Fraction = 0.1  # labels of shops are wrong now and then
    dropout: Fraction = 0.2  # of features before the heads
    category_weight: float = Field(1.0, ge=0)  # how much the category counts in the loss
    attribute_weight: float = Field(0.5, ge=0)  # how much all attributes together count
    metric_weight: float = Field(1.0, ge=0)  # of the cosine heads, which shape the embedding
    metric_scale: float = Field(16.0, gt=0)  # inverse temperature of the cosine head
    contrastive_weight: float = Field(0.0, ge=0)  # of pairs within a batch; pays in large batches
    class_balance: Fraction = 0.5  # 0 counts photos alike, 1 counts classes alike
    max_label_values: Count = 500  # an attribute with more values is an id, and is left out
    max_photos: Count = 100_000  # a sample is trained on where there are more: 15 GB at 224 px
    augment_shift: Fraction = 0.08  # share of the side a photo may be moved by
    augment_flip: bool = True  # mirrored products are the same products
    augment_zoom: Fraction = 0.1  # photos are taken nearer and farther, by up to this share
    augment_light: Fraction = 0.1  # photos are taken under all sorts of lamps
    augment_contrast: Fraction = 0.0  # contrast may change by this share
    augment_erase: Fraction = 0.0  # share of photos in which a rectangle is painted over
    mixup: float = Field(0.0, ge=0)  # beta parameter of photos faded in pairs; 0.2 is mild
    cutmix: float = Field(0.0, ge=0)  # beta parameter of rectangles pasted between photos
    early_image_size: int = Field(0, ge=0)  # smaller photos teach faster at first; 0 is never
    early_epochs: int = Field(0, ge=0)  # how many epochs see photos of that size
    weight_average: Fraction = 0.0  # kept of the running mean per step, say 0.995; 0 is none
    batch_norm: Literal["auto", "frozen", "train"] = "auto"  # auto: as the backbone file says
    color_levels: int = Field(0, ge=0, le=6)  # 4: 64 soft colors beside the features; 0: none
    teachers: list[str] = Field(default_factory=list)  # folders of trained towers to learn from
    teacher_weight: float = Field(1.0, ge=0)  # how much their view counts beside the labels
    adversary: float = Field(0.0, ge=0)  # half of the photos are led astray by so many of 255
    seed: int = 0  # of first weights, augmentation and the order of batches


class EmbedConfig(Section):
    """How photos are turned into the embedding table."""

    batch_size: Count = 64  # photos per call of the network
    decode_workers: Count = 2  # threads or processes that read and decode while the network runs
    decode_seconds: float = Field(60.0, gt=0)  # a photo that holds its decoder longer is given up
    part_size: Count = 4096  # items per Parquet part, photos per store part: what a kill may lose
    # local: worker processes on this machine; ray: a cluster, with the extra `ray`
    engine: Literal["local", "ray"] = "local"


class RayConfig(Section):
    """The Ray cluster of `--engine ray`; what comes out does not depend on it."""

    address: str = ""  # of a running cluster's head, host:port; empty: one is started here
    train: bool = False  # train-tower and train run on it too, on Ray Train
    workers: Count = 2  # that train together; embedding takes what the cluster has
    cpus_per_worker: float = Field(1.0, gt=0)  # that a worker counts as; it gets a GPU if any
    block_size: Count = 1024  # photos handed out at once: what a dead worker's node did in vain
    restarts: int = Field(2, ge=0)  # of a training that lost a worker, from its last whole epoch
    object_store_mb: int = Field(300, ge=100)  # shared memory of a cluster that is started here


class WordsConfig(Section):
    """The text tower, by which words find photos."""

    num_buckets: Count = 16_384  # words are hashed to so many; shops use some ten thousand
    width: Count = 128  # of a word's vector; more learns titles by heart
    dropout: Fraction = 0.3  # of the averaged words: a few thousand titles are soon known
    noise: float = Field(0.03, ge=0)  # added to photos' vectors, so that none is learned by heart
    epochs: Count = 60  # of one text per item each; a minute for some thousand items
    batch_size: Count = 256  # each text is told from so many photos
    learning_rate: float = Field(2e-3, gt=0)  # Adam's, after a short warm-up
    seed: int = 0  # of first weights, texts and the order of batches


class ModelConfig(Section):
    """The two-tower recommender."""

    embedding_dim: Count = 64  # of queries and candidates; more learns more and overfits sooner
    history_length: Count = 50  # the last events that the query tower reads
    num_blocks: Count = 2  # attention layers; one sees pairs of events, two see patterns of them
    num_heads: Count = 2  # each attends to something else; must divide embedding_dim
    dropout: Fraction = 0.2  # in the query tower; small data needs more
    use_id: bool = True  # false: items are known by their features alone
    use_image: bool = True  # each use_… can be switched off, to see what it is worth
    use_category: bool = True  # every level of the path
    use_brand: bool = True  # loyal shoppers follow it
    use_price: bool = True  # in bins of equally many items
    use_title: bool = True  # its words, in any order
    use_attributes: bool = True  # every attr_* column
    use_context: bool = True  # hour and weekday (UTC) of the request
    share_item_vectors: bool = True  # the history is read in the candidates' own vectors
    mask_in_training: bool = True  # the softmax leaves out what masking would not show anyway
    id_dropout: Fraction = 0.2  # so that an item without an id vector is placed by the rest
    feature_dropout: Fraction = 0.0  # of photo numbers and tokens; few photos need more
    placing_weight: float = Field(0.0, ge=0)  # of a second loss that places items without their id
    # by a regression onto the trained vectors, or by the tower's features as they were learned
    place_new: Literal["regression", "tower"] = "regression"
    kind_weight: float = Field(0.0, ge=0)  # of a second task: what kind of event comes next
    temperature: float = Field(0.07, gt=0)  # of the first steps; it is learned from there
    # how much each kind counts as a target; 0 is only read
    event_weights: dict[str, float] = {
        "view": 1.0, "cart": 2.0, "purchase": 3.0, "like": 2.0, "rating": 1.0, "dislike": 0.0,
    }  # fmt: skip
    # of items consumed: films are seen once, milk is not; or kind by kind, {purchase: boost}
    repeat_consumption: Repeats | dict[str, Repeats] = "mask"


class TrainConfig(Section):
    """How the two-tower recommender is trained."""

    epochs: Count = 50  # at most; patience ends most trainings sooner
    batch_size: Count = 64  # histories, each of which holds up to history_length targets
    learning_rate: float = Field(1e-3, gt=0)  # AdamW's, after the warm-up
    weight_decay: float = Field(0.0, ge=0)  # decoupled; dropout does most of the holding back
    warmup_steps: Count = 100  # attention diverges when it starts at full speed
    clip_norm: float = Field(5.0, gt=0)  # longest step that one batch's gradient may ask for
    full_softmax_up_to: Count = 20_000  # larger catalogs use sampled softmax with logQ correction
    num_sampled: Count = 4096  # items drawn evenly for each batch of the sampled softmax
    idle_days: float = Field(30.0, ge=0)  # an item untouched for so long was seen and not wanted
    idle_sample: int = Field(512, ge=0)  # idle items in each batch's softmax, standing for all
    label_smoothing: Fraction = 0.0  # share of the label spread over all items
    accumulate: Count = 1  # batches whose gradients are summed up before a step
    precision: Literal["float32", "bfloat16"] = "float32"  # of the softmax; bfloat16 for GPUs
    tensorboard: bool = False  # writes its logs to `tensorboard/` in the workdir
    patience: Count = 5  # epochs without better validation NDCG@10 before stopping
    max_minutes: float = Field(0.0, ge=0)  # no epoch begins that would end later; 0: no end
    seed: int = 0  # of first weights, dropout and the order of batches


class TransitionsConfig(Section):
    """The second source of recommendations: what followed what, counted."""

    enabled: bool = True  # false: the towers answer alone
    # all: also the last events of each shopper, which evaluation holds back; fresher, unjudged
    learn_from: Literal["training", "all"] = "training"
    lags: Count = 30  # an item is followed by what comes up to so many events later, 1/distance
    history: Count = 20  # the last events that vote, 1/place each
    width: Count = 100  # followers kept per item, the strongest
    max_entries: Count = 20_000_000  # of the whole table: 160 MB; wider rows are cut
    half_life_days: float = Field(0.0, ge=0)  # an event so old counts half; 0: all alike
    damping: Fraction = 0.5  # power of an item's own count that its followers are divided by
    popularity_damping: Fraction = 0.2  # the same of the follower's count
    # ages and dampings are chosen on validation among these and a few others
    tune: bool = True
    max_cases: Count = 2_000  # of validation, that the mixture is fitted on


class RankerConfig(Section):
    """A ranker over the first candidates, by what a dot product cannot see."""

    enabled: Literal["auto", False] = False  # auto trains one, kept only if validation gains
    candidates: Count = 200  # of the best scores, put into another order
    cross_layers: int = Field(2, ge=0)  # products of up to three features
    hidden: Count = 32  # a dozen features need no more
    max_cases: Count = 10_000  # moments of the training split that are learned from
    negatives: Count = 50  # of the candidates beside each right item
    epochs: Count = 10  # at most; the best by validation is kept
    batch_size: Count = 64  # lists per step
    learning_rate: float = Field(0.003, gt=0)  # Adam's
    seed: int = 0  # of first weights and of what is drawn


class IndexConfig(Section):
    """Which engine answers and how good its answers must be."""

    engine: Literal["auto", "exact", "scann"] = "auto"  # auto: scann above exact_up_to items
    exact_up_to: Count = 20_000  # below this a matrix product is faster than any tree
    target_recall: Fraction = 0.95  # recall@10 that the search for settings aims at
    min_recall: Fraction = 0.9  # an index under it is refused
    num_probes: Count = 1000  # queries that recall is measured on
    seed: int = 0  # of which queries are the probes


class EvaluationConfig(Section):
    """What is measured and on whom."""

    k: Count = 10  # how many recommendations are shown; Recall is taken at twice that too
    temporal_quantile: Fraction = 0.9  # fit before this point of time, judge after it
    num_bootstrap: Count = 1000  # resamples behind each 95% interval
    max_cases: Count = 20_000  # a sample of test cases where there are more
    # the peers beside the model
    baselines: list[Literal["popularity", "item_knn", "markov", "ease"]] = [
        "popularity", "item_knn", "markov", "ease",
    ]  # fmt: skip
    ease_max_items: Count = 10_000  # EASE inverts an items x items matrix; left out above this
    # temporal trains a second model, on the events before the moment
    protocols: list[Literal["leave_last_out", "temporal"]] = ["leave_last_out", "temporal"]
    rank: Literal["catalog", "touched"] = "catalog"  # touched: only items with events, as published
    cold_user_events: Count = 5  # a shopper with fewer events before is a cold one
    kinds: str = "category"  # the column by which lists are diverse and calibrated; a|b is both
    seed: int = 0  # of the resamples and of the cases drawn


class ExportConfig(Section):
    """What is published and what publication must pass."""

    keep_bundles: Count = 3  # the newest ones; older bundles and their servables are removed
    parity_tolerance: float = Field(1e-4, gt=0)  # reloaded against in-memory scores
    num_canaries: Count = 16  # queries compared before the rename
    num_warmup_requests: Count = 4  # a ScaNN index is built on its first query
    encoder_max_batch: int = Field(32, ge=0)  # photos that the encoder joins; 0: requests run alone
    encoder_wait_micros: int = Field(2000, ge=0)  # how long the first of them waits for others
    explanations: bool = True  # why an item is recommended; one and a half times the vectors
    shards: Count = 1  # model servers that share the items; more where one could not hold them
    # ScaNN's servables also where the index chose exact search; without them an export of 20,000
    # items takes two fifths less
    both_engines: bool = True


class RefreshConfig(Section):
    """When a refresh may replace the bundle that is served; what fails a gate leaves it."""

    # of the catalog's items gone since: a cut export looks like this; --allow-shrink lets it pass
    max_shrink: Fraction = 0.1
    keep_hours: float = Field(48.0, ge=0)  # versions that nothing names stay: readers may hold them
    keep_reports: Count = 60  # reports of the last refreshes; two months of nights
    num_probes: Count = 500  # items and shoppers asked of old and new: overlaps to within 0.02
    max_photos_lost: Fraction = 0.02  # items that stay without their vector: a host of photos died
    # of the mean vector, in standard deviations; a night's new photos move it by 0.01
    max_centroid_shift: float = Field(0.1, ge=0)
    # population stability index of similarities: 0.1 is a shift, 0.25 another population
    max_instability: float = Field(0.25, ge=0)
    min_neighbor_overlap: Fraction = 0.7  # of the first 10 of items that stay, by photo
    min_canary_overlap: Fraction = 0.5  # of first 10 as served: new items and events change some
    max_canaries_emptied: Fraction = 0.01  # of what was answered before, and is not any more
    duplicate_probes: Count = 2000  # new photos compared with all: half a minute for a million


class AnalysisConfig(Section):
    """What `vitrine analyze` counts, and how."""

    session_gap_minutes: float = Field(30.0, gt=0)  # the web's usual; a longer break ends a session
    price_bands: Count = 5  # of equally many items each
    trend_days: float = Field(14.0, gt=0)  # whole weeks, so that weekends weigh the same
    num_audiences: int = Field(0, ge=0)  # 0: three to eight, as tastes stand apart best
    min_taste_items: Count = 3  # fewer touched items say too little of a taste
    min_viewed: Count = 20  # pairs of an item, before its conversion is compared with others'
    min_support: Count = 5  # baskets with both items, before a pair is shown
    seed: int = 0  # of the audiences' first centers


class ServingConfig(Section):
    """The HTTP API."""

    max_k: Count = 200  # the longest page that a request may ask for
    overfetch: Count = 3  # candidates asked for per item wanted, before filters
    exact_below: Fraction = 0.02  # filters that allow less of the catalog are scored exactly
    exact_rows: Count = 20_000  # also filters that allow no more than this, and under a quarter
    engine: Literal["auto", "exact", "scann"] = "auto"  # auto: what the bundle chose per verb
    model_server: str = ""  # host:port, of each shard with commas between; empty: starts its own
    timeout_seconds: float = Field(5.0, gt=0)  # for one call of the model server
    breaker_failures: Count = 5  # calls of the model server in a row, before none is made
    breaker_seconds: float = Field(2.0, gt=0)  # then, until one is tried again
    database_url: str = ""  # SQLAlchemy URL; empty: SQLite in the workdir
    history_events: Count = 500  # the last events read per shopper; older ones are forgotten
    # per kind of event: hide, show, days to hide for, or auto (missing): as was trained
    seen: dict[str, Literal["auto", "hide", "show"] | Annotated[float, Field(ge=0)]] = {}
    diversity: Fraction = 0.0  # of lists that ask for none; 0.3 spreads looks at little cost
    max_per_brand: int = Field(0, ge=0)  # on a page, for lists that name no cap; 0: no cap
    max_per_category: int = Field(0, ge=0)  # likewise
    collapse: bool = False  # whether lists that do not say show near-duplicates once
    duplicate_cosine: Fraction = 0.995  # photos nearer than this show the same product
    merchandising: str = ""  # YAML of pins, hides and boosts; read again when it changes
    max_query_photos: Count = 8  # in one search; each is decoded and embedded
    new_days: float = Field(14.0, ge=0)  # items this young, as of the newest, are called new
    reason_items: Count = 8  # the last distinct items that a recommendation is explained by
    reason_neighbors: Count = 64  # how far around each of them an explanation looks
    max_events: Count = 1000  # in one request
    explore_share: Fraction = 0.0  # of recommended places that try new items; 0.05 is a start
    answer_days: float = Field(30.0, ge=0)  # answers are kept so long to attribute events; 0: none
    max_body_bytes: Count = 1_000_000  # of a request without a photo
    max_upload_bytes: Count = 12_000_000  # a phone's photo has 3 to 8 MB
    max_upload_pixels: Count = 50_000_000  # judged from the header, before any decoding
    upload_seconds: float = Field(20.0, gt=0)  # a slower upload is given up
    max_uploads: Count = 16  # uploads held in memory at once; more are turned away with 503
    decoders: Count = 2  # photos decoded at once: each may hold 150 MB
    threads: Count = 32  # requests worked on at once
    max_waiting: Count = 256  # requests in hand before more are turned away with 503


class SecurityConfig(Section):
    """Who may ask the HTTP API, and what it keeps of shoppers."""

    # auto: on other addresses than loopback, and everywhere once there is a key
    ask_for_keys: Literal["auto", "always", "never"] = "auto"
    requests_per_second: float = Field(500.0, ge=0)  # per key: one core's worth; 0: no limit
    request_burst: Count = 1000  # that a key may ask at once, after a pause
    cors_origins: list[str] = []  # pages of these origins may ask from a browser; none by default
    user_key_file: str = ""  # a secret in a file: user ids are stored as hashes by it; empty: plain


class Config(Section):
    """All settings of a run."""

    data: DataConfig = DataConfig()
    photos: PhotosConfig = PhotosConfig()
    sources: SourcesConfig = SourcesConfig()
    quality: QualityConfig = QualityConfig()
    tower: TowerConfig = TowerConfig()
    embed: EmbedConfig = EmbedConfig()
    ray: RayConfig = RayConfig()
    words: WordsConfig = WordsConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    transitions: TransitionsConfig = TransitionsConfig()
    ranker: RankerConfig = RankerConfig()
    index: IndexConfig = IndexConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    export: ExportConfig = ExportConfig()
    serving: ServingConfig = ServingConfig()
    security: SecurityConfig = SecurityConfig()
    refresh: RefreshConfig = RefreshConfig()
    analysis: AnalysisConfig = AnalysisConfig()


def load_config(path: Path | None = None, overrides: list[str] | None = None) -> Config:
    """Reads a YAML file and applies `key.path=value` overrides.

    Args:
        path: the YAML file; None takes every default.
        overrides: such as `train.epochs=3`; values are parsed as YAML.

    Raises:
        ConfigError: the file cannot be read, or a setting is unknown, of the wrong type or
            out of range; it names the dotted path and the nearest known name.
    """
    settings = _read_yaml(path) if path else {}
    for override in overrides or []:
        _apply(settings, override)
    return config_from(settings, where=str(path or "defaults"))


def config_from(settings: dict[str, Any], *, where: str) -> Config:
    """Checks a nested dictionary of settings and freezes it."""
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        raise _as_config_error(error, where) from None


def dump_config(config: Config) -> str:
    """The whole resolved config as YAML."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot read the config: {reason}.", where=str(path),
                          mend="Give the path of a YAML file; configs/base.yaml shows all settings."
                          ) from error  # fmt: skip
    except yaml.YAMLError as error:
        raise ConfigError(f"not valid YAML: {error}.", where=str(path)) from error
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise ConfigError("the config must be a mapping of sections.", where=str(path))
    return settings


def _apply(settings: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError("an override has the form section.name=value.", where=override)
    try:
        value = yaml.safe_load(text) if text.strip() else ""
    except yaml.YAMLError as error:
        raise ConfigError(f"the value is not valid YAML: {error}.", where=override) from error
    *sections, name = key.strip().split(".")
    for section in sections:
        inner = settings.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"`{section}` is no section.", where=override)
        settings = inner
    settings[name] = value


def _as_config_error(error: ValidationError, where: str) -> ConfigError:
    problems, mends = [], []
    for problem in error.errors():
        parts = [str(part) for part in problem["loc"]]
        dotted = ".".join(parts)
        if problem["type"] == "extra_forbidden":
            problems.append(f"unknown setting `{dotted}`")
            if near := _nearest(parts):
                mends.append(f"Did you mean `{near}`?")
        else:
            problems.append(f"`{dotted}`: {problem['msg']} (got {problem['input']!r})")
    return ConfigError("; ".join(problems) + ".", where=where, mend=" ".join(mends))


def _nearest(parts: list[str]) -> str:
    """The known dotted name nearest to an unknown one, or an empty string."""
    known = _dotted_names(Config)
    dotted = ".".join(parts)
    same_name = [name for name in known if name.rpartition(".")[2] == parts[-1]]
    near = difflib.get_close_matches(dotted, known, n=1, cutoff=0.5) or same_name
    return near[0] if near else ""


def _dotted_names(section: type[BaseModel], prefix: str = "") -> list[str]:
    names = []
    for name, field in section.model_fields.items():
        names.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += _dotted_names(field.annotation, f"{prefix}{name}.")
    return names

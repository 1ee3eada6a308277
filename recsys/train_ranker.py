"""The `rank` step: trains a ranker over the first candidates, and keeps it only if it helps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf
from numpy.typing import NDArray

from recsys import columns, metrics
from recsys.artifact import Artifact, open_artifact, write_artifact
from recsys.catalog import load_catalog
from recsys.config import Config, RankerConfig
from recsys.embedding_table import open_table
from recsys.errors import ArtifactError
from recsys.interactions import load_interactions
from recsys.model_scorers import model_scorers
from recsys.popularity_clock import PopularityClock
from recsys.progress import say
from recsys.rank_features import FEATURES, RankFacts, RankFeatures
from recsys.ranker import Ranker, load_ranker
from recsys.ranker_lists import ListMaker, Lists, training_cases
from recsys.ranking import Scorer
from recsys.repeats import masked_kinds
from recsys.sequences import make_sequences
from recsys.splits import Cases, Split, leave_last_out, sample_cases
from recsys.workdir import Workdir

KIND = "ranker"
MEND = "Run `vitrine rank` again."
WEIGHTS = "ranker.npz"
MAX_VALIDATION_CASES = 5_000


def train_ranker(config: Config, workdir: Workdir) -> dict[str, Any]:
    """Trains on the training split alone; validation says whether it is kept.

    Returns:
        Whether it is kept, and validation NDCG@10 without and with it.
    """
    tables = open_artifact(workdir.tables, "tables", mend="Run `vitrine prepare` first.")
    model = open_artifact(workdir.model, "model", mend="Run `vitrine train` first.")
    summary: dict[str, Any] = {"kept": False}
    state: dict[str, Any] = {}
    if config.ranker.enabled:
        split = _split(config, workdir)
        maker = list_maker(config, workdir, split, served(model_scorers(
            "leave_last_out", config, workdir, split, model)))  # fmt: skip
        ranker, summary = fit_ranker(maker, split, config)
        state = ranker.state()
        say(f"  validation NDCG@10 {summary['ndcg_before']:.4f}, ranked {summary['ndcg']:.4f}: "
            f"{'kept' if summary['kept'] else 'left out'}")  # fmt: skip
    with write_artifact(workdir.ranker, KIND) as draft:
        draft.inputs = {"tables": tables.fingerprint, "model": model.trained}
        draft.info = {**summary, "settings": config.ranker.model_dump(mode="json")}
        np.savez(draft.path / WEIGHTS, **state)
    return summary


def open_ranker(workdir: Workdir, trained: str) -> Ranker | None:
    """The ranker that validation kept; None where there is none.

    Args:
        trained: the fingerprint of the training behind the model.

    Raises:
        ArtifactError: it was trained for another model.
    """
    if not workdir.ranker.is_dir():
        return None
    artifact = open_artifact(workdir.ranker, KIND, mend=MEND)
    if not artifact.info["kept"]:
        return None
    if artifact.inputs["model"] != trained:
        raise ArtifactError("the ranker was trained for another model.",
                            where=str(workdir.ranker), mend=MEND)  # fmt: skip
    with np.load(artifact.path / WEIGHTS) as state:
        return load_ranker(RankerConfig.model_validate(artifact.info["settings"]), dict(state))


def ranked(
    config: Config, workdir: Workdir, split: Split, scorers: dict[str, Scorer], model: Artifact
) -> dict[str, Scorer]:
    """The row `ranked` of the evaluation, where a ranker is kept."""
    ranker = open_ranker(workdir, model.trained) if config.ranker.enabled else None
    if ranker is None:
        return {}
    maker = list_maker(config, workdir, split, served(scorers))
    return {"ranked": ranked_scorer(ranker, maker, ranker.candidates)}


def served(scorers: dict[str, Scorer]) -> Scorer:
    """Of the model's scorers the one that is served."""
    return scorers.get("blend", scorers["two_tower"])


def list_maker(config: Config, workdir: Workdir, split: Split, scorer: Scorer) -> ListMaker:
    """What makes lists of the training split's moments, and of later ones."""
    facts = rank_facts(load_catalog(workdir), workdir)
    return ListMaker(
        scorer, RankFeatures(facts), PopularityClock.of(split.train, len(split.known)),
        config.model.history_length, masked_kinds(config.model),
        split.ranked(config.evaluation.rank),
    )  # fmt: skip


def rank_facts(catalog: pd.DataFrame, workdir: Workdir) -> RankFacts:
    """What the ranker knows of the items, photo vectors where there is a table of them."""
    photo = np.zeros((len(catalog), 0), np.float16)
    if workdir.embeddings.is_dir():
        vectors, _ = open_table(workdir.embeddings).vectors_for(catalog[columns.ITEM_ID].tolist())
        photo = vectors.astype(np.float16)
    named = catalog[columns.CATEGORY].replace("", None)
    return RankFacts(
        np.log1p(catalog[columns.PRICE].to_numpy(np.float64)).astype(np.float32),
        pd.factorize(named)[0].astype(np.int32), photo,
    )  # fmt: skip


def fit_ranker(maker: ListMaker, split: Split, config: Config) -> tuple[Ranker, dict[str, Any]]:
    """Trains for some epochs and keeps the weights that rank validation best."""
    settings = config.ranker
    tf.keras.utils.set_random_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    cases = training_cases(split.train, maker.mask, settings.max_cases, settings.seed)
    lists = maker.make(cases, settings.candidates, with_target=True)
    judged = maker.make(
        sample_cases(split.validation, MAX_VALIDATION_CASES, settings.seed),
        settings.candidates, with_target=False,
    )  # fmt: skip
    before = ndcg(judged, judged.scores)
    usable = np.flatnonzero(lists.place >= 0)
    present = lists.rows >= 0
    seen = lists.features[present] if present.any() else np.zeros((1, len(FEATURES)), np.float32)
    ranker = Ranker(settings, seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-3))
    ranker.optimizer = tf.keras.optimizers.Adam(settings.learning_rate, jit_compile=False)
    step = tf.function(ranker.train_step, reduce_retracing=True, autograph=True)
    best, kept, epochs = before, ranker.get_weights(), []
    for _ in range(settings.epochs if len(judged) and len(usable) else 0):
        order = rng.permutation(usable)
        for start in range(0, len(order), settings.batch_size):
            step(_batch(lists, order[start : start + settings.batch_size], settings, rng))
        reached = ndcg(judged, judged.scores + corrections(ranker, judged.features))
        epochs.append(reached)
        if reached > best:
            best, kept = reached, ranker.get_weights()
    ranker.set_weights(kept)
    return ranker, {"kept": best > before, "ndcg_before": before, "ndcg": best, "epochs": epochs,
                    "lists": len(usable)}  # fmt: skip


def corrections(ranker: Ranker, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the ranker adds to scores, float32 [num_cases, n], some cases at a time."""
    parts = [ranker(tf.constant(features[start : start + 512])).numpy()
             for start in range(0, len(features), 512)]  # fmt: skip
    return np.concatenate([np.zeros((0, features.shape[1]), np.float32), *parts])


def ndcg(lists: Lists, scores: NDArray[np.float32]) -> float:
    """Mean NDCG@10 of lists in the order of these scores; right items outside get nothing.

    Items that score the same count half.
    """
    if not len(lists):
        return 0.0
    scores = np.where(lists.rows >= 0, scores, -np.inf)
    own = np.take_along_axis(scores, np.maximum(lists.place, 0)[:, None], axis=1)
    ranks = 0.5 + 0.5 * ((scores > own).sum(axis=1) + (scores >= own).sum(axis=1))
    ranks = np.where(lists.place >= 0, ranks, np.inf)
    return float(np.average(metrics.ndcg_at_k(ranks, 10), weights=lists.weights))


def ranked_scorer(ranker: Ranker, maker: ListMaker, count: int) -> Scorer:
    """Scores as served with a ranker: the first `count` in its order, the others after them."""

    def score(cases: Cases) -> NDArray[np.float32]:
        lists = maker.make(cases, count, with_target=False)
        scores = np.array(maker.scorer(cases), np.float32)
        new = lists.scores + corrections(ranker, lists.features)
        case, place = np.nonzero(lists.rows >= 0)
        inside = np.zeros(scores.shape, bool)
        inside[case, lists.rows[case, place]] = True
        lowest = np.where(lists.rows >= 0, new, np.inf).min(axis=1, keepdims=True)
        highest = np.where(inside, -np.inf, scores).max(axis=1, keepdims=True)
        down = np.maximum(np.where(np.isfinite(lowest), highest - lowest + 1e-3, 0.0), 0.0)
        scores = np.where(inside, scores, scores - down).astype(np.float32)
        scores[case, lists.rows[case, place]] = new[case, place]
        return scores

    return score


def _split(config: Config, workdir: Workdir) -> Split:
    item_ids = load_catalog(workdir)[columns.ITEM_ID].tolist()
    events = load_interactions(workdir)
    sequences = make_sequences(events, item_ids, config.model.event_weights)
    mask = masked_kinds(config.model)
    return leave_last_out(sequences, len(item_ids), mask_repeats=mask)


def _batch(
    lists: Lists, chosen: NDArray[np.int64], settings: RankerConfig, rng: np.random.Generator
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The right item of each list and some of the others, in random places."""
    others = max(1, min(settings.negatives, lists.rows.shape[1] - 1))
    keys = rng.random((len(chosen), lists.rows.shape[1]))
    keys[np.arange(len(chosen)), lists.place[chosen]] = -1.0
    order = np.argsort(keys, axis=1)[:, : others + 1]  # the right item first
    features = np.take_along_axis(lists.features[chosen], order[..., None], axis=1)
    present = np.take_along_axis(lists.rows[chosen], order, axis=1) >= 0
    labels = np.zeros(order.shape, np.float32)
    labels[:, 0] = 1.0
    return tf.constant(features), tf.constant(present), tf.constant(labels)

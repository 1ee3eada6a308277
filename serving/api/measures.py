"""What the API counts and times, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Measures:
    """The metrics of one API process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "vitrine_requests", "Requests by route and status.", ["route", "method", "status"],
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "vitrine_request_seconds", "Time from a request's head to its answer's end.",
            ["route"], buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self.in_hand = Gauge(
            "vitrine_requests_in_hand", "Requests being worked on.", registry=self.registry
        )
        self.turned_away = Counter(
            "vitrine_turned_away", "Requests refused because too many were waiting.",
            registry=self.registry,
        )  # fmt: skip
        self.uploads = Counter(
            "vitrine_uploads", "Uploaded photos by outcome: accepted, or why not.", ["outcome"],
            registry=self.registry,
        )  # fmt: skip
        self.events = Counter(
            "vitrine_events", "Events that were stored, by kind.", ["event"],
            registry=self.registry,
        )  # fmt: skip
        self.items = Counter(
            "vitrine_answered_items", "Items in answers, by verb and reason.", ["verb", "reason"],
            registry=self.registry,
        )  # fmt: skip
        self.shown = Counter(
            "vitrine_shown_items", "Items in answers that are kept, by verb and bundle.",
            ["verb", "bundle"], registry=self.registry,
        )  # fmt: skip
        self.attributed = Counter(
            "vitrine_attributed_events", "Events that name an answer, by its verb and bundle.",
            ["verb", "bundle", "event"], registry=self.registry,
        )  # fmt: skip
        self.unlogged = Gauge(
            "vitrine_unlogged_answers", "Answers that were not kept: the database was behind.",
            registry=self.registry,
        )  # fmt: skip
        self.bundle_seconds = Histogram(
            "vitrine_bundle_seconds", "Time until an answer was made, by the bundle that made it.",
            ["version"], buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self.degraded = Counter(
            "vitrine_degraded", "Answers that were less than they should be, by verb.", ["verb"],
            registry=self.registry,
        )  # fmt: skip
        self.bundle = Gauge(
            "vitrine_bundle_version", "The bundle that is served.", ["fingerprint"],
            registry=self.registry,
        )  # fmt: skip

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

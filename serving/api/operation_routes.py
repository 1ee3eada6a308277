"""For whoever runs it: is it alive, can it answer, how does it do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from recsys.errors import VitrineError
from serving.api.access import needs
from serving.api.answers import PROBLEMS, answered, measures_of, service_of
from serving.api.problems import RETRY_SECONDS
from serving.api.schemas import (
    Answer,
    AttributionAnswer,
    AttributionQuery,
    BundleOut,
    Health,
    Readiness,
    Schema,
)
from serving.attribution import attribution as report
from serving.bundle_figures import figures
from serving.degraded import noting
from serving.items import SECONDS_PER_DAY

router = APIRouter(tags=["operation"])

Version = Annotated[
    str, Path(pattern=r"^([1-9][0-9]{0,17}|newest)$", description="A version, or `newest`.")
]


class ServeBody(Schema):
    """Who is moved."""

    share: float | None = Field(
        None, gt=0, lt=1, strict=True,
        description="This share of the users, each always by the same bundle; missing: all.",
    )  # fmt: skip


class BundleFigures(BaseModel):
    """A published bundle."""

    version: int
    fingerprint: str
    created_at: float
    num_items: int
    num_photos: int
    servables: list[str]
    engines: dict[str, str]
    ndcg_at_10: float | None = Field(description="Of its model on validation.")
    recall: dict[str, float] = Field(description="Recall@10 of its index, by space.")
    share: float = Field(description="Of the users that it answers now.")
    loaded: bool
    failure: str = Field(description="Why it could not be loaded; empty where it could.")
    canary_overlap: float | None = Field(
        description="Share of its first answers that the bundle before it gave too."
    )


class RefreshFigures(BaseModel):
    """What `vitrine refresh` did, as its report tells it."""

    name: str = Field(description="Of its folder in the workdir's `refreshes`.")
    written_at: float
    status: str = Field(description="`done`, or `gate_failed` where the old bundle stays.")
    error: str
    version: int | None = Field(description="Of the bundle that it published.")
    seconds: float
    slowest: str = Field(description="The stage that took longest.")
    photos: int = Field(description="Embedded; all others were known.")
    changes: dict[str, int] = Field(description="How many items came, left and changed.")
    failed_gates: list[str]
    failures: int = Field(description="Photos that could not be used.")


class BundlesAnswer(Answer):
    """Every published bundle, oldest first."""

    bundles: list[BundleFigures]
    pinned: bool = Field(description="Whether newer bundles are passed over.")
    latest_refresh: RefreshFigures | None = Field(
        None, description="The newest refresh that was judged; null where there was none."
    )


@router.get("/healthz", response_model=Health)
async def healthz() -> Health:
    """The process lives."""
    return Health(status="ok")


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
def readyz(request: Request) -> Response:
    """Whether requests can be answered: the model server serves this bundle, the store answers."""
    service = service_of(request)
    checks, warnings = {}, list(service.recommender.warnings)
    for name, check in (("model server", service.recommender.check),
                        ("database", service.store.ping)):  # fmt: skip
        try:
            # a part that is missing is no reason to send requests elsewhere
            with noting() as missing:
                check()
            warnings += missing
            checks[name] = "ok"
        except VitrineError as error:
            checks[name] = error.line
    ready = set(checks.values()) == {"ok"}
    bundle = BundleOut(version=service.bundle.version, fingerprint=service.bundle.fingerprint)
    body = Readiness(ready=ready, bundle=bundle, checks=checks, warnings=warnings).model_dump_json()
    headers = {} if ready else {"Retry-After": str(RETRY_SECONDS)}
    return Response(body, 200 if ready else 503, headers, "application/json")


@router.get("/v1/operations/bundles", response_model=BundlesAnswer, responses=PROBLEMS,
            dependencies=[needs("read")])  # fmt: skip
def list_bundles(request: Request) -> Response:
    """Every published bundle with its figures, and which part of the users it answers."""
    return _bundles(request)


@router.post("/v1/operations/bundles/{version}:serve", response_model=BundlesAnswer,
             responses=PROBLEMS, dependencies=[needs("admin")])  # fmt: skip
def serve_bundle(request: Request, version: Version, body: ServeBody | None = None) -> Response:
    """Moves all users, or a share of them, to a bundle; `newest` follows new ones again.

    It is loaded and asked beside the one that answers; traffic moves when it answers well, and
    the choice is kept through restarts.
    """
    releases = service_of(request).releases
    number = None if version == "newest" else int(version)
    traffic = releases.traffic.served_by(number)
    if body is not None and body.share is not None:
        shared = releases.published[-1].version if number is None else number
        stays = releases.current.version
        traffic = releases.traffic.served_by(stays).shared_with(shared, body.share)
    del request.scope["state"]["service"]  # this request must not hold the bundle that leaves
    releases.choose(traffic)
    return _bundles(request)


@router.get("/v1/operations/attribution", response_model=AttributionAnswer, responses=PROBLEMS,
            dependencies=[needs("read")])  # fmt: skip
def attribution(request: Request, query: Annotated[AttributionQuery, Query()]) -> Response:
    """What became of answers: clicks, carts and purchases by bundle and verb, with intervals."""
    service = service_of(request)
    since = service.clock() - query.days * SECONDS_PER_DAY
    return answered(request, service, AttributionAnswer, **report(service.store, since))


def _bundles(request: Request) -> Response:
    service = service_of(request)
    releases = service.releases
    main, shares = releases.current.version, releases.traffic.shares
    loaded = {release.version for release in releases.loaded}
    found = []
    for bundle in releases.published:
        compared = releases.compared.get(bundle.version)
        rest = 1.0 - sum(shares.values()) if bundle.version == main else 0.0
        found.append(BundleFigures(
            **figures(bundle), share=shares.get(bundle.version, rest),
            loaded=bundle.version in loaded, failure=releases.failures.get(bundle.version, ""),
            canary_overlap=None if compared is None else compared.overlap,
        ))  # fmt: skip
    pinned = releases.traffic.pinned is not None
    return answered(request, service, BundlesAnswer, bundles=found, pinned=pinned,
                    latest_refresh=releases.latest_refresh)  # fmt: skip


@router.get("/metrics", response_class=Response, dependencies=[needs("read")],
            responses={200: {"content": {"text/plain": {}}}})  # fmt: skip
async def metrics(request: Request) -> Response:
    """Counts and times in Prometheus' text format."""
    return Response(measures_of(request).text(), media_type=CONTENT_TYPE_LATEST)

"""For whoever runs it: is it alive, can it answer, how does it do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from recsys.errors import VitrineError
from serving.api.access import needs
from serving.api.answers import PROBLEMS, answered, measures_of, service_of
from serving.api.problems import RETRY_SECONDS
from serving.api.schemas import (
    AttributionAnswer,
    AttributionQuery,
    BundleOut,
    Health,
    Readiness,
)
from serving.attribution import attribution as report
from serving.items import SECONDS_PER_DAY

router = APIRouter(tags=["operation"])


@router.get("/healthz", response_model=Health)
async def healthz() -> Health:
    """The process lives."""
    return Health(status="ok")


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
def readyz(request: Request) -> Response:
    """Whether requests can be answered: the model server serves this bundle, the store answers."""
    service = service_of(request)
    checks = {}
    for name, check in (("model server", service.recommender.check),
                        ("database", service.store.ping)):  # fmt: skip
        try:
            check()
            checks[name] = "ok"
        except VitrineError as error:
            checks[name] = error.line
    ready = set(checks.values()) == {"ok"}
    bundle = BundleOut(version=service.bundle.version, fingerprint=service.bundle.fingerprint)
    body = Readiness(ready=ready, bundle=bundle, checks=checks).model_dump_json()
    headers = {} if ready else {"Retry-After": str(RETRY_SECONDS)}
    return Response(body, 200 if ready else 503, headers, "application/json")


@router.get("/v1/operations/attribution", response_model=AttributionAnswer, responses=PROBLEMS,
            dependencies=[needs("read")])  # fmt: skip
def attribution(request: Request, query: Annotated[AttributionQuery, Query()]) -> Response:
    """What became of answers: clicks, carts and purchases by bundle and verb, with intervals."""
    service = service_of(request)
    since = service.clock() - query.days * SECONDS_PER_DAY
    return answered(request, service, AttributionAnswer, **report(service.store, since))


@router.get("/metrics", response_class=Response, dependencies=[needs("read")],
            responses={200: {"content": {"text/plain": {}}}})  # fmt: skip
async def metrics(request: Request) -> Response:
    """Counts and times in Prometheus' text format."""
    return Response(measures_of(request).text(), media_type=CONTENT_TYPE_LATEST)

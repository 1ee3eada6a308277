"""The HTTP API as one app: routes, limits, problems, and the page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi

from serving.api import (
    item_routes,
    live_routes,
    operation_routes,
    page_routes,
    privacy_routes,
    search_routes,
    upload_routes,
    user_routes,
)
from serving.api.access import needs
from serving.api.answers import PROBLEMS
from serving.api.decoders import Decoders
from serving.api.edge import Edge
from serving.api.examples import add_examples
from serving.api.guard import Guard
from serving.api.key_ring import KeyRing
from serving.api.measures import Measures
from serving.api.noted import open_answer_log
from serving.api.problems import add_problem_handlers
from serving.api.schemas import SearchRequest
from serving.api.thumbnails import Thumbnails
from serving.api.token_buckets import TokenBuckets
from serving.memory import give_large_blocks_back
from serving.service import Service

ABOUT = """Similar items and personalized recommendations.

Every answer says its request id, the bundle that it is from and how long it took; every item
its score and why it is there. Errors are `application/problem+json` with what happened, where,
and how to mend it."""


def create_app(service: Service, *, exposed: bool = False) -> FastAPI:
    """The app over one service; it owns neither store nor model server.

    Args:
        service: what it answers from.
        exposed: whether others than this machine's programs reach it: then it asks for keys.

    Example:
        >>> uvicorn.run(create_app(service))  # doctest: +SKIP
    """
    config = service.config

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        give_large_blocks_back()
        anyio.to_thread.current_default_thread_limiter().total_tokens = config.serving.threads
        app.state.answer_log.start()
        yield
        app.state.answer_log.close()

    # no docs pages: they load scripts from another host
    app = FastAPI(title="Vitrine", version="1", description=ABOUT, lifespan=lifespan,
                  generate_unique_id_function=lambda route: route.name, docs_url=None,
                  redoc_url=None)  # fmt: skip
    app.state.service = service
    app.state.measures = Measures()
    app.state.answer_log = open_answer_log(app, service)
    app.state.thumbnails = Thumbnails(config.photos, decoders=config.serving.decoders)
    app.state.decoders = Decoders(config)
    app.state.measures.bundle.labels(service.bundle.fingerprint).set(service.bundle.version)
    add_problem_handlers(app)
    _add_layers(app, service, exposed=exposed)
    for routes in (item_routes, live_routes, search_routes, upload_routes, user_routes,
                   privacy_routes):  # fmt: skip
        app.include_router(routes.router, responses=PROBLEMS, dependencies=[needs("read")])
    app.include_router(operation_routes.router)
    app.include_router(page_routes.router, include_in_schema=False)
    app.openapi = lambda: _openapi(app, service)  # type: ignore[method-assign]
    return app


def _add_layers(app: FastAPI, service: Service, *, exposed: bool) -> None:
    """What a request goes through before its route; the last one added comes first."""
    config = service.config.security
    keys = KeyRing(service.store.api_keys, config.ask_for_keys, exposed=exposed)
    keys.refresh()
    buckets = TokenBuckets(config.requests_per_second, config.request_burst)
    app.add_middleware(Guard, keys=keys, buckets=buckets, origins=config.cors_origins)
    if config.cors_origins:  # a browser asks for leave without a key, so this comes before
        app.add_middleware(
            CORSMiddleware, allow_origins=config.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )  # fmt: skip
    app.add_middleware(Edge, config=service.config.serving, measures=app.state.measures)


def _openapi(app: FastAPI, service: Service) -> dict[str, Any]:
    """The OpenAPI document, with the limits and kinds of event of this configuration."""
    limits = service.config.serving
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=ABOUT,
                               routes=app.routes)  # fmt: skip
        for path in document["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)  # FastAPI's own form of it
                operation["responses"].get("default", {}).get("content", {}).pop(
                    "application/json", None
                )
                for parameter in operation.get("parameters", []):
                    if parameter["name"] == "k":
                        parameter["schema"]["maximum"] = limits.max_k
        document["components"]["securitySchemes"] = {
            "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "`vitrine keys add` makes one.",
            }
        }
        document["security"] = [{"key": []}, {}]  # none is asked for on loopback at first
        schemas = document["components"]["schemas"]
        schemas["RecommendationRequest"]["properties"]["k"]["maximum"] = limits.max_k
        schemas["EventsRequest"]["properties"]["events"]["maxItems"] = limits.max_events
        search = SearchRequest.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= {**search.pop("$defs"), "SearchRequest": search}
        search["properties"]["k"]["maximum"] = limits.max_k
        for schema in ("EventBody", "HistoryEvent"):
            schemas[schema]["properties"]["event"]["enum"] = service.event_kinds
        add_examples(document)
        app.openapi_schema = document
    return app.openapi_schema

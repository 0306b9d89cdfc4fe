"""The web face: the factory that puts its parts together. The only module here that knows the settings."""

from __future__ import annotations

import sys
from functools import partial
from zoneinfo import ZoneInfo

from flask import Flask

import config
from api.answering.allowance import allowance
from api.answering.negotiation import plain
from api.border import init_app as guard
from api.clients import Clients
from api.edge import Edge
from api.edge.behind import Behind, Reply
from api.edge.front import Answered
from api.edge.held import hold_signals
from api.edge.memory import Memory
from api.expected import Expected, Feeds, Followed
from api.export.routes import routes as export_routes
from api.headers import init_app as protect
from api.keeping.cache import open_cache
from api.keeping.flight import Flights, Slots
from api.keeping.previous import Previous
from api.keeping.told import Told
from api.keeping.told import init_app as hear
from api.keeping.turns import open_turns
from api.metrics import BUSY, count
from api.metrics import begin as begin_to_count
from api.metrics.requests import NO_ROUTE
from api.metrics.requests import init_app as count_requests
from api.openapi import routes as openapi_routes
from api.openapi.guide import routes as guide_routes
from api.page import routes as page_routes
from api.problems import init_app as answer_problems
from api.problems import problem
from api.routes.charts import routes as chart_routes
from api.routes.ledger import routes as ledger_routes
from api.routes.liveness import routes as liveness_routes
from api.routes.measures import routes as measure_routes
from api.routes.occurrences import routes as occurrence_routes
from api.routes.reading import routes as reading_routes
from api.routes.species import routes as species_routes
from api.routes.versions import routes as version_routes
from api.site import Site
from api.warming.asked_for import AskedFor
from api.warming.counting import init_app as count_questions
from api.warming.watch import WarmUp
from db import logs, schema
from db.engine import open_reader
from db.questions.grounds import Grounds
from db.watch import watch

MOST_BODY_BYTES = 64 * 1024
PATIENCE_SECONDS = 10.0
EXPORTS_AT_ONCE = 2
"""In each worker: each is a file on the disk for as long as its client reads."""
THREADS, WAITING = 32, 128
"""In each worker: most of them wait for a chart that one of them draws, and cost nothing meanwhile."""
SWITCH_SECONDS = 0.0001
"""How long a drawing thread may keep an answer from memory waiting: a fiftieth of Python's own measure.
A fifth of this would halve the wait again, and cost those that draw side by side a quarter of their work."""
PARTS = (
    chart_routes,
    export_routes,
    version_routes,
    occurrence_routes,
    species_routes,
    ledger_routes,
    liveness_routes,
    measure_routes,
    reading_routes,
    openapi_routes,
    guide_routes,
    page_routes,
)
"""The parts with routes, a blueprint each; a new one gets its line here."""


def create_worker() -> Edge:
    """The server of the environment's settings, as granian runs it; its loop will hear signals to end."""
    settings = config.load()
    logs.begin(settings.log_level, settings.log_format)
    begin_to_count()
    server = create_server(settings)
    hold_signals()
    return server


def create_server(settings: config.Settings) -> Edge:
    """The web application with its memory in front."""
    app = create_app(settings)
    with app.test_request_context("/"):
        response = app.process_response(problem(503, "Too many wait for an answer.", "busy", retry_after=2))
        crowded = Reply(response.status_code, response.headers.to_wsgi_list(), response.get_data())

    def refuse() -> Reply:
        count(NO_ROUTE, "failed")
        BUSY.inc()
        return crowded

    sys.setswitchinterval(SWITCH_SECONDS)
    site: Site = app.extensions["sightings"]

    def tell(answered: Answered) -> None:
        for ((path, query), route, _, outcome), amount in answered.items():
            count(route, outcome, amount)
            site.asked_for.count(f"{path}?{query}", amount)
        behind.aside(partial(site.cache.used, {plain(tag) for _, _, tag, _ in answered}))

    memory = Memory(int(settings.edge_bytes))
    behind = Behind(app, THREADS, WAITING, partial(close, app))
    watching = watch(site.reader, lambda: site.told.highest() if site.told.is_known else 0)
    return Edge(behind, watching, memory, refuse, tell)


def close(app: Flask) -> None:
    """Let go of what an application holds, when nobody asks it any more: connections, a timer, a file."""
    site: Site = app.extensions["sightings"]
    site.asked_for.close()
    site.told.close()
    site.reader.dispose()


def create_warm_up(settings: config.Settings) -> WarmUp:
    """What makes answers before they are asked for: on nobody's account, and never waiting for a slot."""
    on_the_house = settings.model_copy(update={"misses_per_minute": 0})
    return WarmUp(create_app(on_the_house, slot_patience=0.0), settings.asked_directory)


def create_app(settings: config.Settings | None = None, slot_patience: float = PATIENCE_SECONDS) -> Flask:
    """The web application of these settings; of the environment's, if none are given."""
    settings = settings or config.load()
    app = Flask("api", static_folder=None)  # the page serves its own files, under the digest of their bytes
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    app.url_map.merge_slashes = False  # a redirect to "//evil.example" would leave the site
    cache = open_cache(app, settings.cache, settings.cache_directory, int(settings.cache_bytes))
    told = Told(settings.home / "told")
    app.extensions["sightings"] = Site(
        reader=open_reader(settings.web_database, settings.query_time_limit),
        cache=cache,
        flights=Flights(PATIENCE_SECONDS),
        turns=open_turns(cache, settings.cache, settings.making_directory, PATIENCE_SECONDS),
        slots=Slots(settings.render_slots, slot_patience, settings.making_directory),
        zone=ZoneInfo(settings.timezone),
        title=settings.title,
        feeds=_feeds(settings),
        charts=settings.charts_directory,
        grounds=Grounds(),
        told=told,
        previous=Previous(told if settings.cache == "files" else None),
        schema=schema.head(),
        exports=Slots(EXPORTS_AT_ONCE, PATIENCE_SECONDS),
        export_bytes=int(settings.export_bytes),
        asked_for=AskedFor(settings.asked_directory),
        clients=Clients(settings.trusted_proxies, settings.token_of_metrics),
        allowance=allowance(settings.misses_per_minute, settings.workers, cache, settings.cache),
    )
    hear(app, told)
    count_requests(app)
    guard(app)
    for part in PARTS:
        app.register_blueprint(part)
    count_questions(app)
    answer_problems(app)
    protect(app)
    return app


def _feeds(settings: config.Settings) -> Followed:
    """The feeds that are read by a schedule; a feed that comes, goes or pauses needs no new server."""

    def of(these: config.Settings) -> Feeds:
        return tuple(Expected(**feed.expected) for feed in these.feeds if not feed.paused)

    return Followed(config.file(), of(settings), lambda: of(config.load()))

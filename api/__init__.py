"""The web face: the factory that puts its parts together. The only module here that knows the settings."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import Flask

import config
from api.answering.allowance import allowance
from api.answering.cache import open_cache
from api.answering.flight import Flights, Slots
from api.border import init_app as guard
from api.clients import Clients
from api.export.routes import routes as export_routes
from api.headers import init_app as protect
from api.metrics.requests import init_app as count_requests
from api.openapi import routes as openapi_routes
from api.openapi.guide import routes as guide_routes
from api.page import routes as page_routes
from api.problems import init_app as answer_problems
from api.routes.charts import routes as chart_routes
from api.routes.ledger import routes as ledger_routes
from api.routes.liveness import routes as liveness_routes
from api.routes.measures import routes as measure_routes
from api.routes.occurrences import routes as occurrence_routes
from api.routes.reading import routes as reading_routes
from api.routes.species import routes as species_routes
from api.routes.versions import routes as version_routes
from api.site import Site
from db import schema
from db.engine import open_reader

MOST_BODY_BYTES = 64 * 1024
PATIENCE_SECONDS = 10.0
EXPORTS_AT_ONCE = 2
"""In each worker: a slow client holds a thread as long as he reads, and half of them stay free for charts."""
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


def create_app(settings: config.Settings | None = None) -> Flask:
    """The web application of these settings; of the environment's, if none are given."""
    settings = settings or config.load()
    app = Flask(
        __name__, static_folder=None
    )  # the page serves its own files, under the digest of their bytes
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    app.url_map.merge_slashes = False  # a redirect to "//evil.example" would leave the site
    app.extensions["sightings"] = Site(
        reader=open_reader(settings.web_database, settings.query_time_limit),
        cache=open_cache(app, settings.cache, settings.cache_directory, int(settings.cache_bytes)),
        flights=Flights(PATIENCE_SECONDS),
        slots=Slots(max(1, settings.render_slots // settings.workers), PATIENCE_SECONDS),
        zone=ZoneInfo(settings.timezone),
        title=settings.title,
        charts=settings.charts_directory,
        schema=schema.head(),
        exports=Slots(EXPORTS_AT_ONCE, PATIENCE_SECONDS),
        export_bytes=int(settings.export_bytes),
        clients=Clients(settings.trusted_proxies, settings.token_of_metrics),
        allowance=allowance(settings.misses_per_minute, settings.workers, settings.cache),
    )
    count_requests(app)
    guard(app)
    for part in PARTS:
        app.register_blueprint(part)
    answer_problems(app)
    protect(app)
    return app

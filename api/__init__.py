"""The web face: the factory that puts its parts together. The only module here that knows the settings."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import Flask

import config
from api import charts, headers, ledger, liveness, problems, reading, versions
from api.cache import open_cache
from api.flight import Flights, Slots
from api.site import Site
from db import schema
from db.engine import open_reader

MOST_BODY_BYTES = 64 * 1024
PATIENCE_SECONDS = 10.0
PARTS = (
    charts,
    versions,
    ledger,
    liveness,
    reading,
)
"""The modules with routes; a new one brings a blueprint ``routes`` and its line here."""


def create_app(settings: config.Settings | None = None) -> Flask:
    """The web application of these settings; of the environment's, if none are given."""
    settings = settings or config.load()
    app = Flask(__name__)
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
    )
    for part in PARTS:
        app.register_blueprint(part.routes)
    problems.init_app(app)
    headers.init_app(app)
    return app

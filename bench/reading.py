"""The course reading's route, drawn by pyplot on every request; and the same under ``@cache.cached``."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from flask import Flask, Response, request
from flask_caching import Cache

YEARS = tuple(range(2010, 2022))
COUNTS = {
    "Bear": (92, 118, 81, 104, 99, 87, 111, 120, 95, 84, 102, 90),
    "Deer": (1058, 846, 934, 729, 1056, 942, 838, 843, 810, 904, 709, 751),
    "Wolf": (21, 28, 24, 30, 22, 25, 27, 20, 29, 23, 26, 24),
}

app = Flask(__name__)
cache = Cache(app, config={"CACHE_TYPE": "SimpleCache"})


def draw(years: Sequence[int], counts: Sequence[float], animal: str) -> bytes:
    """A line over the years as SVG."""
    figure, axes = plt.subplots(figsize=(7.2, 4))
    axes.plot(years, counts)
    axes.set_xlabel("Year")
    axes.set_ylabel(f"{animal} Sightings")
    axes.set_ylim(0)
    image = io.BytesIO()
    figure.savefig(image, format="svg", bbox_inches="tight")
    plt.close(figure)
    return image.getvalue()


@app.get("/animal.svg")
def animal() -> Response:
    """One animal's chart."""
    kind = request.args["type"]
    return Response(draw(YEARS, COUNTS[kind], kind), content_type="image/svg+xml")


@app.get("/cached.svg")
@cache.cached(query_string=True)
def cached() -> Response:
    """The same chart out of memory, as Flask-Caching's documentation shows it."""
    return animal()

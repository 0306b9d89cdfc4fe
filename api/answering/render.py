"""From an order to bytes: ask, shape, draw. Knows no HTTP, no cache and no server."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from api.answering.order import Order, key, survey
from api.answering.tables import csv_bytes, json_bytes
from api.answering.wording import caption, describe
from api.draw import Look
from api.metrics import ASKING, DRAWING
from api.speech import speaking
from db.questions.summary import latest


@dataclass(frozen=True)
class Made:
    """Finished bytes, and the key of the ground that they were really made on."""

    key: str
    content: bytes
    data_version: int


def make(reader: Engine, order: Order) -> Made:
    """Ask, shape and draw; numbers and key come from one transaction, which ends before the drawing."""
    with speaking(order.language):
        return _made(reader, order)


def _made(reader: Engine, order: Order) -> Made:
    report, parameters = order.report, order.parameters
    with reader.begin() as connection, ASKING.labels(report.name).time():
        ground = survey(connection, order)
        found = report.ask(connection, ground.scope, parameters)
        last = latest(connection, ground.scope)
    tidy = report.shape(found, parameters, ground.open_bucket)
    meta = describe(order, ground, tidy, last)
    if order.form == "json":
        content = json_bytes({"meta": meta, "data": tidy.rows})
    elif order.form == "csv":
        content = csv_bytes(tidy.columns, tidy.rows)
    else:
        words = caption(order, tidy, meta)
        look = Look(parameters.width, parameters.height, parameters.theme)
        with DRAWING.labels(report.name).time():
            picture = report.draw(tidy, parameters, words, look)
            content = picture.svg() if order.form == "svg" else picture.png(parameters.scale)
    return Made(key(order, ground), content, ground.data_version)

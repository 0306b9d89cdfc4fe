"""A language from right to left that nobody speaks: English in Arabic letters, what is filled in as it is."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from flask import Flask
from werkzeug.serving import make_server

from api.speech import catalogues, dates, tongues
from tests.worded import said

TAG = "ar"
_LETTERS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ابجدهوزحطيكلمنسعفصقرشتثخذض")
_BLANK = re.compile(r"(%\(\w+\)s|%%)")


def mirrored(text: str) -> str:
    """The text in letters that run the other way."""
    return "".join(
        part if _BLANK.fullmatch(part) else part.lower().translate(_LETTERS) for part in _BLANK.split(text)
    )


@contextmanager
def spoken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The only language beside English, from a folder of its own."""
    catalogue = Catalog(Locale.parse(TAG))
    for message in said():
        if message.id:
            one = isinstance(message.id, str)
            forms = mirrored(message.id) if one else [mirrored(message.id[-1])] * catalogue.num_plurals
            catalogue.add(message.id, forms, context=message.context)
    with (folder / f"{TAG}.po").open("wb") as file:
        write_po(file, catalogue)
    monkeypatch.setattr(catalogues, "FOLDER", folder)
    _forget()
    try:
        yield
    finally:
        monkeypatch.undo()
        _forget()


def _forget() -> None:
    kept = (catalogues.languages, catalogues.catalogue, catalogues.digest, tongues.plural_kinds)
    for one in (*kept, dates._months, dates._weekdays, dates._in_words, tongues._decimal_mark):
        one.cache_clear()


@contextmanager
def answering(app: Flask) -> Iterator[str]:
    """The application on a port of its own, in a thread; the address of it."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

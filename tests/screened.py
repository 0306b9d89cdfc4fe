"""The pictures of the page for the documentation, taken in Chromium: python -m tests.screened docs/pictures.

The clock stands still for the application and for the page, so that one machine makes the same whenever; on
another one the fonts are others, and so are they.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import time_machine
from flask.testing import FlaskClient
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import CHROMIUM_ARGUMENTS
from tests.pictured import NOON, ZONE, database
from tests.screen import Screen, screen
from tests.seed import open_app

_COLOURS = 160
"""Of a palette: the page has few, and type has shades of them."""


@dataclass(frozen=True)
class Shot:
    """What is opened, and how much of it is seen; sizes in CSS pixels."""

    path: str
    width: int
    height: int
    dense: float = 1
    dark: bool = False
    part: str = ""
    """That of the wall to turn to."""


SHOTS = {
    "dashboard": Shot("/", 1280, 1660),
    "dashboard-dark": Shot("/", 1280, 1660, dark=True),
    "phone": Shot("/species/30", 360, 1330, dense=1.5),
    "species": Shot("/species/7", 1280, 1180),
    "kiosk": Shot("/?kiosk&theme=dark", 1920, 1080, part="Where and at what hour"),
}
"""Name of the picture -> what it shows."""


class _Then(FlaskClient):
    """Asks the application as it was at noon."""

    def open(self, *words: Any, **more: Any) -> Any:
        with time_machine.travel(NOON, tick=False):
            return super().open(*words, **more)


def taken(browser: Browser, client: FlaskClient, shot: Shot) -> bytes:
    """The picture as PNG."""
    options = {
        "device_scale_factor": shot.dense,
        "color_scheme": "dark" if shot.dark else "light",
        "timezone_id": ZONE,
        "locale": "en-GB",
        "reduced_motion": "reduce",
    }
    with screen(browser, client, shot.width, shot.height, **options) as shown:
        shown.page.clock.set_fixed_time(NOON)
        shown.open(shot.path)
        _wait(shown)
        if shot.part:
            shown.page.locator("#turns button", has_text=shot.part).click()
            shown.page.locator(".slide:visible h2", has_text=shot.part).wait_for()
        picture = shown.page.screenshot()
        if shown.complaints:
            raise SystemExit(f"{shot.path}: {shown.complaints}")
    return _small(picture)


def _wait(shown: Screen) -> None:
    shown.page.wait_for_function("() => document.querySelector('#checked').textContent")
    shown.page.evaluate("Promise.all([...document.images].map(one => one.decode()))")


def _small(picture: bytes) -> bytes:
    written = io.BytesIO()
    plain = Image.open(io.BytesIO(picture)).convert("RGB")
    few = plain.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(written, "PNG", optimize=True)
    return written.getvalue()


def main(into: Path) -> None:
    """Take all of them."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("Chromium is not installed (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory(prefix="sightings-screens-") as name, sync_playwright() as play:
        home = Path(name)
        with time_machine.travel(NOON, tick=False):
            database(home)
        app = open_app(home, timezone=ZONE)
        app.test_client_class = _Then
        browser = play.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        for picture, shot in SHOTS.items():
            (into / f"{picture}.png").write_bytes(taken(browser, app.test_client(), shot))
        browser.close()
        app.extensions["sightings"].reader.dispose()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""A browser whose requests the application answers in this very process: no port, no server to wait for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

ORIGIN = "http://localhost"


class Screen:
    """A page of a browser, what it asked for and what went wrong."""

    def __init__(self, page: Page, client: FlaskClient) -> None:
        self.page, self.client = page, client
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text) if message.type in ("error", "warning") else None
            ),
        )

    def open(self, path: str) -> None:
        """Go there, and wait until all of it is drawn."""
        self.page.goto(ORIGIN + path, wait_until="load")

    def answer(self, route: Route) -> None:
        """What the application says; nothing else is asked, and that it was wanted is a complaint."""
        address = urlsplit(route.request.url)
        if f"{address.scheme}://{address.netloc}" != ORIGIN:
            self.complaints.append(f"elsewhere: {route.request.url}")
            route.abort()
            return
        query = f"?{address.query}" if address.query else ""
        self.asked.append(address.path + query)
        headers = {
            name: value
            for name, value in route.request.headers.items()
            if name not in ("host", "accept-encoding")
        }
        told = self.client.open(address.path + query, method=route.request.method, headers=headers)
        route.fulfill(status=told.status_code, headers=dict(told.headers), body=told.data)


@contextmanager
def screen(browser: Browser, client: FlaskClient, width: int, height: int, **more: Any) -> Iterator[Screen]:
    """A page of this size in a session of its own."""
    context = browser.new_context(viewport={"width": width, "height": height}, **more)
    try:
        shown = Screen(context.new_page(), client)
        context.route("**/*", shown.answer)
        yield shown
    finally:
        context.close()

"""A reader with a browser, and what went wrong in it."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, WebSocketRoute

from tests.pages.site import Site
from tests.waiting import wait_until

T = TypeVar("T")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK = {"width": 1440, "height": 900}
REPORTS = """
window.__reports = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__reports.push(`${event.violatedDirective} ${event.sourceFile}:${event.lineNumber} ${event.sample}`));
"""


class CutCord:
    """The cord between a reader's browser and the sockets of the site. While it is cut no socket opens."""

    def __init__(self, reader: "Reader"):
        self.is_cut = False
        self.open: list[WebSocketRoute] = []
        reader.page.route_web_socket("**/ws/**", self._meet)

    def _meet(self, route: WebSocketRoute) -> None:
        if self.is_cut:
            route.close(code=1013)
            return
        self.open.append(route)
        route.connect_to_server()

    def cut(self) -> None:
        self.is_cut = True
        for route in self.open:
            route.close(code=1013)
        self.open = []

    def mend(self) -> None:
        self.is_cut = False


class Reader:
    """One browser context with a session of its own."""

    def __init__(
        self,
        site: Site,
        browser: Browser,
        *,
        width: int = DESK["width"],
        height: int = DESK["height"],
        username: str = "ada",
        role: str = "admin",
        **context: Any,
    ):
        self.site: Site = site
        self.troubles: list[str] = []
        self.context = browser.new_context(viewport={"width": width, "height": height}, **context)
        self.cookie = site.tell("sign_in", username=username, role=role)
        self.context.add_cookies([self.cookie | {"url": site.url}])
        self.context.add_init_script(REPORTS)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        self.page.on("request", self._see)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_error: object) -> None:
        self.context.close()

    def open(self, path: str) -> Page:
        self.page.goto(self.site.url + path, wait_until="domcontentloaded")
        return self.page

    def sees(self, expression: str, within: float = 10, about: str = "") -> Any:
        """Wait until the JavaScript `expression` is true on the page; its value."""
        return wait_until(lambda: self.page.evaluate(expression), within, about or expression)

    def until(self, predicate: Callable[[], T], within: float = 10, about: str = "") -> T:
        return wait_until(predicate, within, about)

    def pixels_too_wide(self, at: int) -> int:
        """How much wider than a screen of `at` pixels the page is, once charts have followed the new size."""
        self.page.set_viewport_size({"width": at, "height": 780})
        excess = "document.documentElement.scrollWidth - innerWidth"
        try:
            self.until(lambda: self.page.evaluate(excess) <= 0, within=3)
        except AssertionError:
            return self.page.evaluate(excess)
        return 0

    def chart(self, name: str) -> dict[str, str]:
        """The data attributes of a chart card."""
        return self.page.evaluate(f"({{...document.querySelector('[data-chart={name}]').dataset}})")

    def query(self) -> str:
        """The query string as it stands (`page.url` lags behind a page that rewrites its own address)."""
        return self.page.evaluate("location.search")

    def reports(self) -> list[str]:
        return self.page.evaluate("window.__reports")

    def axe_finds(self, **options: Any) -> dict[str, list[str]]:
        """Rules of axe that are broken, each with the first elements that break it."""
        found = Axe().run(self.page, options={"preload": False, "resultTypes": ["violations"], **options})
        return {row["id"]: [node["html"][:160] for node in row["nodes"][:3]] for row in found.response["violations"]}

    def passes_axe(self) -> None:
        found = self.axe_finds()
        assert not found, f"{self.page.url}\n{found}"

    def had_no_trouble(self) -> None:
        troubles = self.troubles + self.reports()
        assert not troubles, "\n".join(troubles)

    def forgives(self, part: str) -> None:
        """Forget troubles that the test has caused itself."""
        self.troubles = [trouble for trouble in self.troubles if part not in trouble]

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"{message.type}: {message.text}")

    def _see(self, request: Any) -> None:
        if not request.url.startswith((self.site.url, "blob:", "data:")):
            self.troubles.append(f"a request left the site: {request.url}")

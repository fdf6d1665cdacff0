"""Somebody with a browser at a running Fleetune: brings data, looks at it, starts a job."""

import base64
import re
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.e2e.stack import Stack
from tests.pages.browsing import ARGUMENTS, CHROMIUM
from tests.waiting import wait_until

PATIENCE_MS = 120_000
DROPPED = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(text), (char) => char.charCodeAt(0))], name));
  return data;
}"""


class Person:
    """`with Person(stack) as ada:` signed in as the admin; everything below happens on pages."""

    def __init__(self, stack: Stack):
        self.stack = stack
        self.page: Any = None

    def __enter__(self) -> "Person":
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        self.page = self._browser.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.goto(self.stack.manage("signin_link", "admin").split()[-1])
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_selector("[data-testid=user-menu]")
        return self

    def __exit__(self, *_error: object) -> None:
        self._browser.close()
        self._playwright.stop()

    def open(self, path: str) -> Page:
        self.page.goto(self.stack.url + path, wait_until="load")
        return self.page

    def brings(self, content: bytes, file_name: str) -> None:
        """Drop a file on the page that adds data, and send it."""
        page = self.open("/datasets/new/")
        dropped = page.evaluate_handle(DROPPED, [file_name, base64.b64encode(content).decode()])
        page.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": dropped})
        page.locator("[data-drop-words]", has_text=file_name).wait_for()
        page.get_by_role("button", name="Upload and import").click()

    def says_yes(self) -> str:
        """What was found is right; what the page said of it."""
        self.page.wait_for_selector("[data-testid=decide]")
        told = self.page.get_by_test_id("review").inner_text()
        self.page.get_by_role("button", name="Import this").click()
        return told

    def sees_version(self) -> str:
        """The slug, once the page of its version has come."""
        wait_until(lambda: "/v/1/" in self.page.url, within=180, about=self.page.locator("main").inner_text())
        return re.findall(r"/datasets/([^/]+)/v/1/", self.page.url)[0]

    def sees_pictures(self, place: str, count: int) -> None:
        pictures = f"[...document.querySelectorAll('{place} img')]"
        self.page.evaluate(f"{pictures}.forEach((one) => (one.loading = 'eager'))")
        loaded = f"{pictures}.filter((one) => one.complete && one.naturalWidth).length"
        wait_until(lambda: self.page.evaluate(loaded) == count, within=60, about=f"{count} pictures in {place}")

    def starts_job(self, model: str, **values: Any) -> int:
        """From the page of a version: *Start job with this*, a kind of model, some fields (a list: boxes to
        tick), *Start*; its number."""
        page = self.page
        page.get_by_test_id("start-with-this").click()
        page.wait_for_selector("[data-testid=new-job]")
        page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        page.check(f"[name='model.source'][value={model}]")
        for name, value in values.items():
            field = f"[name='{name.replace('__', '.')}']"
            if isinstance(value, list):
                for choice in value:
                    page.check(f"{field}[value='{choice}']")
            else:
                page.fill(field, str(value))
        page.get_by_test_id("start").click()
        page.wait_for_url(re.compile(r"/jobs/\d+/"))
        return int(re.findall(r"/jobs/(\d+)/", page.url)[0])

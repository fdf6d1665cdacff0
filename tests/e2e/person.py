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
        self.page.wait_for_url("**/v/1/", timeout=PATIENCE_MS)
        return re.findall(r"/datasets/([^/]+)/v/1/", self.page.url)[0]

    def sees_samples(self, shown: int, *, tried: int) -> None:
        """From the page of a version: `shown` pictures on its tab *Samples*, `tried` of them after the recipe too."""
        self.page.get_by_role("link", name="Samples").click()
        self.page.wait_for_url("**/samples/")
        self._pictures("[data-testid=samples]", shown)
        self._pictures("[data-testid=preview]", 2 * tried)

    def tries_recipe(self, text: str) -> None:
        """On the tab *Samples*: other steps, and what they make of the same pictures."""
        self.page.get_by_text("Try other preprocessing").click()
        self.page.locator("[data-steps] li").first.wait_for()
        self.page.get_by_text("As JSON", exact=True).click()
        self.page.get_by_label("Recipe, as JSON").fill(text)
        self.page.get_by_role("button", name="Show before and after").click()
        self.page.wait_for_url("**/samples/?recipe=*")

    def switches_web_on(self) -> None:
        """Data from the web is off until an admin allows it, where it is first wanted."""
        page = self.open("/datasets/new/")
        page.get_by_role("link", name="Fetch from the web").click()
        page.get_by_role("button", name="Switch it on").click()
        page.get_by_test_id("crawl").wait_for()

    def crawls(self, start: str, **values: Any) -> str:
        """Fill in the form of a crawl, some of its limits too, and send it; the slug of what is fetched."""
        page = self.open("/datasets/new/web/")
        form = page.get_by_test_id("crawl")
        form.get_by_text("Limits").click()
        form.get_by_label("Start at").fill(start)
        for name, value in values.items():
            form.locator(f"[name={name}]").fill(str(value))
        form.get_by_role("button", name="Crawl and import").click()
        page.get_by_test_id("import").wait_for()
        return re.findall(r"/datasets/([^/]+)/", page.url)[0]

    def starts_job(self, model: str, link: str = "start-with-this", **values: Any) -> int:
        """From the page of a version: *Start job with this*, a kind of model, some fields (a list: boxes to
        tick), *Start*; its number."""
        page = self.page
        page.get_by_test_id(link).click()
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

    def _pictures(self, place: str, count: int) -> None:
        pictures = f"[...document.querySelectorAll('{place} img')]"
        self.page.wait_for_selector(f"{place} img", state="attached")
        self.page.evaluate(f"{pictures}.forEach((one) => (one.loading = 'eager'))")
        loaded = f"{pictures}.filter((one) => one.complete && one.naturalWidth).length"
        wait_until(lambda: self.page.evaluate(loaded) == count, within=60, about=f"{count} pictures in {place}")

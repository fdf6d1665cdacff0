"""Takes the pictures of this folder from a running server: light, dark, and on a screen of 360 px.

    .venv/bin/python docs/screens/make_screens.py http://127.0.0.1:8000 http://127.0.0.1:8000/sign-in/link/…/

What a picture needs and the server lacks is made over REST first (a job that fails, one that runs, one that waits), and
the two that would go on are stopped at the end.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, sync_playwright

FOLDER = Path(__file__).parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1440, "height": 1080}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1440, "height": 1080}},
    "360": {"color_scheme": "light", "viewport": {"width": 360, "height": 1080}, "device_scale_factor": 2},
}
WITHIN_S = 240
SETTLED_MS = 2500
DRAWN_WITHIN_S = 15
UNDRAWN = """[...document.querySelectorAll("[data-chart]")].some((chart) =>
  chart.getBoundingClientRect().top < innerHeight && !chart.querySelector(".main-svg"))"""
RUNNING_STEPS = 150
"""a chart with fewer steps shows little"""


class Server:
    """REST with the session of a signed-in browser."""

    def __init__(self, context: BrowserContext, url: str):
        self.context, self.url = context, url

    def get(self, path: str) -> Any:
        return self._answer(self.context.request.get(f"{self.url}/api/v1{path}"))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        token = next(cookie["value"] for cookie in self.context.cookies() if cookie["name"].endswith("_csrf"))
        headers = {"X-CSRFToken": token, "Referer": self.url}
        return self._answer(self.context.request.post(f"{self.url}/api/v1{path}", data=body, headers=headers))

    def job(self, number: int) -> dict[str, Any]:
        return self.get(f"/jobs/{number}/")

    def newest(self, state: str) -> dict[str, Any] | None:
        return next(iter(self.get(f"/jobs/?state={state}&page_size=1")["results"]), None)

    def start(self, name: str, **parts: Any) -> int:
        body = {"name": name, "task": "image-classification", "dataset": self.dataset(), **parts}
        return self.post("/jobs/", {"model": {"source": "conv"}, **body})["id"]

    def dataset(self) -> str:
        ready = [row for row in self.get("/datasets/")["results"] if row["state"] == "ready"]
        return next((row["slug"] for row in ready if "mnist" in row["slug"]), ready[0]["slug"])

    def until(self, number: int, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The job, once `reached` says so. Raises TimeoutError."""
        deadline = time.monotonic() + WITHIN_S
        while not reached(job := self.job(number)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"job {number} is still {job['state']}")
            time.sleep(0.5)
        return job

    def _answer(self, response) -> Any:
        if not response.ok:
            raise RuntimeError(f"{response.url}: {response.status} {response.text()[:300]}")
        return response.json()


def main(url: str, link: str) -> int:
    url = url.rstrip("/")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        first = browser.new_context()
        _sign_in(first.new_page(), url + urlsplit(link).path)
        server = Server(first, url)
        jobs = _jobs(server)
        for look, options in LOOKS.items():
            context = browser.new_context(**options, storage_state=first.storage_state())
            for name, path in _pictures(server, jobs):
                _take(context, url + path, f"{name}-{look}.png")
            context.close()
        for number in (jobs["waiting"], jobs["running"]):
            server.post(f"/jobs/{number}/cancel/", {"force": True})
        browser.close()
    return 0


def _sign_in(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_test_id("redeem").get_by_role("button", name="Sign in").click()
    page.wait_for_selector("[data-testid=user-menu]")


def _jobs(server: Server) -> dict[str, int]:
    """A job in each of the four states that a picture shows."""
    done = server.newest("succeeded") or server.until(server.start("Digits"), lambda job: job["state"] == "succeeded")
    failed = server.newest("failed")
    if failed is None:
        wild = {"learning_rate": 100, "optim": "sgd", "max_grad_norm": 0, "lr_scheduler_type": "constant"}
        failed = server.until(server.start("Too bold", training=wild), lambda job: job["state"] == "failed")
    running = server.start("Digits on two devices", training={"num_train_epochs": 200, "logging_steps": 1})
    devices = server.until(running, lambda job: job["step"] >= RUNNING_STEPS)["devices"]
    waiting = server.start("Digits, wider", model={"source": "dense", "hidden": [256, 64]}, devices={"ids": devices})
    server.until(waiting, lambda job: job["wait_reason"] != "" and job["wait_reason"] != "preparing_data")
    return {"running": running, "waiting": waiting, "failed": failed["id"], "done": done["id"]}


def _pictures(server: Server, jobs: dict[str, int]) -> Iterator[tuple[str, str]]:
    yield "home", "/"
    for state, number in jobs.items():
        yield f"job-{state}", f"/jobs/{number}/"
    yield "dataset", f"/datasets/{server.dataset()}/"
    yield "new-job", f"/jobs/new/?dataset={server.dataset()}"


def _take(context: BrowserContext, url: str, name: str) -> None:
    page = context.new_page()
    page.goto(url)
    page.wait_for_timeout(SETTLED_MS)
    _wait_for_charts(page)
    page.screenshot(path=FOLDER / name)
    page.close()
    print(name)


def _wait_for_charts(page: Page) -> None:
    """Until each chart in view is drawn; one without a point never is."""
    deadline = time.monotonic() + DRAWN_WITHIN_S
    while page.evaluate(UNDRAWN) and time.monotonic() < deadline:
        page.wait_for_timeout(250)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))

"""What somebody asks to fetch: a crawl or a list of addresses, checked whole before anything is fetched.

crawl: {"start": [url, …], "depth", "domains", "take", "label", "rate", "max_pages", "max_items", "max_mib"}
urls:  [{"url", "label"}, …], or text with one "url label" a line; "take"
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx

from catalog.web import labels
from catalog.web.addresses import NotFetched, checked_url, host_of
from contract.problems import Invalid, Problem, gettext_noop, unknown

TAKE = ("images", "texts")
MOST_START = 100
MOST_LISTED = 20_000


@dataclass(frozen=True)
class Bound:
    least: float
    most: float
    default: float


BOUNDS = {
    "depth": Bound(0, 10, 2),
    "rate": Bound(0.02, 2, 1),
    "max_pages": Bound(1, 20_000, 500),
    "max_items": Bound(2, 50_000, 5_000),
    "max_mib": Bound(1, 20 * 1024, 1024),
}
"""rate: requests a second to one host; a site's own crawl-delay may slow it further"""
WHOLE = ("depth", "max_pages", "max_items", "max_mib")
CRAWL_FIELDS = {"start", "domains", "take", "label", *BOUNDS}


@dataclass(frozen=True)
class Asked:
    start: list[dict[str, str]]
    """{"url", "label"}; no label: the rule gives one"""
    take: str = "images"
    follow: bool = True
    """a crawl goes from link to link; a list stays with its addresses"""
    domains: list[str] = field(default_factory=list)
    """hosts that may be asked, those below them too"""
    label: dict[str, str] = field(default_factory=dict)
    rate: float = 1
    depth: int = 0
    max_pages: int = 20_000
    max_items: int = 50_000
    max_mib: int = 20 * 1024

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def inside(self, url: str) -> bool:
        host = host_of(httpx.URL(url))
        return any(host == domain or host.endswith(f".{domain}") for domain in self.domains)


def crawl(body: Any, hosts: Iterable[str] = ()) -> Asked:
    """A crawl with every default written out. `hosts` as in `addresses.checked_url`. Raises Invalid."""
    if not isinstance(body, dict):
        raise Invalid([Problem("crawl", gettext_noop("Expected an object such as {'start': ['https://…']}."))])
    problems = [unknown(f"crawl.{name}", str(name), CRAWL_FIELDS) for name in body if name not in CRAWL_FIELDS]
    start, found = _start(body.get("start"), hosts)
    problems += found
    domains, found = _domains(body.get("domains"), start)
    problems += found
    rule, found = labels.complete(body.get("label"), "crawl.label")
    problems += found
    numbers = {name: _number(name, body.get(name), problems) for name in BOUNDS}
    take = _take(body.get("take"), "crawl.take", problems)
    if problems:
        raise Invalid(problems)
    return Asked([{"url": url, "label": ""} for url in start], take, True, domains, rule, **numbers)


def url_list(body: Any, take: Any, hosts: Iterable[str] = ()) -> Asked:
    """A list of addresses with a label each. Raises Invalid naming each line or position that is wrong."""
    problems: list[Problem] = []
    chosen = _take(take, "take", problems)
    rows = _rows(body)
    if len(rows) > MOST_LISTED:
        raise Invalid([Problem("urls", gettext_noop("At most %(most)s addresses at once."), {"most": MOST_LISTED})])
    start = []
    for index, (address, label) in enumerate(rows):
        path = f"urls.{index}"
        if wrong := _address_problem(path, address, hosts) or _label_problem(path, label):
            problems.append(wrong)
        else:
            start.append({"url": str(checked_url(address, hosts)), "label": labels.cleaned(label)})
    if not problems and len({row["label"] for row in start}) < 2:
        problems.append(Problem("urls", gettext_noop("Give addresses of at least two labels.")))
    if problems:
        raise Invalid(problems)
    domains = sorted({host_of(httpx.URL(row["url"])) for row in start})
    return Asked(start, chosen, follow=False, domains=domains)


def from_json(body: dict[str, Any]) -> Asked:
    """What `to_json` gave."""
    return Asked(**body)


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _rows(body: Any) -> list[tuple[Any, Any]]:
    """(address, label) of each entry, whatever they are."""
    if isinstance(body, str):
        return [(line.split(None, 1)[0], (*line.split(None, 1), "")[1]) for line in lines(body)]
    if not isinstance(body, list) or not body:
        sentence = gettext_noop("Expected text with one address and its label a line, or a list of {'url', 'label'}.")
        raise Invalid([Problem("urls", sentence)])
    return [(row.get("url"), row.get("label")) if isinstance(row, dict) else (row, "") for row in body]


def _start(value: Any, hosts: Iterable[str]) -> tuple[list[str], list[Problem]]:
    addresses = lines(value) if isinstance(value, str) else value
    if not isinstance(addresses, list) or not addresses:
        return [], [Problem("crawl.start", gettext_noop("Give at least one address to start from."))]
    if len(addresses) > MOST_START:
        return [], [Problem("crawl.start", gettext_noop("At most %(most)s addresses at once."), {"most": MOST_START})]
    checked = [_address_problem(f"crawl.start.{index}", address, hosts) for index, address in enumerate(addresses)]
    problems = [problem for problem in checked if problem]
    return [] if problems else [str(checked_url(address, hosts)) for address in addresses], problems


def _domains(value: Any, start: list[str]) -> tuple[list[str], list[Problem]]:
    names = value.replace(",", " ").split() if isinstance(value, str) else value
    if not names:
        return sorted({host_of(httpx.URL(url)) for url in start}), []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return [], [Problem("crawl.domains", gettext_noop("Expected a list of names such as 'example.org'."))]
    found, problems = [], []
    for name in names:
        try:
            found.append(host_of(httpx.URL(f"http://{name.strip().removeprefix('*.')}/")))
        except (httpx.InvalidURL, ValueError):
            found.append("")
        if not found[-1] or set(name) & set("/:@?# "):
            sentence = gettext_noop("'%(name)s' is no domain. Write it like example.org.")
            problems.append(Problem("crawl.domains", sentence, {"name": name[:80]}))
    if outside := [url for url in start if not Asked([], domains=found).inside(url)]:
        sentence = gettext_noop("%(url)s lies outside the allowed domains.")
        problems.append(Problem("crawl.domains", sentence, {"url": outside[0]}))
    return found, problems


def _number(name: str, value: Any, problems: list[Problem]) -> Any:
    bound = BOUNDS[name]
    value = bound.default if value is None else value
    fits = isinstance(value, int | float) and not isinstance(value, bool) and bound.least <= value <= bound.most
    if not fits or (name in WHOLE and value != int(value)):
        kind = gettext_noop("Expected a whole number from %(least)s to %(most)s.")
        other = gettext_noop("Expected a number from %(least)s to %(most)s.")
        told = {"least": bound.least, "most": bound.most}
        problems.append(Problem(f"crawl.{name}", kind if name in WHOLE else other, told))
    elif name in WHOLE:
        return int(value)
    return value


def _take(value: Any, path: str, problems: list[Problem]) -> str:
    chosen = value or TAKE[0]
    if chosen not in TAKE:
        problems.append(unknown(path, str(chosen), TAKE))
    return chosen


def _address_problem(path: str, address: Any, hosts: Iterable[str]) -> Problem | None:
    if not isinstance(address, str):
        return Problem(path, gettext_noop("Expected an address."))
    try:
        checked_url(address, hosts)
    except NotFetched as refused:
        return Problem(path, refused.sentence, refused.params)
    return None


def _label_problem(path: str, label: Any) -> Problem | None:
    if not isinstance(label, str) or not labels.cleaned(label):
        return Problem(path, gettext_noop("Write the label behind the address."))
    return None

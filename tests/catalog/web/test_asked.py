"""What is asked for is checked whole, and every problem has its place and its sentence."""

import pytest

from catalog.web import asked
from contract.problems import Invalid


def problems(act, *arguments) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        act(*arguments)
    return {problem.path: str(problem) for problem in refused.value.problems}


def test_a_crawl_needs_only_where_to_start():
    found = asked.crawl({"start": ["https://example.org/a#b"]})
    assert found.start == [{"url": "https://example.org/a", "label": ""}]
    assert (found.domains, found.depth, found.rate, found.take) == (["example.org"], 2, 1, "images")
    assert found.label == {"by": "path", "pattern": "^/(?P<label>[^/]+)/", "of": "page"}
    assert asked.from_json(found.to_json()) == found


def test_lower_domains_are_inside_and_look_alikes_are_not():
    found = asked.crawl({"start": "https://www.example.org/", "domains": ["*.example.org"]})
    inside = {host: found.inside(f"https://{host}/") for host in ("example.org", "a.example.org", "badexample.org")}
    assert inside == {"example.org": True, "a.example.org": True, "badexample.org": False}


def test_every_problem_of_a_crawl_is_told_at_once():
    """S57: what is inside a private network is refused before anything is sent."""
    found = problems(
        asked.crawl,
        {
            "start": ["https://example.org/", "http://169.254.169.254/", "ftp://example.org/", 7],
            "depth": 99,
            "rate": "fast",
            "max_pages": 1.5,
            "max_items": True,
            "take": "sounds",
            "label": {"by": "path", "pattern": "(", "color": 1},
            "domains": ["http://x/"],
            "starts": [],
        },
    )
    assert "inside a private network" in found["crawl.start.1"]
    assert "begin with http" in found["crawl.start.2"]
    assert found["crawl.start.3"] == "Expected an address."
    assert found["crawl.depth"] == "Expected a whole number from 0 to 10."
    assert found["crawl.rate"] == "Expected a number from 0.02 to 2."
    assert "regular expression" in found["crawl.label.pattern"]
    assert "Did you mean 'start'" in found["crawl.starts"]
    assert {"crawl.max_pages", "crawl.max_items", "crawl.take", "crawl.label.color", "crawl.domains"} <= found.keys()


@pytest.mark.parametrize(
    ("label", "path", "part"),
    [
        ({"by": "pattern"}, "crawl.label.by", "Unknown"),
        ({"by": "path", "pattern": "/(.*)/"}, "crawl.label.pattern", "(?P<label>"),
        (
            {"by": "path", "pattern": "((a{1000}){1000}){1000}(?P<label>x)"},
            "crawl.label.pattern",
            "At most two counted",
        ),
        ({"by": "path", "of": "site"}, "crawl.label.of", "Unknown"),
        ({"by": "selector"}, "crawl.label.selector", "Give a CSS selector"),
        ({"by": "selector", "selector": "h1["}, "crawl.label.selector", "not a CSS selector"),
        ({"by": "selector", "selector": "h1" * 200}, "crawl.label.selector", "at most 200"),
        ("path", "crawl.label", "Expected an object"),
    ],
)
def test_a_rule_for_labels_that_cannot_work_is_refused(label, path, part):
    found = problems(asked.crawl, {"start": ["https://example.org/"], "label": label})
    assert part in found[path]


def test_a_start_outside_the_domains_is_refused():
    found = problems(asked.crawl, {"start": ["https://example.org/"], "domains": ["example.com"]})
    assert "outside" in found["crawl.domains"]
    assert "at least one" in problems(asked.crawl, {})["crawl.start"]
    assert "Expected an object" in problems(asked.crawl, "https://example.org/")["crawl"]


def test_a_list_of_addresses_is_text_or_json():
    rows = [{"url": "https://a.example/1.png", "label": "cat"}, {"url": "https://b.example/2.png", "label": "wild dog"}]
    text = "# mine\nhttps://a.example/1.png cat\n\nhttps://b.example/2.png\twild dog\n"
    for given in (rows, text):
        found = asked.url_list(given, None)
        assert (found.start, found.follow) == (rows, False)
        assert found.domains == ["a.example", "b.example"]


def test_each_line_of_a_list_that_is_wrong_is_named():
    found = problems(
        asked.url_list, "http://127.0.0.1/a.png cat\nhttps://a.example/b.png\nhttps://a.example/c.png x", None
    )
    assert "private network" in found["urls.0"]
    assert found["urls.1"] == "Write the label behind the address."
    assert "two labels" in problems(asked.url_list, [{"url": "https://a.example/", "label": "x"}], "images")["urls"]
    assert problems(asked.url_list, [{"url": 3}, 4], "sounds").keys() == {"take", "urls.0", "urls.1"}
    assert "Expected text" in problems(asked.url_list, {}, None)["urls"]

"""Crawls of real sites on loopback: what is taken, what is left alone, where it stops, how it goes on (S59, S60)."""

import itertools

import pytest

from catalog.web import crawl as crawling
from catalog.web.journal import Journal
from tests.catalog.factories import picture
from tests.catalog.web.factories import LICENCE, SECTIONS, crawl, reasons, sections
from tests.catalog.web.sites import site


def items_of(work) -> dict[str, list]:
    """label → its items"""
    found: dict[str, list] = {}
    for item in work.journal.items():
        found.setdefault(item.label, []).append(item)
    return found


def test_sections_become_labels_and_every_picture_keeps_where_it_comes_from(tmp_path):
    with site(sections()) as served:
        work = crawl(served, tmp_path)
        assert work.go(30)
    found = items_of(work)
    assert {label: len(items) for label, items in found.items()} == dict.fromkeys(SECTIONS, 4)
    apple = found["apples"][0]
    assert (apple.url, apple.licence) == (f"{served.url}/apples/0.png", LICENCE)
    assert apple.fetched_at.endswith("Z")
    assert (tmp_path / "files" / apple.file).read_bytes() == served.pages["/apples/0.png"]
    assert {item.licence for item in found["plums"]} == {"unknown"}


def test_what_robots_txt_forbids_is_never_asked_for_and_nothing_twice(tmp_path):
    """S59"""
    with site(sections()) as served:
        work = crawl(served, tmp_path)
        work.go(30)
        assert not [path for path in served.paths if path.startswith("/private")]
        assert len(served.paths) == len(set(served.paths))
    assert reasons(work.journal)["The site's robots.txt forbids it."] == f"{served.url}/private/"


def test_a_redirect_to_what_is_forbidden_is_not_followed(tmp_path):
    """S59"""
    pages = sections() | {"/apples/0.png": (302, {"Location": "/private/1.png"}, b"")}
    with site(pages) as served:
        work = crawl(served, tmp_path)
        work.go(30)
        assert "/private/1.png" not in served.paths
    assert len(items_of(work)["apples"]) == 3


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        ((500, {}, b""), "does not show its robots.txt"),
        ((403, {}, b""), "does not show its robots.txt"),
        ((302, {"Location": "/robots.txt"}, b""), "cannot be read"),
        (b"User-agent: *\n" + b"Disallow: /a\n" * 60_000, "cannot be read"),
    ],
)
def test_a_site_whose_robots_txt_cannot_be_read_is_left_alone(tmp_path, answer, part):
    """S59"""
    with site(sections() | {"/robots.txt": answer}) as served:
        work = crawl(served, tmp_path)
        assert work.go(30)
        assert set(served.paths) == {"/robots.txt"}
    assert any(part in reason for reason in reasons(work.journal))


def test_a_site_without_robots_txt_forbids_nothing(tmp_path):
    with site(sections() | {"/robots.txt": (404, {}, b"")}) as served:
        work = crawl(served, tmp_path)
        work.go(30)
        assert "/private/" in served.paths


def test_the_delay_that_a_site_asks_for_lies_between_all_requests(tmp_path):
    with site(sections(each=1) | {"/robots.txt": "User-agent: *\nCrawl-delay: 0.2\n"}) as served:
        crawl(served, tmp_path, max_pages=3).go(30)
        times = [at for at, _path in served.log]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(gaps) >= 3
    assert min(gaps) > 0.15  # the site's clock starts when a request arrives, ours when it is sent


def test_the_next_turn_of_a_crawl_asks_for_nothing_again(tmp_path):
    with site(sections()) as served:
        turns = 1
        while not crawl(served, tmp_path).go(0.05):
            turns += 1
        assert turns > 2
        assert len(served.paths) == len(set(served.paths))
        assert len(list(Journal(tmp_path).items())) == 12


def test_it_stops_where_it_was_told_to_and_says_why(tmp_path):
    """S59"""

    def calendar(handler) -> None:
        day = int(handler.path.rpartition("=")[2] or 0)
        body = "".join(f'<a href="/day?n={day + step}">next</a>' for step in range(1, 200)).encode()
        handler.answer(200, {"Content-Type": "text/html"}, body)

    with site({f"/day?n={day}": calendar for day in range(300)}) as served:
        start = [f"{served.url}/day?n=0"]
        work = crawl(served, tmp_path / "pages", start=start, depth=10, max_pages=5)
        assert work.go(30)
        assert work.journal.fact("ended") == "It stopped at the largest number of pages."
        assert len(served.paths) == 6
        shallow = crawl(served, tmp_path / "depth", start=start, depth=0)
        assert shallow.go(30)
        assert shallow.journal.counts()["pages"] == 1
    with site(sections()) as served:
        few = crawl(served, tmp_path / "items", max_items=3)
        assert few.go(30)
        assert (few.journal.counts()["items"], few.journal.fact("ended")[-6:]) == (3, "items.")


def test_it_stops_at_the_size_that_it_was_given(tmp_path):
    """S59"""
    large = {f"/apples/{n}.png": picture(500, 480, seed=n, kind="BMP") for n in range(4)}
    with site(sections() | large) as served:
        work = crawl(served, tmp_path, start=[f"{served.url}/apples/"], depth=0, max_mib=1)
        assert work.go(30)
    assert work.journal.fact("ended") == "It stopped at the largest size."
    assert work.journal.counts()["items"] == 2


def test_it_stays_inside_the_allowed_domains(tmp_path):
    with site({}) as elsewhere:
        page = f'<img src="http://127.0.0.2:{elsewhere.port}/a.png"><a href="http://other.example/">x</a>'
        with site({"/cats/": page}) as served:
            work = crawl(served, tmp_path, start=[f"{served.url}/cats/"])
            assert work.go(30)
        assert elsewhere.log == []
    assert list(reasons(work.journal)) == ["It lies outside the allowed domains."]


def test_hostile_pages_are_noted_and_the_crawl_goes_on(tmp_path):
    """S60"""
    pages = sections(each=1) | {
        "/": "".join(f'<a href="/{name}/">go</a>' for name in ("deep", "huge", "many", "odd", "apples"))
        + '<img src="/x.png">',
        "/deep/": b"<div>" * 100_000 + b'<img src="/apples/0.png">',
        "/huge/": b"<p>" + b"x" * (crawling.MOST_PAGE_BYTES + 1),
        "/many/": b"<a>" * (crawling.MOST_TAGS + 1),
        "/odd/": (200, {"Content-Type": "text/html; charset=no-such"}, b"\xff\xfe<img src=/apples/0.png>\x00"),
        "/x.png": "<html>this is no picture</html>",
    }
    with site(pages) as served:
        work = crawl(served, tmp_path, label={"by": "path", "of": "image"})
        assert work.go(120)
    assert set(items_of(work)) == {"apples"}
    assert {"It is larger than 4096 KiB.", "It has more than 200000 tags."} <= reasons(work.journal).keys()


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ({"by": "path"}, {"cats"}),
        ({"by": "path", "pattern": r"/(?P<label>\w+)-\d+\.png$", "of": "image"}, {"tabby", "tuxedo"}),
        ({"by": "section"}, {"Striped", "Black and white"}),
        ({"by": "selector", "selector": "figcaption"}, {"one", "two"}),
        ({"by": "selector", "selector": "meta[name=kind]"}, {"felines"}),
    ],
)
def test_labels_come_from_path_heading_or_selector(tmp_path, label, expected):
    page = """<meta name="kind" content="felines"><h2>Striped</h2>
        <figure><img src="/img/tabby-1.png"><figcaption>one</figcaption></figure>
        <h2>Black / and white</h2><figure><figcaption>two</figcaption><img src="/img/tuxedo-2.png"></figure>"""
    pages = {"/cats/all.html": page, "/img/tabby-1.png": picture(seed=1), "/img/tuxedo-2.png": picture(seed=2)}
    with site(pages) as served:
        work = crawl(served, tmp_path, start=[f"{served.url}/cats/all.html"], label=label)
        assert work.go(30)
    assert set(items_of(work)) == expected


def test_the_licence_of_a_picture_comes_before_that_of_its_page(tmp_path):
    data = '{"@graph": [{"@type": "ImageObject", "contentUrl": "/a.png", "license": {"@id": "https://own.example/"}}]}'
    page = f"""<script type="application/ld+json">{data}</script><script type="application/ld+json">broken{{</script>
        <meta name="dcterms.license" content="CC0"><img src="/a.png"><img src="/b.png">"""
    with site({"/cats/": page, "/a.png": picture(seed=1), "/b.png": picture(seed=2)}) as served:
        work = crawl(served, tmp_path, start=[f"{served.url}/cats/"])
        assert work.go(30)
    assert [item.licence for item in items_of(work)["cats"]] == ["https://own.example/", "CC0"]


def test_texts_are_the_main_text_of_a_page_or_its_sections(tmp_path):
    page = """<nav><p>Menu</p></nav><main><h2>Sweet</h2><p>Honey <b>and</b>\n sugar.</p><script>no()</script>
        <h2>Sour</h2><ul><li>Lemon</li><li>Lime</li></ul></main><footer><p>Imprint</p></footer>"""
    with site({"/taste/": page}) as served:
        start = [f"{served.url}/taste/"]
        whole = crawl(served, tmp_path / "whole", start=start, take="texts")
        assert whole.go(30)
        assert {label: item[0].text for label, item in items_of(whole).items()} == {
            "taste": "Honey and sugar.\nLemon\nLime"
        }
        parts = crawl(served, tmp_path / "parts", start=start, take="texts", label={"by": "section"})
        assert parts.go(30)
        assert {label: item[0].text for label, item in items_of(parts).items()} == {
            "Sweet": "Honey and sugar.",
            "Sour": "Lemon\nLime",
        }


def test_pages_that_ask_not_to_be_followed_are_not(tmp_path):
    pages = {
        "/": '<meta name="Robots" content="noindex, nofollow"><a href="/a/">a</a>',
        "/b/": '<a rel="nofollow" href="/a/">a</a>',
    }
    with site(pages) as served:
        crawl(served, tmp_path, start=[f"{served.url}/", f"{served.url}/b/"]).go(30)
        assert sorted(served.paths) == ["/", "/b/", "/robots.txt"]


def test_an_address_that_ended_the_process_is_left_out_the_next_time(tmp_path):
    with site(sections(each=1)) as served:
        opened: list[str] = []
        work = crawl(served, tmp_path, skip={f"{served.url}/pears/": "Reading it ended the process."})
        assert work.go(30, at=opened.append)
        assert "/pears/" not in served.paths
    assert f"{served.url}/apples/0.png" in opened
    assert reasons(work.journal)["Reading it ended the process."] == f"{served.url}/pears/"

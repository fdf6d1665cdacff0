"""One file of an address: what is here of it is not asked for again, and never mixed with another file."""

import json

import pytest

from catalog.web import one_file
from catalog.web.addresses import NotFetched
from catalog.web.guard import Guard
from catalog.web.one_file import BODY, OneFile
from tests.catalog.web.sites import Handler, site

DATA = bytes(range(256)) * 400
TAG = {"ETag": '"v1"'}


class Served:
    """A file of a server that knows ranges; `cut_at`: it breaks off there, once."""

    def __init__(self, data: bytes = DATA, headers: dict[str, str] = TAG, cut_at: int = 0, knows_ranges: bool = True):
        self.data, self.headers = data, headers
        self.cut_at, self.knows_ranges = cut_at, knows_ranges
        self.asked: list[tuple[str, str]] = []
        """(Range, If-Range) of each request"""

    def __call__(self, handler: Handler) -> None:
        wanted, mark = handler.headers.get("Range", ""), handler.headers.get("If-Range", "")
        self.asked.append((wanted, mark))
        start = int(wanted.removeprefix("bytes=").rstrip("-") or 0) if self.knows_ranges else 0
        fits = start and mark in self.headers.values()
        body = self.data[start:] if fits else self.data
        handler.send_response(206 if fits else 200)
        if fits:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.data) - 1}/{len(self.data)}")
        for name, value in {"Content-Length": str(len(body)), **self.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body[: self.cut_at or None])
        self.cut_at, handler.close_connection = 0, True


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(one_file, "PAUSE_S", 0.01)


def fetched(directory, served: Served, most_bytes: int = 2**20) -> tuple[bytes, list[float]]:
    with site({"/data.zip": served}) as found:
        told: list[float] = []
        OneFile(Guard([found.host]), f"{found.url}/data.zip", directory, most_bytes, 20).fetch(told.append)
    return (directory / BODY).read_bytes(), told


def left_behind(directory, data: bytes, mark: str) -> None:
    """As a fetch that was killed leaves it."""
    directory.mkdir()
    (directory / BODY).write_bytes(data)
    (directory / one_file.FACTS).write_text(json.dumps({"mark": mark}))


def test_after_a_restart_only_the_rest_is_asked_for(tmp_path):
    left_behind(tmp_path / "fetch", DATA[:70_000], '"v1"')
    served = Served()
    data, told = fetched(tmp_path / "fetch", served)
    assert data == DATA
    assert served.asked == [("bytes=70000-", '"v1"')]
    assert (told[0] >= 70_000 / len(DATA), told[-1]) == (True, 1)


def test_a_connection_that_breaks_off_is_gone_on_with(tmp_path):
    served = Served(cut_at=50_000)
    data, _told = fetched(tmp_path / "fetch", served)
    assert data == DATA
    assert served.asked[0] == ("", "")
    assert served.asked[1][0].startswith("bytes=")
    assert len(served.asked) == 2


def test_another_file_meanwhile_is_fetched_whole_and_never_mixed(tmp_path):
    left_behind(tmp_path / "fetch", DATA[:70_000], '"v1"')
    served = Served(data=DATA[::-1][:5000], headers={"ETag": '"v2"'})
    assert fetched(tmp_path / "fetch", served)[0] == DATA[::-1][:5000]
    assert served.asked == [("bytes=70000-", '"v1"')]


def test_a_server_that_knows_no_ranges_sends_all_of_it_again(tmp_path):
    served = Served(cut_at=50_000, knows_ranges=False)
    assert fetched(tmp_path / "fetch", served)[0] == DATA


@pytest.mark.parametrize(
    ("headers", "asks_for_the_rest"),
    [
        ({"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT", "Date": "Wed, 21 Oct 2025 07:28:00 GMT"}, True),
        ({"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT", "Date": "Wed, 21 Oct 2015 07:28:10 GMT"}, False),
        ({"ETag": 'W/"v1"'}, False),
        ({}, False),
    ],
)
def test_only_what_surely_names_the_same_bytes_is_gone_on_with(tmp_path, monkeypatch, headers, asks_for_the_rest):
    monkeypatch.setattr(Handler, "date_time_string", lambda self, timestamp=None: headers.get("Date", "never"))
    served = Served(headers={name: value for name, value in headers.items() if name != "Date"}, cut_at=50_000)
    assert fetched(tmp_path / "fetch", served)[0] == DATA
    assert [bool(wanted) for wanted, _mark in served.asked] == [False, asks_for_the_rest]


def test_a_server_that_sends_another_part_is_asked_for_all_of_it(tmp_path):
    left_behind(tmp_path / "fetch", DATA[:70_000], '"v1"')
    served = Served()

    def wrong(handler: Handler) -> None:
        if "Range" in handler.headers:
            headers = {"Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}", **TAG}
            handler.answer(206, headers, DATA)
            return
        served(handler)

    with site({"/data.zip": wrong}) as found:
        OneFile(Guard([found.host]), f"{found.url}/data.zip", tmp_path / "fetch", 2**20, 20).fetch(lambda part: None)
    assert (tmp_path / "fetch" / BODY).read_bytes() == DATA


def test_a_range_that_is_not_there_any_more_begins_anew(tmp_path):
    left_behind(tmp_path / "fetch", DATA, '"v1"')

    def short(handler: Handler) -> None:
        if "Range" in handler.headers:
            handler.answer(416, {}, b"nothing there")
            return
        handler.answer(200, TAG, DATA[:100])

    with site({"/data.zip": short}) as found:
        OneFile(Guard([found.host]), f"{found.url}/data.zip", tmp_path / "fetch", 2**20, 20).fetch(lambda part: None)
    assert (tmp_path / "fetch" / BODY).read_bytes() == DATA[:100]


def test_what_is_here_counts_against_the_limit(tmp_path):
    left_behind(tmp_path / "fetch", DATA[:70_000], '"v1"')
    with pytest.raises(NotFetched, match="larger than 97 KiB"):
        fetched(tmp_path / "fetch", Served(), most_bytes=100_000)


def test_a_server_that_never_answers_is_given_up(tmp_path):
    with site({}) as found:
        gone = f"{found.url}/data.zip"
    with pytest.raises(NotFetched, match="No connection"):
        OneFile(Guard([gone.split("/")[2]]), gone, tmp_path / "fetch", 2**20, 20).fetch(lambda part: None)


def test_each_hop_of_what_is_gone_on_with_is_checked_too(tmp_path):
    """S58"""
    left_behind(tmp_path / "fetch", DATA[:70_000], '"v1"')
    pages = {"/data.zip": (302, {"Location": "http://169.254.169.254/latest/"}, b"")}
    with site(pages) as found, pytest.raises(NotFetched, match="inside a private network"):
        OneFile(Guard([found.host]), f"{found.url}/data.zip", tmp_path / "fetch", 2**20, 20).fetch(lambda part: None)

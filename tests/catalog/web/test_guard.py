"""The guarded fetcher against addresses, redirects, name servers and bodies (S57, S58, S60)."""

import gzip
import io
import socket
import time

import pytest

from catalog.web import addresses
from catalog.web.addresses import NotFetched, checked_url
from catalog.web.guard import Guard
from tests.catalog.web.sites import site

PRIVATE = "inside a private network"


def why(url: str, hosts=(), **options) -> str:
    with pytest.raises(NotFetched) as refused:
        Guard(hosts).get(url, **options)
    return str(refused.value)


@pytest.fixture
def names(monkeypatch):
    """A name server of the test's own: names["host"] = lists of addresses, one for each time it is asked."""
    known: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host, port, *args, flags=0, **kwargs):
        if host in known and not flags & socket.AI_NUMERICHOST:
            answers = known[host]
            found = answers.pop(0) if len(answers) > 1 else answers[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0)) for address in found]
        return real(host, port, *args, flags=flags, **kwargs)

    monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
    return known


@pytest.fixture
def connected(monkeypatch):
    """Every address that a socket was connected to."""
    made: list[tuple] = []
    real = socket.create_connection

    def create_connection(address, *args, **kwargs):
        made.append(address)
        return real(address, *args, **kwargs)

    monkeypatch.setattr(socket, "create_connection", create_connection)
    return made


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "10.0.0.8", "172.16.3.4", "192.168.1.1",
     "169.254.169.254", "100.100.100.200", "100.64.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
     "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:8.8.8.8]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
     "[2001:0:7f00:1::]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "localhost"],
)  # fmt: skip
def test_no_packet_goes_to_an_address_that_is_not_public(host, connected):
    """S57"""
    assert PRIVATE in why(f"http://{host}/")
    assert connected == []


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "100.100.100.200", "0.0.0.0", "224.0.0.1"]
)
def test_an_admin_opens_private_hosts_and_never_metadata(host, connected):
    assert PRIVATE in why(f"http://{host}/", [host.strip("[]")])
    assert connected == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "begin with http"),
        ("gopher://example.org/", "begin with http"),
        ("//example.org/", "begin with http"),
        ("http://", "begin with http"),
        ("http://0177.0.0.1/", "not an address"),
        ("http://ada:secret@example.org/", "user name"),
        ("http://example.org:6379/", "Port 6379"),
        ("https://example.org:22/", "Port 22"),
        ("http://exa\nmple.org/", "not an address"),
        ("http://example.org/" + "a" * 2000, "longer than"),
    ],
)
def test_other_schemes_ports_and_names_with_passwords_are_refused(url, reason):
    """S57"""
    assert reason in why(url)


def test_what_an_admin_allows_is_fetched_and_its_neighbour_is_not():
    with site({"/a.txt": "hello"}) as served, site({"/a.txt": "other"}) as neighbour:
        answer = Guard([served.host], "Fleetune test").get(f"{served.url}/a.txt#part")
        assert (answer.status, answer.body, answer.content_type) == (200, b"hello", "text/plain")
        assert served.agents == {"Fleetune test"}
        assert "Port" in why(f"{neighbour.url}/a.txt", [served.host])
        assert neighbour.log == []


def test_all_addresses_of_a_name_are_checked_before_any_is_used(names, connected):
    names["two.example"] = [["93.184.216.34", "10.0.0.1"]]
    assert PRIVATE in why("http://two.example/")
    assert connected == []


def test_the_connection_goes_to_the_address_that_was_checked(names, connected):
    """S58: the second answer of the name server is never asked for."""
    with site({"/": "hello"}) as served:
        name = f"turning.example:{served.port}"
        names["turning.example"] = [["127.0.0.1"], ["169.254.169.254"]]
        assert Guard([name]).get(f"http://{name}/").body == b"hello"
        assert connected == [("127.0.0.1", served.port)]
        assert PRIVATE in why(f"http://{name}/", [name])
        assert len(connected) == 1


def test_each_hop_of_a_redirect_is_checked_again():
    """S58"""
    with site({"/secret": "never"}) as inside, site({}) as served:
        served.pages |= {
            "/to": (302, {"Location": f"{inside.url}/secret"}, b""),
            "/metadata": (307, {"Location": "http://169.254.169.254/latest/"}, b""),
            "/file": (301, {"Location": "file:///etc/passwd"}, b""),
            "/bad": (301, {"Location": "http://exa\tmple/"}, b""),
        }
        assert "Port" in why(f"{served.url}/to", [served.host])
        assert PRIVATE in why(f"{served.url}/metadata", [served.host])
        assert "begin with http" in why(f"{served.url}/file", [served.host])
        assert "redirects to what is not" in why(f"{served.url}/bad", [served.host])
        assert inside.log == []


def test_three_redirects_are_followed_and_the_fourth_is_refused():
    """S58"""
    with site({"/0": "here"}) as served:
        served.pages |= {f"/{n}": (302, {"Location": f"/{n - 1}"}, b"") for n in range(1, 5)}
        found = Guard([served.host]).get(f"{served.url}/3")
        assert (found.body, found.url) == (b"here", f"{served.url}/0")
        assert "more than 3 times" in why(f"{served.url}/4", [served.host])


def test_whoever_asks_may_refuse_a_hop():
    def before_hop(url: str) -> None:
        if url.endswith("/b"):
            raise NotFetched("Not there.")

    with site({"/a": (302, {"Location": "/b"}, b""), "/b": "never"}) as served:
        assert why(f"{served.url}/a", [served.host], before_hop=before_hop) == "Not there."
        assert served.paths == ["/a"]


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    """S58"""
    with site({"/": "hello"}) as served, site({}) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert Guard([served.host]).get(served.url).body == b"hello"
        assert proxy.log == []


def test_bodies_are_bounded_before_and_after_unpacking():
    """S60"""
    bomb = gzip.compress(bytes(50 * 2**20))
    packed = {"Content-Encoding": "gzip"}
    pages = {
        "/large": b"x" * 3000,
        "/bomb": (200, packed, bomb),
        "/fine": (200, packed, gzip.compress(b"hello" * 100)),
        "/cut": (200, packed, gzip.compress(b"hello" * 100)[:-4]),
        "/damaged": (200, packed, b"no gzip at all"),
        "/twice": (200, {"Content-Encoding": "gzip, gzip"}, b"x"),
    }
    with site(pages) as served:
        hosts = [served.host]
        assert "larger than 2 KiB" in why(f"{served.url}/large", hosts, most_bytes=2048)
        into = io.BytesIO()
        with pytest.raises(NotFetched, match="larger than 1024 KiB"):
            Guard(hosts).save(f"{served.url}/bomb", into, 2**20)
        assert into.tell() <= 2**20
        assert Guard(hosts).get(f"{served.url}/fine").body == b"hello" * 100
        assert "cut off" in why(f"{served.url}/cut", hosts)
        assert "does not unpack" in why(f"{served.url}/damaged", hosts)
        assert "packed as" in why(f"{served.url}/twice", hosts)


def test_an_endless_body_ends_at_the_limit():
    """S60"""

    def endless(handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(bytes(65536))
        except OSError:
            handler.close_connection = True

    with site({"/": endless}) as served:
        assert "larger than 1024 KiB" in why(served.url, [served.host], most_bytes=2**20)


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_slow_drip_ends_when_the_whole_time_is_over(part):
    """S60"""

    def drip(handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n" + (b"" if part == "head" else b"\r\n"))
        try:
            while True:
                handler.wfile.write(b"X-Slow: 1\r\n")
                time.sleep(0.05)
        except OSError:
            handler.close_connection = True

    with site({"/": drip}) as served:
        began = time.monotonic()
        with pytest.raises(NotFetched, match="too slowly"):
            Guard([served.host]).save(served.url, io.BytesIO(), 2**20, whole_s=0.5)
        assert time.monotonic() - began < 10


def test_what_does_not_answer_in_http_and_what_is_not_there_has_a_sentence(names):
    def noise(handler) -> None:
        handler.wfile.write(b"220 mail ready\r\n")

    with site({"/": noise}) as served:
        assert "does not answer in HTTP" in why(served.url, [served.host])
        gone, hosts = served.url, [served.host]
    assert "No connection" in why(gone, hosts)
    assert "No server is known" in why("http://no-such-name.invalid/")


def test_addresses_lose_their_fragment_and_nothing_else():
    assert str(checked_url("https://EXAMPLE.org/a/../b?c=1#d")) == "https://example.org/b?c=1"
    assert str(checked_url("http://bücher.example/")) == "http://xn--bcher-kva.example/"

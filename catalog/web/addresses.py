"""Which addresses may be asked: public ones, and what an admin allows by name.

Lists of what is allowed, not of what is not: `ipaddress` calls multicast, NAT64 and IPv4-compatible addresses global.
"""

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any

import httpx

from contract.problems import gettext_noop

PORTS = (80, 443)
LONGEST_URL = 2000
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")
WRAPS_IPV4 = [ipaddress.ip_network(net) for net in ("2002::/16", "2001::/32")]
"""6to4 and Teredo: an IPv4 address lies inside, and whoever routes them decides which"""
PRIVATE = [
    ipaddress.ip_network(net)
    for net in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
]
METADATA = [ipaddress.ip_network(net) for net in ("fd00:ec2::/32", "fd20:ce::/32")]
"""inside fc00::/7, but the cloud's own: they hand out credentials, so no list of hosts opens them"""


class NotFetched(Exception):
    """One address was not fetched: a sentence with named placeholders that says why."""

    def __init__(self, sentence: str, **params: Any):
        self.sentence, self.params = sentence, params
        super().__init__(sentence % params)


def checked_url(text: str, hosts: Iterable[str] = ()) -> httpx.URL:
    """The address without its fragment, once it has passed everything that can be said without asking the network.

    `hosts` are those that an admin allows: "host" (ports 80 and 443) or "host:port". Raises NotFetched.
    """
    if len(text) > LONGEST_URL:
        raise NotFetched(gettext_noop("The address is longer than %(most)s characters."), most=LONGEST_URL)
    try:
        url = httpx.URL(text.strip()).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise NotFetched(gettext_noop("This is not an address of the web.")) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise NotFetched(gettext_noop("Only addresses that begin with http:// or https:// are fetched."))
    if url.userinfo:
        raise NotFetched(gettext_noop("Leave user name and password out of the address."))
    if port_of(url) not in PORTS and f"{host_of(url)}:{port_of(url)}" not in hosts:
        sentence = gettext_noop(
            "Port %(port)s is not allowed: only 80 and 443 are. An admin can allow %(host)s:%(port)s under Settings → "
            "Server, 'Hosts inside your network that may be fetched from'."
        )
        raise NotFetched(sentence, port=port_of(url), host=host_of(url))
    for address in _literal(host_of(url)):
        refuse(address, host_of(url), port_of(url), hosts)
    return url


def resolve(host: str, port: int, hosts: Iterable[str] = ()) -> list[Address]:
    """The addresses of `host`, asked for once; NotFetched when any of them is out of bounds or there are none."""
    found = _literal(host) or _asked(host, 0)
    for address in found:
        refuse(address, host, port, hosts)
    return found


def refuse(address: Address, host: str, port: int, hosts: Iterable[str] = ()) -> None:
    """Raises NotFetched unless the address is public, or private and its host allowed by an admin."""
    known = host in hosts or f"{host}:{port}" in hosts
    if not (_is_public(address) or (known and _is_private(address))):
        raise NotFetched(gettext_noop("This address is not allowed: it is inside a private network."))


def host_of(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii").lower().rstrip(".")


def port_of(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    return address in GLOBAL_IPV6 and not any(address in net for net in WRAPS_IPV4)


def _is_private(address: Address) -> bool:
    return any(address in net for net in PRIVATE) and not any(address in net for net in METADATA)


def _literal(host: str) -> list[Address]:
    """The address that `host` spells, in any way that the system reads (127.1, 0x7f000001); none for a name."""
    try:
        return _asked(host, socket.AI_NUMERICHOST)
    except NotFetched:
        return []


def _asked(host: str, flags: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError) as error:
        raise NotFetched(gettext_noop("No server is known by the name %(host)s."), host=host) from error
    return [ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]

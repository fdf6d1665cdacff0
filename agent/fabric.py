"""Which network interface of this host carries an address: ranks talk over that one only."""

import fcntl
import socket
import struct

SIOCGIFADDR = 0x8915


def interface_of(address: str) -> str:
    """Name of the interface that has this IPv4 address; "" when none has."""
    for _, name in socket.if_nameindex():
        if address and _address_of(name) == address:
            return name
    return ""


def _address_of(interface: str) -> str:
    request = struct.pack("256s", interface.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            return socket.inet_ntoa(fcntl.ioctl(probe.fileno(), SIOCGIFADDR, request)[20:24])
        except OSError:
            return ""

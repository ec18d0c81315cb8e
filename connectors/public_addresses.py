"""Calls to addresses of somebody else's choice: to the public internet alone, and to the very address looked at.

A name may lead into our own network, and may lead elsewhere a moment later (CWE-918, DNS rebinding). So the name is
looked up once, every answer must be public, and the connection goes to that answer; TLS still proves the name.
"""

import ipaddress
import socket

import httpx

from connectors.errors import Misconfigured, Unavailable

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class PublicOnly(httpx.BaseTransport):
    """Lets requests through `inner` to public addresses alone. Raises Misconfigured for others, before it connects."""

    def __init__(self, name: str, inner: httpx.BaseTransport | None = None) -> None:
        self._name = name
        self._inner = inner or httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        address = self._public(host, request.url.port or (443 if request.url.scheme == "https" else 80))
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)  # the Host header was set from the name already
        return self._inner.handle_request(request)

    def _public(self, host: str, port: int) -> str:
        """Return one address of `host`, all of which are public."""
        try:
            found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (socket.gaierror, UnicodeError):
            found = []
        if not found:
            unknown = Unavailable(f"{self._name}: the host of url is not known. Check url and the network.")
            unknown.undone = True
            raise unknown
        if not all(is_public(one) for one in found):
            raise Misconfigured(
                f"{self._name}: url leads into a private network, where nothing is sent unless allow_private is set."
            )
        return found[0]

    def close(self) -> None:
        self._inner.close()


def is_public(address: str) -> bool:
    """Say whether an IP address is reached over the public internet, whatever it is wrapped in."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return ip.is_global and not ip.is_multicast

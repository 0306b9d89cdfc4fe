"""Who asks: a client's address, through proxies that are trusted, and who may see more. Knows no route."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flask import Request
from werkzeug.exceptions import Forbidden

_ELSEWHERE = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip")
"""What a proxy adds: whoever asks through one is not on this machine, although the proxy is."""

_OF_A_PAGE = "Origin"
"""A script of another site, in a browser on this machine, is a stranger too."""

_NETWORK_BITS = 64
"""Of IPv6: one client has a network of so many bits to take addresses from."""

Address = IPv4Address | IPv6Address


class Clients:
    """Whom this site believes: proxies, by address or network, and who has the token of the metrics."""

    def __init__(self, proxies: Iterable[str] = (), token: str | None = None) -> None:
        self._proxies = tuple(map(ip_network, proxies))
        self._token = token

    def name(self, request: Request) -> str:
        """The client, to count what it gets: its address, or its network where addresses are for free."""
        address = self._address(request)
        if isinstance(address, IPv6Address):
            return str(ip_network((address, _NETWORK_BITS), strict=False).network_address)
        return str(address)

    def admit(self, request: Request) -> None:
        """Let pass who is on this machine, or has the token. Raises Forbidden."""
        if not (_is_here(request) or self._has_token(request)):
            raise Forbidden("This is told on the server's own machine, or to whoever has the metrics token.")

    def _address(self, request: Request) -> Address | None:
        """The last address before our own proxies: what stands further left, anybody may have written."""
        address = _read(request.remote_addr)
        hops = ",".join(request.headers.getlist("X-Forwarded-For")).split(",")
        while address is not None and hops and self._trusts(address):
            before = _read(hops.pop())
            if before is None:
                break
            address = before
        return address

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._proxies)

    def _has_token(self, request: Request) -> bool:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        if self._token is None or kind.lower() != "bearer":
            return False
        return hmac.compare_digest(given.strip().encode(), self._token.encode())


def _is_here(request: Request) -> bool:
    address = _read(request.remote_addr)
    told = any(name in request.headers for name in (*_ELSEWHERE, _OF_A_PAGE))
    return address is not None and address.is_loopback and not told


def _read(text: str | None) -> Address | None:
    """The address, if it is one; an IPv4 one in the clothes of IPv6 is an IPv4 one."""
    try:
        address = ip_address((text or "").strip().strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address

"""Which addresses may be asked for data: public ones, and those that the operator named; knows no HTTP."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from ingest.sources.source import Unreadable

Resolve = Callable[..., list[tuple[Any, ...]]]
"""Asked as ``socket.getaddrinfo`` is, answers as it does."""

# Of our own, after the registries of IANA (iana-ipv4-special-registry, iana-ipv6-special-registry), because
# ``ipaddress.is_global`` is another one in each Python: 3.11 takes NAT64, 6to4 and 224.0.0.1 for public.
_NOT_PUBLIC_4 = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # behind the NAT of a provider
            "127.0.0.0/8",  # this machine
            "169.254.0.0/16",  # link-local: where clouds tell their passwords
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
_PUBLIC_6 = ip_network("2000::/3")
"""All that was ever given out for the internet; loopback, private, link-local and multicast lie outside."""
_NOT_PUBLIC_6 = tuple(
    map(
        ip_network,
        (
            "2001::/23",  # protocol assignments; 2001::/32 is Teredo, which wraps an IPv4 address
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which wraps an IPv4 address
            "3fff::/20",  # documentation
        ),
    )
)
_NAT64 = ip_network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Whether an address in the internet is meant; what is private, special or no address at all is not."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        wrapped = _wrapped(address)
        if wrapped is None:
            return address in _PUBLIC_6 and not any(address in one for one in _NOT_PUBLIC_6)
        address = wrapped
    return not any(address in one for one in _NOT_PUBLIC_4)


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that will be talked to in truth: ::ffff:127.0.0.1 is this machine."""
    if address in _NAT64:  # what a network without IPv4 makes of every public address
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped


def addresses(
    host: str, port: int, allow_hosts: Collection[str] = (), resolve: Resolve | None = None
) -> list[str]:
    """The addresses of a host, asked for once and each checked: who connects to them cannot be led astray.

    Whatever spelling a name has (2130706433, 0x7f.1, 127.1), what it leads to is looked at. ``allow_hosts``
    are hosts, or hosts with a port, that may be private.

    Raises:
        OSError: where the name is not known.
        Unreadable: where one of the addresses is not public.
    """
    found = (resolve or socket.getaddrinfo)(host, port, type=socket.SOCK_STREAM)
    every = list(dict.fromkeys(str(one[4][0]) for one in found))
    if _is_allowed(host, port, allow_hosts):
        return every
    private = next((address for address in every if not is_public(address)), None)
    if private is not None:
        leads = "" if host == private else f"leads to {private}, which "
        raise Unreadable(
            f"{host} is refused, because it {leads}is no public address: if that is meant, put {host!r} into"
            " allow_hosts."
        )
    return every


def _is_allowed(host: str, port: int, allow_hosts: Collection[str]) -> bool:
    bracketed = f"[{host}]" if ":" in host else host
    return not {host, bracketed, f"{bracketed}:{port}"}.isdisjoint(one.lower() for one in allow_hosts)

"""Which addresses may be connected to, judged after names are resolved, so that no spelling and no DNS answer helps.

The URLs come from the operator alone, so this machine and private networks are allowed unless a policy says otherwise.
What no webhook ever lives at is always refused: above all the places where clouds hand out credentials.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NEVER: tuple[tuple[str, tuple[Network, ...]], ...] = (
    ("link-local", (ip_network("169.254.0.0/16"), ip_network("fe80::/10"))),
    (
        "cloud metadata",
        (
            ip_network("100.100.100.200/32"),
            ip_network("168.63.129.16/32"),
            ip_network("192.0.0.192/32"),
            ip_network("fd00:ec2::/32"),
            ip_network("fd20:ce::254/128"),
        ),
    ),
    ("unspecified", (ip_network("0.0.0.0/8"), ip_network("::/128"))),
    ("multicast", (ip_network("224.0.0.0/4"), ip_network("ff00::/8"))),
    ("broadcast", (ip_network("255.255.255.255/32"),)),
)
"""Refused whatever a policy allows."""

ODD: tuple[tuple[str, tuple[Network, ...]], ...] = (
    ("reserved", (ip_network("240.0.0.0/4"), ip_network("192.0.0.0/24"), ip_network("5f00::/16"))),
    ("benchmarking", (ip_network("198.18.0.0/15"), ip_network("2001:2::/48"))),
    (
        "documentation",
        (
            ip_network("192.0.2.0/24"),
            ip_network("198.51.100.0/24"),
            ip_network("203.0.113.0/24"),
            ip_network("2001:db8::/32"),
            ip_network("3fff::/20"),
        ),
    ),
    (
        "a way around to an IPv4 address",
        (
            ip_network("64:ff9b::/96"),
            ip_network("64:ff9b:1::/48"),
            ip_network("::ffff:0:0:0/96"),
            ip_network("2001::/32"),
            ip_network("2002::/16"),
            ip_network("192.88.99.0/24"),
        ),
    ),
    ("no longer in use", (ip_network("fec0::/10"), ip_network("100::/64"))),
)
"""Refused unless a policy allows them. `ipaddress` calls several of these global."""

COMPATIBLE = ip_network("::/96")
"""IPv4 in the last 32 bits of an IPv6 address: dead, and the system's own ::1 lies in it."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What an operator adds to the fixed rules: `denied` networks, and `allowed` exceptions from them."""

    denied: tuple[Network, ...] = ()
    allowed: tuple[Network, ...] = ()

    def refusal(self, address: str) -> str | None:
        """Why `address` (as a resolver gives it, a zone is ignored) may not be connected to; None when it may."""
        found = _plain(ip_address(address))
        kind = _kind(found, NEVER)
        if kind is None and not _within(found, self.allowed):
            kind = _kind(found, ODD)
            if kind is None and found in COMPATIBLE and not found.is_loopback:
                kind = "a way around to an IPv4 address"
            if kind is None and _within(found, self.denied):
                kind = "denied by configuration"
        return None if kind is None else f"the address {found} is not allowed: {kind}"


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv4-mapped one stands for; any other as it is, without a zone."""
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))


def _kind(address: Address, kinds: tuple[tuple[str, tuple[Network, ...]], ...]) -> str | None:
    return next((kind for kind, networks in kinds if _within(address, networks)), None)


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def is_loopback(host: str) -> bool:
    """Whether a host, by its name or address, is this machine. Nothing is looked up."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"

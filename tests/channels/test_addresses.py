"""Which addresses may be connected to."""

from ipaddress import ip_network

import pytest

from alertsvc.channels.addresses import AddressPolicy

ALLOWED = [
    pytest.param("93.184.216.34", id="public"),
    pytest.param("2606:4700::1111", id="public-six"),
    pytest.param("127.0.0.1", id="this-machine"),
    pytest.param("::1", id="this-machine-six"),
    pytest.param("10.1.2.3", id="private"),
    pytest.param("172.16.0.1", id="private-172"),
    pytest.param("192.168.1.1", id="private-192"),
    pytest.param("fd12:3456::1", id="private-six"),
    pytest.param("100.64.0.1", id="shared"),
    pytest.param("::ffff:10.1.2.3", id="private-mapped"),
]
REFUSED = [
    pytest.param("169.254.169.254", "link-local", id="metadata"),
    pytest.param("::ffff:169.254.169.254", "link-local", id="metadata-mapped"),
    pytest.param("fe80::1%eth0", "link-local", id="link-local-with-zone"),
    pytest.param("fd00:ec2::254", "cloud metadata", id="metadata-aws-six"),
    pytest.param("100.100.100.200", "cloud metadata", id="metadata-alibaba"),
    pytest.param("168.63.129.16", "cloud metadata", id="metadata-azure"),
    pytest.param("192.0.0.192", "cloud metadata", id="metadata-oracle"),
    pytest.param("0.0.0.0", "unspecified", id="unspecified"),
    pytest.param("0.1.2.3", "unspecified", id="this-network"),
    pytest.param("::", "unspecified", id="unspecified-six"),
    pytest.param("224.0.0.1", "multicast", id="multicast"),
    pytest.param("ff02::1", "multicast", id="multicast-six"),
    pytest.param("255.255.255.255", "broadcast", id="broadcast"),
    pytest.param("240.0.0.1", "reserved", id="reserved"),
    pytest.param("192.0.0.8", "reserved", id="dummy-address"),
    pytest.param("5f00::1", "reserved", id="segment-routing"),
    pytest.param("198.18.0.1", "benchmarking", id="benchmarking"),
    pytest.param("192.0.2.1", "documentation", id="documentation"),
    pytest.param("3fff::1", "documentation", id="documentation-new"),
    pytest.param("2001:db8::1", "documentation", id="documentation-six"),
    pytest.param("64:ff9b::7f00:1", "a way around to an IPv4 address", id="nat64"),
    pytest.param("::ffff:0:7f00:1", "a way around to an IPv4 address", id="ipv4-translated"),
    pytest.param("2002:7f00:1::", "a way around to an IPv4 address", id="6to4"),
    pytest.param("192.88.99.1", "a way around to an IPv4 address", id="6to4-relay"),
    pytest.param("2001::1", "a way around to an IPv4 address", id="teredo"),
    pytest.param("::7f00:1", "a way around to an IPv4 address", id="ipv4-compatible"),
    pytest.param("fec0::1", "no longer in use", id="site-local"),
]


@pytest.mark.parametrize("address", ALLOWED)
def test_receivers_may_live_on_the_internet_and_in_private_networks(address):
    assert AddressPolicy().refusal(address) is None


@pytest.mark.parametrize(("address", "kind"), REFUSED)
def test_no_receiver_lives_where_credentials_or_nobody_are(address, kind):
    assert AddressPolicy().refusal(address).endswith(f"is not allowed: {kind}")


def test_a_policy_can_close_private_networks_and_leave_a_gap():
    policy = AddressPolicy(denied=(ip_network("10.0.0.0/8"),), allowed=(ip_network("10.1.2.0/24"),))
    assert policy.refusal("10.2.0.1") == "the address 10.2.0.1 is not allowed: denied by configuration"
    assert policy.refusal("::ffff:10.2.0.1") is not None
    assert policy.refusal("10.1.2.3") is None


def test_a_policy_can_allow_what_is_odd_and_never_what_holds_credentials():
    policy = AddressPolicy(allowed=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    assert policy.refusal("64:ff9b::808:808") is None
    assert policy.refusal("169.254.169.254") is not None
    assert policy.refusal("fd00:ec2::254") is not None

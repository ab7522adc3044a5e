"""From which address a visitor comes, for the counters of attempts.

It is the one that connected to API Gateway (`sourceIp`); `X-Forwarded-For` and the like are never read, since anybody can write
them. Behind CloudFront `sourceIp` would be an edge's, one for very many visitors: so what is personal is never sent through
it, the pages call the API itself for that (infra/distribution.py). Several people behind one address, a household, a service
desk, a carrier's gateway, share its counters: they are asked the question sooner, and their limit is wide (yikatong.attempts).
"""

from ipaddress import IPv6Address, ip_address, ip_network

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

# Whoever has one IPv6 address has 2^64 of them.
_IPV6_NETWORK_BITS = 64


def visitor_address(event: APIGatewayProxyEvent) -> str:
    """What attempts are counted under: an IPv4 address, or the network of an IPv6 one."""
    address = ip_address(event.request_context.identity.source_ip)
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, _IPV6_NETWORK_BITS), strict=False))

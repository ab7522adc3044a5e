"""From which address a visitor comes, for the counters of attempts; a header that anybody can write is not believed.

API Gateway tells who connected to it (`sourceIp`). That is the visitor where the API is called directly. Behind CloudFront it is
an edge of CloudFront, one for very many visitors: there the edge's `CloudFront-Viewer-Address` is believed, but only beside
`X-Origin-Secret`, which the distribution adds to what it sends to us and nobody else knows. Without a secret set for this
stack, or without the right one in the request, the address is the connection's. `X-Forwarded-For` is never read.
"""

import hmac
from ipaddress import IPv6Address, ip_address, ip_network

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

# Whoever has one IPv6 address has 2^64 of them.
_IPV6_NETWORK_BITS = 64


def visitor_address(event: APIGatewayProxyEvent, origin_secret: str | None) -> str:
    """The address that attempts are counted under: of IPv4 the address, of IPv6 its network."""
    headers = event.headers
    told = headers.get("x-origin-secret") or ""
    if origin_secret and hmac.compare_digest(told.encode(), origin_secret.encode()):
        # `192.0.2.10:46532` or `2001:db8::1:46532`: the port comes last in both.
        viewer = (headers.get("cloudfront-viewer-address") or "").rpartition(":")[0]
        if viewer:
            return _network(viewer.strip("[]"))
    return _network(event.request_context.identity.source_ip or "")


def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        # Counted under what it is: an address that cannot be read must not be a way around the counters.
        return address
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, _IPV6_NETWORK_BITS), strict=False))
    return str(parsed)

"""The security headers of the public service area, said once: CloudFront sends them, and the local gateway sends the very
same. Where a bare S3 website serves the pages nobody can send any: then the policy in the page itself has to do.

No script and no style stands in a page (no `unsafe-inline`): an injected one would not run. Forms lead to pages of this
site only; the query page's own policy forbids them (policies add up), since without its scripts Enter would put a name and
an id number into an address. A policy document that a department wrote is sandboxed: it is shown, and can do nothing under
this site's address.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase

HSTS_MAX_AGE_S = 2 * 365 * 24 * 3600
REFERRER_POLICY = "no-referrer"
FRAME_OPTIONS = "DENY"
# What AWS has a field for; everything else is a custom header there.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "publickey-credentials-get",
        "screen-wake-lock",
        "usb",
        "xr-spatial-tracking",
    )
)
CUSTOM_HEADERS = {"Cross-Origin-Opener-Policy": "same-origin", "Permissions-Policy": PERMISSIONS_POLICY}
NOTHING_FROM_HERE = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
DOCUMENT_POLICIES = {
    "policies/*.html": f"{NOTHING_FROM_HERE}; img-src data:; sandbox",
    # Browsers show a PDF by a plug-in of their own, which a sandbox would keep them from.
    "policies/*.pdf": f"{NOTHING_FROM_HERE}; object-src 'self'",
}
"""By key pattern, which is CloudFront's path pattern without its slash."""
CONNECT_TO_SELF = "connect-src 'self'"


def page_policy(api_origin: str = "") -> str:
    """The Content-Security-Policy of a page. `api_origin` is named where pages call the API by an address of its own."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"{f'{CONNECT_TO_SELF} {api_origin}'.rstrip()}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


@dataclass(frozen=True)
class SiteHeaders:
    """The headers of one kind of answer: they differ in their Content-Security-Policy only."""

    content_security_policy: str

    @classmethod
    def of(cls, key: str, api_origin: str = "") -> "SiteHeaders":
        """The headers an object of the site bucket is sent with."""
        documents = (policy for pattern, policy in DOCUMENT_POLICIES.items() if fnmatchcase(key, pattern))
        return cls(next(documents, page_policy(api_origin)))

    def as_pairs(self) -> tuple[tuple[str, str], ...]:
        """Name and value, as a server sends them."""
        return (
            ("Content-Security-Policy", self.content_security_policy),
            ("Referrer-Policy", REFERRER_POLICY),
            ("Strict-Transport-Security", f"max-age={HSTS_MAX_AGE_S}; includeSubDomains"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", FRAME_OPTIONS),
            *CUSTOM_HEADERS.items(),
        )


def with_api_origin(page: str, api_origin: str) -> str:
    """A page whose own policy, in its meta tag, also lets it call the API at that address."""
    if page.count(CONNECT_TO_SELF) != 1:
        raise ValueError(f"a page says in its meta tag, once, whom it may call: {CONNECT_TO_SELF}")
    return page.replace(CONNECT_TO_SELF, f"{CONNECT_TO_SELF} {api_origin}".rstrip())

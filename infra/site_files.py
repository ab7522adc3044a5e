"""The pages of the public service area: which files, under which keys, with which headers; and what of the site bucket is
public at all.

Pages are flat files with their extension (`policies.html`), so that S3 itself needs no rewriting. Nothing carries a
digest in its name: everything is fresh for five minutes, then asked for again by ETag, so that a page never meets the
scripts of another deployment for longer.
"""

from dataclasses import dataclass
from pathlib import Path

PAGE_CACHE = "public, max-age=300"
ERROR_PAGE = "404.html"
INDEX_PAGE = "index.html"
CONFIG_KEY = "config.json"
# What the functions publish, already masked; written with a content type and a Cache-Control of their own.
PUBLISHED_KEYS = ("published/*", "policies/*")
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".webmanifest": "application/manifest+json; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True)
class SiteFile:
    """One file of `site/` and the object it becomes."""

    path: Path
    key: str
    content_type: str


def site_files(folder: Path) -> tuple[SiteFile, ...]:
    """Every file of the folder but its own README, by key; one of a type nobody named, or hidden, stops the deployment."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / "README.md"):
        key = path.relative_to(folder).as_posix()
        content_type = CONTENT_TYPES.get(path.suffix)
        if content_type is None or any(part.startswith(".") for part in key.split("/")) or key == CONFIG_KEY:
            raise ValueError(f"{path}: not a page, a script, a style or a picture of the site")
        found.append(SiteFile(path, key, content_type))
    return tuple(found)


def public_keys(files: tuple[SiteFile, ...]) -> tuple[str, ...]:
    """What anybody may get of the site bucket, as S3 key patterns: the pages, each by name, and what is published.

    A key nobody listed stays private, whoever wrote it into the bucket and by whatever mistake.
    """
    pages = {file.key if "/" not in file.key else f"{file.key.split('/')[0]}/*" for file in files}
    return (*sorted(pages | {CONFIG_KEY}), *PUBLISHED_KEYS)

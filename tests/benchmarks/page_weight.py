"""What a phone has to fetch before a page of the public service area works: files and bytes, gzipped as they travel.

    python -m tests.benchmarks.page_weight

Read off the files of `site/`: a page, the styles and scripts it names, the modules these import, the pictures all of them
name. What the API answers comes on top and depends on the data; a browser measures both in tests/site.
"""

import gzip
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.archives import REPOSITORY

SITE = REPOSITORY / "site"
MOST_KB = 150
"""What the query page may weigh."""
_NAMED = re.compile(
    r'(?:src|href)="/?(assets/[\w.-]+)|[`"](assets/[\w.-]+)|from "\./([\w.-]+)"|import "\./([\w.-]+)"|url\("?([\w.-]+)'
)


def files_of(page: Path) -> set[Path]:
    """The page and whatever it leads to, whether at once or when it is used."""
    found: set[Path] = set()
    waiting = [page]
    while waiting:
        file = waiting.pop()
        if file in found or not file.is_file():
            continue
        found.add(file)
        if file.suffix in (".html", ".js", ".css"):
            waiting.extend(_named_in(file))
    return found


def _named_in(file: Path) -> Iterator[Path]:
    for groups in _NAMED.findall(file.read_text(encoding="utf-8")):
        name = next(filter(None, groups))
        yield SITE / name if name.startswith("assets/") else file.parent / name


def weight(file: Path) -> int:
    """Bytes on the wire: text gzipped, as the distribution does."""
    return len(gzip.compress(file.read_bytes(), compresslevel=6))


def main() -> int:
    heavy = []
    for page in sorted(SITE.glob("*.html")):
        files = files_of(page)
        raw, gzipped = sum(file.stat().st_size for file in files), sum(map(weight, files))
        sys.stdout.write(
            f"{page.name:<16} {len(files):>3} files {raw / 1000:>7.1f} kB, gzipped {gzipped / 1000:>6.1f} kB\n"
        )
        if gzipped > MOST_KB * 1000:
            heavy.append(page.name)
    return 1 if heavy else 0


if __name__ == "__main__":
    raise SystemExit(main())

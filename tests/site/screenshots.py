"""Take the pictures of docs/screenshots anew: the site on a local cloud of its own, visited by the stories' people.

python -m tests.site.screenshots
"""

import json
import os
import subprocess
import sys

from infra.archives import REPOSITORY
from infra.local.cloud import LocalCloud
from tests.conftest import CLOUD_DATE
from tests.site.browser import HERE, chromium, why_not
from tests.site.facts import prepare

FOLDER = REPOSITORY / "docs" / "screenshots"


def main() -> int:
    missing = why_not()
    if missing is not None:
        sys.stderr.write(f"{missing}\n")
        return 1
    with LocalCloud(CLOUD_DATE) as cloud:
        facts = json.dumps(prepare(cloud), ensure_ascii=False)
        environment = {**os.environ, "CHROMIUM": chromium() or ""}
        command = ["node", "screenshots.mjs", str(FOLDER)]
        return subprocess.run(command, cwd=HERE, env=environment, input=facts, encoding="utf-8", check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())

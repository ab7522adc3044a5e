"""One Node process with one headless Chromium, which plays the stories under `stories/`, one after another.

Node, the packages and the browser may be missing: `why_not` says what, and how to get it.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NODE_MAJOR = 20
"""What playwright-core asks for."""
HOW = (
    f"to run them: install Node {NODE_MAJOR} or later with npm, Chromium and a Chinese font "
    "(Debian: apt-get install chromium fonts-wqy-microhei), then npm ci --prefix tests/site"
)
_TOLD = re.compile(r'^story\(\s*"([^"]+)"', re.MULTILINE)


def sentences() -> list[str]:
    """Every story's sentence, read from the source: what is skipped without Node has its name all the same."""
    return [
        sentence
        for file in sorted((HERE / "stories").glob("*.mjs"))
        for sentence in _TOLD.findall(file.read_text(encoding="utf-8"))
    ]


def chromium() -> str | None:
    """The browser: what CHROMIUM names, or the system's own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def why_not() -> str | None:
    """What is missing to play a story, and the cure; None when all is there. Fetches the locked packages if it can."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        return f"the browser stories were NOT played, Node is missing; {HOW}"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < NODE_MAJOR:
        return f"the browser stories were NOT played, Node {version} is too old; {HOW}"
    if chromium() is None:
        return f"the browser stories were NOT played, Chromium is missing; {HOW}"
    if not (HERE / "node_modules" / "playwright-core").exists():
        if npm is None:
            return f"the browser stories were NOT played, npm is missing; {HOW}"
        fetch = [npm, "ci", "--no-audit", "--no-fund"]
        done = subprocess.run(fetch, cwd=HERE, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"the browser stories were NOT played, npm could not fetch the packages; {HOW}\n{done.stderr[-500:]}"
    return None


class Browser:
    """Use as a context manager. A story takes no longer than the runner allows it, so reading its answer ends."""

    def __enter__(self) -> "Browser":
        found = chromium()
        assert found is not None, "asked before"
        self._process = subprocess.Popen(
            ["node", "runner.mjs"],
            cwd=HERE,
            env={**os.environ, "CHROMIUM": found},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None, "a pipe"
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def told(self) -> list[str]:
        """The sentences the runner itself knows."""
        found: list[str] = self._ask({"list": True})["sentences"]
        return found

    def play(self, sentence: str, facts: dict[str, Any]) -> dict[str, Any]:
        """Play one story; returns what it noted. Raises AssertionError with the story's own words."""
        answer = self._ask({"story": sentence, "facts": facts})
        assert answer["passed"], answer["error"]
        notes: dict[str, Any] = answer["notes"]
        return notes

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None, "a pipe"
        assert self._process.stdout is not None, "a pipe"
        self._process.stdin.write(json.dumps(request, ensure_ascii=False) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the runner died; what it said stands above"
        answer: dict[str, Any] = json.loads(line)
        return answer

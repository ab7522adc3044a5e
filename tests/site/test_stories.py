"""The site in a real browser: `stories/*.mjs` tell what visitors do, each in a browser context of its own."""

from typing import Any

import pytest

from infra.local.cloud import LocalCloud
from tests.site.browser import Browser, sentences
from tests.site.facts import forget_attempts

pytestmark = pytest.mark.cloud


@pytest.mark.parametrize("story", sentences())
def test_the_site(story: str, browser: Browser, facts: dict[str, Any], cloud: LocalCloud) -> None:
    forget_attempts(cloud)
    browser.play(story, facts)


def test_every_story_the_runner_knows_is_played_here(browser: Browser) -> None:
    assert sorted(browser.told()) == sorted(sentences())
    assert len(sentences()) == len(set(sentences()))

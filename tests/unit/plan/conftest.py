"""Books of plans the stories share."""

from pathlib import Path

import pytest

from yikatong.plan import PlanBook
from yikatong.plan.book import PLANS_FOLDER

PLAN_2024 = Path(__file__).parent / "fixtures" / "plan-2024.csv"


@pytest.fixture(scope="session")
def book() -> PlanBook:
    return PlanBook.committed()


@pytest.fixture(scope="session")
def two_years() -> PlanBook:
    return PlanBook.load([PLAN_2024, PLANS_FOLDER / "heilongjiang-2023.csv"])


@pytest.fixture(scope="session")
def only_2024() -> PlanBook:
    return PlanBook.load([PLAN_2024])

"""Whether plans and settings speak of permanent codes only: a stack in which one does not is not deployed."""

from yikatong.errors import Refusal
from yikatong.plan.book import PlanBook
from yikatong.plan.settings import Settings


def unregistered(book: PlanBook) -> list[str]:
    """The rows of the book's plans that its register does not hold as they are, each named in Chinese."""
    return [
        str(subsidy)
        for plan in book.plans
        for subsidy in plan.subsidies
        if (entry := book.register.entry(plan.year, subsidy.number)) is None
        or (entry.name, entry.code) != (subsidy.name, subsidy.code)
    ]


def require_registered(book: PlanBook, settings: Settings) -> None:
    """Refuse a book with an unregistered subsidy, or settings of one, naming each: such a stack does not deploy (DESIGN §1).

    A mistyped code in the settings would silently mean the defaults: no limit, no household, nothing sensitive.
    """
    if names := unregistered(book):
        raise Refusal(f"下列项目还没有永久代码，请先运行 yikatong plan register：{'；'.join(names)}", "unregistered")
    if codes := settings.unknown_codes(book.register.codes):
        raise Refusal(f"设置里的项目代码不在登记簿里：{'、'.join(codes)}", "unregistered")

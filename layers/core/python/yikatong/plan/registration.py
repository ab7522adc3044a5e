"""Whether every subsidy of the loaded plans has its permanent code: a stack with one that has not does not deploy."""

from yikatong.errors import Refusal
from yikatong.plan.book import PlanBook


def unregistered(book: PlanBook) -> list[str]:
    """The rows of the book's plans that its register does not hold as they are, each named in Chinese."""
    return [
        str(subsidy)
        for plan in book.plans
        for subsidy in plan.subsidies
        if (entry := book.register.entry(plan.year, subsidy.number)) is None
        or (entry.name, entry.code) != (subsidy.name, subsidy.code)
    ]


def require_registered(book: PlanBook) -> None:
    """Refuse a book with an unregistered subsidy, naming each: such a stack does not deploy (DESIGN §1)."""
    if names := unregistered(book):
        raise Refusal(f"下列项目还没有永久代码，请先运行 yikatong plan register：{'；'.join(names)}", "unregistered")

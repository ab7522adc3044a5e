"""The options that several commands share, and the words for the two modes."""

from typing import Annotated

import typer

from yikatong.plan import PlanBook

MODES = {"formal": "正式", "trial": "模拟"}


def latest_plan_year() -> int:
    return PlanBook.committed().years[-1]


PlanYear = Annotated[
    int,
    typer.Option(
        "--plan-year",
        metavar="年度",
        help="计划年度，不给则为最新的计划。",
        default_factory=latest_plan_year,
        show_default=False,
    ),
]
Number = Annotated[int, typer.Option("--number", "--subsidy", metavar="序号", help="补贴项目在该年度计划中的序号。")]
AnyNumber = Annotated[
    int | None, typer.Option("--number", "--subsidy", metavar="序号", help="只要这一项；不给则是全部项目。")
]
Region = Annotated[str, typer.Option("--region", metavar="地区", help="六位地区代码。")]
ModeText = Annotated[str, typer.Option("--mode", metavar="formal|trial", help="正式发放或模拟测试。")]
BatchId = Annotated[str, typer.Argument(metavar="批次")]
RunId = Annotated[str, typer.Argument(metavar="发放")]
Reason = Annotated[str, typer.Option("--reason", metavar="原因", help="写明原因，会留存。")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="--out 的文件已经有了，也盖掉。")]
Yes = Annotated[bool, typer.Option("--yes", help="不再询问。")]

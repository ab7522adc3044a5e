"""`yikatong roster …`: check a roster on the clerk's own machine, with the cloud's very own validation; templates, samples."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from cli.files import content_of, existing, require_free, write, write_workbook
from cli.options import Number, Overwrite
from yikatong.departures import Departure
from yikatong.errors import Refusal
from yikatong.plan import Mode, PlanBook, Settings, Subsidy
from yikatong.regions import name_of, require_known

if TYPE_CHECKING:
    import polars as pl

    from yikatong.roster.validation import Validation

# polars takes a tenth of a second to import; commands that need no roster should not wait for it.
app = typer.Typer(no_args_is_help=True, help="名册：上传前检查、生成模板和样例。")

ALL_PAYABLE, SOME_NOT_PAYABLE, REFUSED, CANNOT_CHECK = 0, 1, 2, 3
_SAMPLE_FAULTS_SHARE = 0.2


class _Check(TyperCommand):
    """A command that cannot be understood has checked nothing: it must not end as a refused roster does."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        with _nothing_checked():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: Any) -> Any:
        with _nothing_checked():
            return super().invoke(ctx)


@contextmanager
def _nothing_checked() -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        typer.echo(f"错误：{refusal.message}", err=True)
        raise typer.Exit(CANNOT_CHECK) from None
    except typer.Exit:
        raise
    except Exception as error:
        # What is wrong with a command line carries the code it will end with, which is also that of a refused roster.
        if getattr(error, "exit_code", None) == REFUSED:
            vars(error)["exit_code"] = CANNOT_CHECK
        raise


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"
    XLSX = "xlsx"


class FileFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


Region = Annotated[str, typer.Option("--region", metavar="代码", help="财政局的行政区划代码，6位数字。")]
PlanFiles = Annotated[
    list[Path] | None, typer.Option("--plan", metavar="文件", help="计划 CSV，可重复给出；不给则用随版本发布的计划。")
]
PlanYear = Annotated[
    int | None, typer.Option("--plan-year", metavar="年", help="序号所在的计划年度；不给则按日期或属期。")
]


def _book(files: list[Path] | None) -> PlanBook:
    return PlanBook.load(files) if files else PlanBook.committed()


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise typer.BadParameter(f"“{text}”不是日期，应写作 2023-06-10") from None


@app.command("check", cls=_Check)
def check(
    file: Annotated[Path, typer.Argument(metavar="名册", help="名册文件，CSV、TSV、XLSX 或 XLS。")],
    number: Number,
    region: Region,
    as_of: Annotated[str, typer.Option("--as-of", metavar="日期", help="按哪一天检查，例如 2023-06-10。")],
    mode: Annotated[Mode, typer.Option("--mode", help="正式发放或模拟测试。")] = Mode.FORMAL,
    cards: Annotated[Path | None, typer.Option("--cards", metavar="文件", help="社会保障卡数据 CSV。")] = None,
    occasions: Annotated[
        list[str] | None, typer.Option("--occasion", metavar="名称", help="多次/年项目已登记的发放事项，可重复给出。")
    ] = None,
    sheet: Annotated[
        str,
        typer.Option(
            "--sheet", metavar="名称", help="工作簿中有几张工作表像名册时，读这一张；报送时同样给出 --sheet。"
        ),
    ] = "",
    deceased: Annotated[
        Path | None, typer.Option("--deceased", metavar="文件", help="去世名单：姓名、身份证号、日期。")
    ] = None,
    moved: Annotated[
        Path | None, typer.Option("--moved", metavar="文件", help="迁出名单：姓名、身份证号、日期。")
    ] = None,
    output: Annotated[Output, typer.Option("--format", help="输出格式。")] = Output.TABLE,
    out: Annotated[Path | None, typer.Option("--out", metavar="文件", help="写到文件（xlsx 必须给出）。")] = None,
    overwrite: Overwrite = False,
    plans: PlanFiles = None,
    plan_year: PlanYear = None,
) -> None:
    """检查名册：0 全部可发放，1 可接收但有剔除、暂缓或待复核的行，2 整份退回，3 无法检查。"""
    if output is Output.XLSX and out is None:
        raise typer.BadParameter("--format xlsx 须用 --out 给出文件")
    given = [path for path in (file, cards, deceased, moved) if path is not None]
    if out is not None and any(out.resolve() == path.resolve() for path in given):
        raise Refusal(f"--out 不能是 {out}：会盖掉要检查的文件，请换一个文件名。")
    if out is not None:
        require_free(out, overwrite=overwrite)
    require_known(region)
    day = _day(as_of)
    subsidy = _book(plans).subsidy(plan_year or day.year, number)
    lists = {Departure.DECEASED: deceased, Departure.MOVED: moved}
    validation = _validate(file, cards, subsidy, _book(plans), region, mode, day, occasions or [], sheet, lists)
    _show(validation, output, out, subject=f"{subsidy}，{region} {name_of(region)}", filename=file.name)
    if not validation.accepted:
        raise typer.Exit(REFUSED)
    raise typer.Exit(ALL_PAYABLE if validation.payable.rows == validation.rows else SOME_NOT_PAYABLE)


def _validate(
    file: Path,
    cards_file: Path | None,
    subsidy: Subsidy,
    book: PlanBook,
    region: str,
    mode: Mode,
    day: date,
    occasions: list[str],
    sheet: str,
    lists: dict[Departure, Path | None],
) -> "Validation":
    from yikatong.card_files import read_cards
    from yikatong.roster.context import RosterContext
    from yikatong.roster.validation import validate

    registry = None if cards_file is None else read_cards(content_of(cards_file), day).frame
    context = RosterContext(
        book=book,
        subsidy=subsidy,
        region=region,
        mode=mode,
        as_of=day,
        settings=Settings.committed().for_subsidy(subsidy.code),
        occasions=occasions,
        registry_for=None if registry is None else lambda _: registry,
        departed=_departed({kind: path for kind, path in lists.items() if path is not None}, day),
        sheet=sheet,
    )
    try:
        return validate(existing(file), file.name, context)
    except OSError:
        raise Refusal(f"无法读取 {file}", "cannot_read") from None


def _departed(lists: dict[Departure, Path], day: date) -> "pl.DataFrame | None":
    """Everybody on these lists, as the platform holds them; None where none was given."""
    import polars as pl

    from yikatong.roster.departed import DEPARTED, read_list

    frames = [
        read_list(content_of(path), day).frame.with_columns(pl.lit(kind.value).alias("kind")).select(*DEPARTED)
        for kind, path in lists.items()
    ]
    return pl.concat(frames) if frames else None


def _show(validation: "Validation", output: Output, out: Path | None, *, subject: str, filename: str) -> None:
    from yikatong.roster import report
    from yikatong.roster.advice import verdict
    from yikatong.roster.report_text import to_text

    if output is Output.XLSX:
        assert out is not None
        write_workbook(out, report.to_xlsx(validation, subject=subject, filename=filename))
    else:
        text = report.to_json_bytes(validation).decode() if output is Output.JSON else to_text(validation)
        if out is None:
            typer.echo(text)
            return
        write(out, text.encode())
    typer.echo(f"{verdict(validation)}。报告已写入 {out}")


@app.command("rules")
def rules(
    out: Annotated[Path | None, typer.Option("--out", metavar="文件", help="写到文件，不给则直接显示。")] = None,
    overwrite: Overwrite = False,
) -> None:
    """列出名册检查的全部规则：代码、级别、问题和办法（docs/名册检查规则.md 由此生成）。"""
    from yikatong.roster.rules_document import findings_document

    if out is None:
        typer.echo(findings_document(), nl=False)
    else:
        write(require_free(out, overwrite=overwrite), findings_document().encode())


@app.command("sample")
def sample(
    number: Number,
    region: Region,
    rows: Annotated[int, typer.Option("--rows", metavar="人数", help="人数。")],
    slots: Annotated[list[str], typer.Option("--slot", metavar="属期", help="属期；再给出的属期只有少数人补发。")],
    out: Annotated[Path, typer.Option("--out", metavar="目录", help="写到这个目录。")],
    seed: Annotated[int, typer.Option("--seed", help="同一个种子得到同样的文件。")] = 7,
    faults: Annotated[bool, typer.Option("--faults", help="放入已知的错误，并列在 faults.json。")] = False,
    file_format: Annotated[FileFormat, typer.Option("--format", help="名册的格式。")] = FileFormat.CSV,
    overwrite: Overwrite = False,
    plans: PlanFiles = None,
    plan_year: PlanYear = None,
) -> None:
    """生成样例名册和社会保障卡数据，人都是虚构的。"""
    from yikatong.roster.sample import make_sample

    year = plan_year or int(slots[0][:4] if slots[0][:4].isdecimal() else 0)
    subsidy = _book(plans).subsidy(year, number)
    made = make_sample(
        subsidy=subsidy,
        settings=Settings.committed().for_subsidy(subsidy.code),
        region=region,
        rows=rows,
        slots=slots,
        seed=seed,
        faults_share=_SAMPLE_FAULTS_SHARE if faults else 0.0,
        workbook=file_format is FileFormat.XLSX,
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise Refusal(f"无法建立目录 {out}", "cannot_write") from None
    roster = made.roster_xlsx() if file_format is FileFormat.XLSX else made.roster_csv()
    files = {f"roster.{file_format}": roster, "cards.csv": made.cards_csv()}
    if faults:
        files["faults.json"] = json.dumps(made.faults_json(), ensure_ascii=False, indent=1).encode()
    for each in files:
        require_free(out / each, overwrite=overwrite)
    for each, data in files.items():
        write(out / each, data)
    typer.echo(f"{out}：{len(made.rows)} 行，{len(made.people)} 张卡，{len(made.faults)} 处错误")


@app.command("template")
def template(
    number: Number,
    out: Annotated[Path, typer.Option("--out", metavar="文件", help="写到这个文件，XLSX。")],
    occasions: Annotated[
        list[str] | None, typer.Option("--occasion", metavar="名称", help="多次/年项目已登记的发放事项，可重复给出。")
    ] = None,
    plans: PlanFiles = None,
    plan_year: Annotated[
        int | None, typer.Option("--plan-year", metavar="年", help="序号所在的计划年度；不给则用最近的计划。")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """生成一个补贴项目的名册模板：表头、文本格式、下拉列表和填写说明。"""
    from yikatong.roster.template import template_xlsx

    book = _book(plans)
    subsidy = book.subsidy(plan_year or book.years[-1], number)
    settings = Settings.committed().for_subsidy(subsidy.code)
    write_workbook(
        require_free(out, overwrite=overwrite), template_xlsx(book, subsidy, settings, occasions=occasions or [])
    )
    typer.echo(f"{out}：{subsidy}的名册模板")

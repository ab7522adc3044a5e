"""模板: one workbook per subsidy for the clerk to fill in, made from the plan and the settings, so that neither can drift.

Sheet 名册 has the header alone. Every cell of the id, account, telephone and slot columns is text before anything is
typed, down to the last row, so that the spreadsheet eats no digit; what is typed is checked on the spot, with the
reason in Chinese. Sheet 填写说明 says what this subsidy's columns mean and what becomes of a row; no row of it names two
columns, so that it is never taken for a roster.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from yikatong.money import in_yuan
from yikatong.plan import Frequency, Mode, Month, PlanBook, Subsidy, SubsidySettings, payable_slots
from yikatong.plan.slots import OCCASION_EXAMPLE
from yikatong.roster.columns import ID_COLUMNS, Column, required_columns_of
from yikatong.roster.findings import Level
from yikatong.text_workbook import TEXT_FORMAT, workbook_of

ROSTER_SHEET, NOTES_SHEET = "名册", "填写说明"
# Excel's own format number 2 is 0.00.
NUMBER_FORMATS: dict[Column, int | str] = {Column.STANDARD: "0.00##", Column.QUANTITY: "0.00##", Column.AMOUNT: 2}
_NUMBER = re.compile(r"[0-9]{1,10}(\.[0-9]{1,4})?")
# The last row of a worksheet, counted from 0: column formats and checks reach as far as anybody can type.
LAST_ROW = 1_048_575
# What Excel takes in a list written out, in a message and in its title.
MAX_LIST, MAX_MESSAGE, MAX_TITLE = 255, 255, 32
_WIDTHS = {Column.NAME: 12, Column.PAYEE_NAME: 14, Column.HEAD_NAME: 12, Column.AMOUNT: 16, Column.REMARK: 24}
_ID_WIDTH, _WIDTH = 24, 14

_MEANINGS = {
    Column.NAME: "享受补贴的人，与居民身份证一致；生僻字照实录入，少数民族姓名的间隔号写“·”",
    Column.ID: "享受人的18位居民身份证号码，末位 X 大写；本列是文本格式，请勿改为数字",
    Column.PAYEE_NAME: "发到别人卡上时填写（监护人、代领人），发给本人的不填；与收款人身份证号同填或同不填",
    Column.PAYEE_ID: "收款人的18位居民身份证号码；同一监护人可以代领几个人的",
    Column.HEAD_NAME: "户主的姓名，供核对",
    Column.HEAD_ID: "户主的18位居民身份证号码，同一户同一属期只发一次；本人就是户主、或一人一户的，填本人的",
    Column.BANK: "银行账号所在的银行，供核对",
    Column.ACCOUNT: "只在收款人没有可用的社会保障卡时使用；有卡的一律发到卡上",
    Column.TOWNSHIP: "供查阅",
    Column.VILLAGE: "供查阅",
    Column.GROUP: "供查阅",
    Column.SLOT: "这笔钱是哪一期的，从下拉列表选取",
    Column.STANDARD: "每单位（每亩）多少元，至多四位小数",
    Column.QUANTITY: "补贴的面积（亩）或数量，至多四位小数",
    Column.AMOUNT: "本行实际发放多少元，大于零，至多两位小数",
    Column.TELEPHONE: "供联系，不公开",
    Column.REMARK: "供查阅，不公开",
}
_FATES = {
    Level.REFUSE: "文件打不开、缺列、合计不符，或一成以上的行要剔除：谁也不发，改好后重新报送",
    Level.EXCLUDE: "这一行有错，不发；其他行照发",
    Level.HOLD: "这一行等社会保障卡；到发放那天卡正常了就发，否则以后卡好了自动补发，不必另报",
    Level.REVIEW: "由审批人逐行确认后才发",
    Level.REMARK: "照发，请留意",
}


def template_columns(settings: SubsidySettings) -> tuple[Column, ...]:
    """Those a roster of this subsidy must have, then those it may use. What would only be put aside is not asked for."""
    wanted = required_columns_of(settings)
    required = tuple(column for column in Column if column in wanted)
    useless = {Column.STANDARD, Column.QUANTITY}
    if not settings.household:
        useless |= {Column.HEAD_NAME, Column.HEAD_ID}
    if not settings.account_allowed:
        useless |= {Column.BANK, Column.ACCOUNT}
    return required + tuple(column for column in Column if column not in {*required, *useless})


def slots_on_offer(book: PlanBook, subsidy: Subsidy, occasions: Collection[str] = ()) -> list[str]:
    """The slots some formal run of the plan year may pay without further ado; those under review, if there are no others."""
    window = subsidy.formal.window
    months = [Month.of(window.first)]
    while months[-1] < Month.of(window.last):
        months.append(months[-1].shifted(1))
    days = [max(month.first_day, window.first) for month in months]
    offered = {slot for day in days for slot in payable_slots(book, subsidy, day, Mode.FORMAL, occasions)}
    ordinary = {one.slot for one in offered if not one.review} or {one.slot for one in offered}
    return [str(slot) for slot in sorted(ordinary)]


def template_xlsx(
    book: PlanBook,
    subsidy: Subsidy,
    settings: SubsidySettings,
    *,
    occasions: Collection[str] = (),
    rows: Sequence[Mapping[Column, str | float]] = (),
) -> bytes:
    """The template of one subsidy as a workbook, with `rows` (text in its one spelling) filled in.

    `occasions` are the names of the occasions of a 多次/年 subsidy, for the drop-down.
    """
    slots = slots_on_offer(book, subsidy, occasions)

    def write(workbook: Any) -> None:
        _roster(workbook, settings, slots, rows)
        _notes(workbook, subsidy, settings, slots)

    return workbook_of(write)


def _roster(
    workbook: Any, settings: SubsidySettings, slots: Sequence[str], rows: Sequence[Mapping[Column, str | float]]
) -> None:
    sheet = workbook.add_worksheet(ROSTER_SHEET)
    required = required_columns_of(settings)
    must = workbook.add_format({"bold": True, "bg_color": "#FFE699", "border": 1, "num_format": TEXT_FORMAT})
    may = workbook.add_format({"bg_color": "#EDEDED", "border": 1, "num_format": TEXT_FORMAT})
    columns = template_columns(settings)
    for place, column in enumerate(columns):
        cell_format = workbook.add_format({"num_format": NUMBER_FORMATS.get(column, TEXT_FORMAT)})
        width = _ID_WIDTH if column in (*ID_COLUMNS, Column.ACCOUNT) else _WIDTHS.get(column, _WIDTH)
        sheet.set_column(place, place, width, cell_format)
        marked = column in required
        sheet.write_string(0, place, f"*{column.label}" if marked else column.label, must if marked else may)
        check = _check(column, slots)
        if check is not None:
            sheet.data_validation(1, place, LAST_ROW, place, check)
        _fill(sheet, place, column, rows, cell_format)
    sheet.freeze_panes(1, 2)
    sheet.activate()


def _fill(
    sheet: Any, place: int, column: Column, rows: Sequence[Mapping[Column, str | float]], cell_format: Any
) -> None:
    for index, row in enumerate(rows, start=1):
        cell = str(row.get(column, ""))
        if column in NUMBER_FORMATS and _NUMBER.fullmatch(cell):
            sheet.write_number(index, place, Decimal(cell), cell_format)
        elif cell:
            sheet.write_string(index, place, cell, cell_format)


def _check(column: Column, slots: Sequence[str]) -> dict[str, Any] | None:
    """What the spreadsheet asks of a typed cell of this column; pasted cells it does not look at."""
    meaning = {"input_title": column.label[:MAX_TITLE], "input_message": _MEANINGS[column][:MAX_MESSAGE]}
    if column in ID_COLUMNS:
        rule: dict[str, Any] = {"validate": "length", "criteria": "==", "value": 18}
        return (
            rule
            | meaning
            | _error("身份证号码不对", "身份证号码应是18位，前17位是数字，末位是数字或 X。请对照证件录入。")
        )
    if column is Column.ACCOUNT:
        rule = {"validate": "length", "criteria": "between", "minimum": 10, "maximum": 30}
        return rule | meaning | _error("账号不对", "银行账号应是10至30位数字。请对照银行卡录入。")
    if column in NUMBER_FORMATS:
        rule = {"validate": "decimal", "criteria": ">", "value": 0}
        return rule | meaning | _error("不是数", f"{column.label}应是大于零的数，只写数字，例如 520.00。")
    if column is Column.SLOT and slots and len(",".join(slots)) <= MAX_LIST:
        rule = {"validate": "list", "source": list(slots)}
        # A warning only: a slot under review may still be typed, and the approver is asked about it.
        return rule | meaning | _error("请核对属期", "属期不在下拉列表中，须由审批人确认或不能发放。", "warning")
    return None


def _error(title: str, message: str, kind: str = "stop") -> dict[str, str]:
    return {"error_title": title, "error_message": message, "error_type": kind}


def _notes(workbook: Any, subsidy: Subsidy, settings: SubsidySettings, slots: Sequence[str]) -> None:
    sheet = workbook.add_worksheet(NOTES_SHEET)
    bold = workbook.add_format({"bold": True, "valign": "top"})
    wrap = workbook.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 20, bold)
    sheet.set_column(1, 1, 100, wrap)
    for index, (name, text) in enumerate(notes(subsidy, settings, slots)):
        sheet.write_string(index, 0, name, bold)
        sheet.write_string(index, 1, text, wrap)


def notes(subsidy: Subsidy, settings: SubsidySettings, slots: Sequence[str]) -> list[tuple[str, str]]:
    """What the clerk must know of this subsidy: pairs of a name and a text, blank pairs between the parts."""
    required = required_columns_of(settings)
    command = f"yikatong roster check 名册.xlsx --subsidy {subsidy.number} --region 区划代码 --as-of 日期"
    columns = [
        (column.label, f"{'必填' if column in required else '选填'}。{_MEANINGS[column]}。")
        for column in template_columns(settings)
    ]
    fates = [(level.chinese, f"{text}。") for level, text in _FATES.items()]
    return [
        *_plan_notes(subsidy, slots),
        *_policy_notes(settings),
        ("", ""),
        ("各列怎么填", "带 * 号、底色为黄的列必填；列的顺序可以改，列名请不要改。每人（户）每个属期一行。"),
        *columns,
        ("", ""),
        (
            "填写时请注意",
            "身份证号、账号、属期各列已设为文本格式；从别处粘贴时请选“只粘贴数值”，粘贴会绕过单元格的检查。",
        ),
        ("合计行", "可以在最后加一行“合计”，平台核对金额后不把它当作一行数据；中间请不要有小计。"),
        ("报送之前", f"先在自己电脑上检查：{command}"),
        ("", ""),
        ("检查以后", "每一行、每一份只有以下几种结论："),
        *fates,
    ]


def _plan_notes(subsidy: Subsidy, slots: Sequence[str]) -> list[tuple[str, str]]:
    trial, formal, rule = subsidy.trial.window, subsidy.formal, subsidy.cross_period
    if subsidy.frequency is Frequency.PER_OCCASION:
        offered = f"每次发放先由主管部门登记事项，属期写作 {OCCASION_EXAMPLE}"
        offered += f"；已登记：{'、'.join(slots)}。" if slots else "。"
    else:
        offered = f"{'、'.join(slots)}。其他属期要由审批人确认，或不能发放。"
    return [
        ("补贴项目", f"{subsidy}"),
        ("牵头组织实施单位", "、".join(subsidy.lead_departments)),
        ("发放频次", f"{subsidy.frequency}"),
        ("计划的发放属期", f"{subsidy.entitlement.first} 至 {subsidy.entitlement.last}"),
        ("可以填写的属期", offered),
        ("跨属期发放规则", f"以发放那天为准，{rule}。" if rule else "无：只发计划年度的属期。"),
        ("模拟测试", f"{trial}，通过后才能正式发放。" if trial else "不需要。"),
        ("正式发放时间", f"{formal.window}{'，审批后下达发放' if formal.on_demand else ''}。"),
    ]


def _policy_notes(settings: SubsidySettings) -> list[tuple[str, str]]:
    found = []
    if settings.household:
        found.append(("按户发放", "同一户主同一属期只发一次。每行都要填户主身份证号；一人一户的填本人的。"))
    if settings.amount_is_quantity_times_standard:
        found.append(("金额怎么算", "面积（数量）× 标准 = 发放金额，四舍五入到分或舍去分以下都可以；不相等的行不发。"))
    if settings.amount_limit_fen is not None:
        found.append(("单笔上限", f"{in_yuan(settings.amount_limit_fen)} 元；超过的行由审批人逐行确认。"))
    if settings.second_approval_fen is not None:
        found.append(
            ("大额批次", f"一份名册合计达到 {in_yuan(settings.second_approval_fen)} 元的，要两位审批人先后审批。")
        )
    if settings.exclusive or settings.exclusive_with:
        found.append(("互斥", "本项与另一项补贴不能同时享受，同一人（户）同一时期只发其中一项。"))
    channel = "有社会保障卡的发到卡上；没有可用的卡、名册填了银行账号的，发到账号。"
    found.append(("发到哪里", channel if settings.account_allowed else "只发到社会保障卡；没有可用的卡的先暂缓。"))
    return found

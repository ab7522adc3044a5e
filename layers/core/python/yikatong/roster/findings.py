"""The closed list of what can be said of a roster: code, level, what is wrong, how to cure it, in Chinese.

Five levels (DESIGN §4): `refuse` the file, `exclude` the row, `hold` it for its card, `review` by the approver by
name, `remark`. A code not in this list cannot be found; `docs/` is written from it. Texts in braces are filled in by
the check and never hold an id number, an account or a full name: what was found is shown masked.
"""

from dataclasses import dataclass
from enum import StrEnum

from yikatong.roster.columns import Column


class Level(StrEnum):
    """What a finding means for the payment, the gravest first."""

    REFUSE = "refuse"
    EXCLUDE = "exclude"
    HOLD = "hold"
    REVIEW = "review"
    REMARK = "remark"

    @property
    def chinese(self) -> str:
        return {"refuse": "整份退回", "exclude": "剔除", "hold": "暂缓", "review": "待复核", "remark": "提示"}[self]


@dataclass(frozen=True)
class Rule:
    """One thing that can be found."""

    code: str
    level: Level
    wrong: str
    cure: str

    def message(self, **details: object) -> str:
        """The text for the bureau, its braces filled from `details`."""
        return f"{self.wrong}。{self.cure}。".format(**details)


@dataclass(frozen=True)
class Finding:
    """A rule met in a file. `row` counts as the clerk's program shows it, from 1; None speaks of the file.

    `column` is the header as the bureau wrote it; `found_masked` may be logged.
    """

    code: str
    level: Level
    row: int | None
    column: str | None
    message: str
    found_masked: str = ""


def _rules(level: Level, *texts: tuple[str, str, str]) -> list[Rule]:
    return [Rule(code, level, wrong, cure) for code, wrong, cure in texts]


_REFUSE = _rules(
    Level.REFUSE,
    ("file_empty", "文件是空的", "请确认导出成功后重新上传"),
    ("file_too_large", "文件超过 {limit_mb} MB", "请按乡镇拆成几份，分别以不同的文件名上传"),
    ("file_format", "不认识这种文件：{detail}", "请另存为 XLSX 工作簿或 CSV 文件后重新上传"),
    ("file_damaged", "文件打不开或已损坏：{detail}", "请用电子表格软件打开检查，另存后重新上传"),
    ("file_unsafe", "文件结构不安全：{detail}", "请新建一个普通的 XLSX 工作簿，只粘贴数值后重新上传"),
    ("file_locked", "文件设了打开密码（已加密）", "请在电子表格软件中取消密码，另存后重新上传"),
    ("file_encoding", "第{line}行有无法识别的文字编码", "请另存为“CSV UTF-8”或 XLSX 后重新上传"),
    ("header_missing", "没有找到列名：前{looked}行都不像表头", "表头应有 {expected} 各列，列名写在同一行"),
    ("column_missing", "缺少“{expected}”列；本文件的列是：{found}", "请补上这一列（列名也可写作 {aliases}）"),
    ("column_doubled", "“{expected}”列出现了{count}次（第{places}列）", "请只保留一列"),
    (
        "sheets_ambiguous",
        "有{count}张工作表都像名册：{names}",
        "请把要发放的那一张改名为“名册”，或只保留这一张；检查和报送时也可用 --sheet 指定",
    ),
    ("sheet_missing", "没有名为{sheet}的工作表；能看到的工作表是：{found}", "请核对工作表的名称；隐藏的工作表请先取消隐藏"),
    ("sheet_without_header", "工作表{sheet}的前{looked}行都不像表头", "请核对选择的工作表；列名应写在同一行"),
    (
        "sheet_too_wide",
        "工作表用到了第{rows}行、第{columns}列，远超名册的范围",
        "请删除名册以外的内容（包括只有空格的格子），或把名册复制到新的工作表",
    ),
    ("row_ragged", "第{line}行的格数比表头多", "请检查这一行是否多了分隔符，文字里的逗号须加引号"),
    ("quote_unclosed", "第{line}行有一格跨了几行，像是引号没有成对", "请删去多余的引号，或去掉这一格里的换行"),
    ("rows_none", "表头下面没有一行数据", "请从表头的下一行起，每人一行填写后重新上传"),
    ("rows_too_many", "数据超过 {limit} 行", "请按乡镇拆成几份，分别以不同的文件名上传"),
    ("slots_too_many", "不同的属期超过{count}种", "一份名册不应有这么多属期，请检查“属期”列是否错位"),
    ("day_not_payable", "{detail}", "请核对计划中的发放时间和上传时选择的方式（模拟测试或正式发放）"),
    ("totals_wrong", "合计行写的是 {written} 元，各行相加是 {added} 元", "请核对是否漏行或改动过金额"),
    ("excluded_too_many", "{rows} 行数据中有 {excluded} 行要剔除，超过一成", "请按下列问题修改后重新上传整份名册"),
)  # fmt: skip
_EXCLUDE = _rules(
    Level.EXCLUDE,
    ("id_empty", "身份证号是空的", "请补上18位身份证号"),
    ("id_numeric", "身份证号单元格是数字格式，末几位可能已经丢失", "请把这一列设为文本格式，对照证件重新录入"),
    ("id_length", "身份证号不是18位", "请对照证件重新录入"),
    ("id_characters", "身份证号含有不应有的字符", "前17位只能是数字，末位是数字或 X"),
    ("id_date", "身份证号中的出生日期不存在或晚于发放日", "请对照证件重新录入"),
    ("id_check_digit", "身份证号末位校验不符，至少有一位录错", "请对照证件重新录入"),
    ("name_empty", "姓名是空的", "请补上姓名"),
    ("name_control", "姓名含有换行、制表或不可见字符", "请删除后重新录入姓名"),
    ("name_formula", "姓名以 = + - @ 开头，会被电子表格当作公式", "请改为真实姓名"),
    ("name_damaged", "姓名含有乱码或问号", "生僻字请用输入法的生僻字库录入，不要用问号代替"),
    ("name_too_long", "姓名超过 {limit} 个字", "请检查是否与其他列错位"),
    ("payee_incomplete", "收款人的姓名和身份证号只填了一项", "两项都填，或都不填（发给本人）"),
    ("account_numeric", "账号单元格是数字格式，末几位可能已经丢失", "请把这一列设为文本格式，对照银行卡重新录入"),
    ("amount_empty", "发放金额是空的", "请补上金额"),
    ("amount_unreadable", "发放金额不是数", "请只写数字，例如 520.00"),
    ("amount_decimals", "发放金额的小数多于两位", "请精确到分"),
    ("amount_not_positive", "发放金额不大于零", "请核对金额；不发放的人请不要列入"),
    ("amount_mismatch", "标准 {standard} × 数量 {quantity} = {product} 元，与发放金额 {amount} 元不符", "请核对标准、数量和金额"),
    ("standard_unreadable", "补贴标准不是数，或小数多于{decimals}位", "请只写数字，例如 71.45"),
    ("quantity_unreadable", "补贴数量（面积）不是数，或小数多于{decimals}位", "请只写数字，例如 12.35"),
    ("value_missing", "这一项是空的，本项补贴的名册必须填写", "请补上"),
    ("slot_empty", "属期是空的", "请填写属期，例如 {example}"),
    ("slot_unreadable", "属期看不懂或与发放频次（{frequency}）不符", "应写作 {example}"),
    ("slot_not_payable", "{detail}", "请核对属期；确需发放的请在可发放的时间上传"),
    (
        "already_claimed",
        "本人（户）这一属期的本项补贴已由其他批次发放或正在发放（{batch}）",
        "不再发放，请从名册中删去；拒付、退票要补发的，报送时须写明原批次（--reissue）；该批次如撤回，请列入新的名册",
    ),
    (
        "not_failed",
        "被补发的批次里没有本人（户）这一属期已最终失败的支付",
        "补发只能报拒付、退票的人，身份证号、属期照原名册；只由查询得知的拒付，过了银行的期限才能补发",
    ),
    ("more_than_failed", "金额大于失败的那笔支付（{limit} 元）", "补发至多按失败的金额，请改正"),
    (
        "reissued_already",
        "本人（户）这一属期失败的支付已由另一份补发名册发放或正在发放",
        "不再发放，请从名册中删去；另一份如撤回，请重新报送",
    ),
    (
        "exclusive_claimed",
        "本人（户）已领取与本项互斥的补贴（{slot} 属期“{subsidy}”，批次 {batch}）",
        "不能同时领取，请核实后只保留一项",
    ),
    ("deceased_before_slot", "本人已列入去世名单（{on}），早于这一属期", "不发放；名单有误的请更正名单后重新上传名册"),
    ("repeated_identical", "与第{first}行完全相同，同一人（户）同一属期只发一次", "只剔除本行，无需处理"),
    ("person_and_household", "同一人同一属期既单独、又随户（或随两户）出现在第{rows}行", "都不发放，请核实后只留一行"),
    ("repeated_different", "同一人（户）同一属期出现在第{rows}行，内容不一致", "都不发放，请核实后只留一行"),
)  # fmt: skip
# Held rows are looked at again on payday, and afterwards become child batches under the same approval (PROTOCOL W2).
_HOLD = _rules(
    Level.HOLD,
    ("card_none", "收款人没有社会保障卡", "请通知本人办卡；办好后自动补发，不必另报"),
    ("card_inactive", "收款人的社会保障卡尚未激活，社保账户未启用", "请通知本人到服务银行激活；办好后自动补发，不必另报"),
    ("card_social_off", "收款人社会保障卡的社保账户未启用", "请通知本人到人社部门启用；办好后自动补发，不必另报"),
    ("card_lost", "收款人的社会保障卡已挂失", "请通知本人解挂或补卡；办好后自动补发，不必另报"),
    ("card_frozen", "收款人的社会保障卡已冻结", "请通知本人到服务银行解冻；办好后自动补发，不必另报"),
    ("card_cancelled", "收款人的社会保障卡已注销", "请通知本人重新办卡；办好后自动补发，不必另报"),
)  # fmt: skip
_REVIEW = _rules(
    Level.REVIEW,
    ("card_name_differs", "收款人姓名与社会保障卡登记的姓名不一致", "请核对姓名；确为同一人的由审批人逐人确认"),
    ("slot_unplanned", "{detail}", "由审批人确认后发放"),
    ("amount_split", "后一格正好是三位数，可能是千分位的逗号把金额拆成了两格", "请核对金额；金额里不要写逗号"),
    ("amount_over_limit", "发放金额超过本项目单笔上限 {limit} 元", "请核对金额；确实无误的由审批人逐人确认"),
    ("account_shared", "同一银行账号对应{count}个收款人", "请核对账号；代领的请填写收款人姓名和身份证号"),
    ("person_two_names", "同一身份证号在第{rows}行有不同的姓名", "请核对姓名和身份证号"),
    ("row_hidden", "这一行在工作簿中被隐藏或筛选掉了", "不发放的请删除整行后重新上传；要发放的由审批人逐行确认"),
    ("age_implausible", "按身份证号年龄超过 {limit} 岁", "请核实本人是否健在"),
    (
        "exclusive_review",
        "本人（户）已领取按规定不与本项同时享受的补贴（{slot} 属期“{subsidy}”，批次 {batch}）",
        "请核实；确可同时享受的由审批人逐人确认",
    ),
    ("deceased", "本人已列入去世名单（{on}）", "请核实；这一属期仍应发放的由审批人逐人确认"),
    (
        "deceased_name_differs",
        "本人的身份证号已列入去世名单（{on}），但名单上的姓名与名册不同，或没有姓名",
        "请核实去世的是不是本人；不是的由审批人逐人确认，并更正名单",
    ),
    ("payee_deceased", "收款人已列入去世名单（{on}）", "请核实，并改填现在的收款人；名单有误的由审批人逐人确认"),
    ("head_deceased", "户主已列入去世名单（{on}）", "请核实，并改填现在的户主；名单有误的由审批人逐人确认"),
    ("moved_away", "本人已列入迁出名单（{on}）", "请核实；这一属期仍应发放的由审批人逐人确认"),
)  # fmt: skip
_REMARK = _rules(
    Level.REMARK,
    ("id_normalised", "身份证号已去除空格、全角或小写 x", "已按规范写法处理，无需处理"),
    ("id_upgraded", "15位身份证号已升为18位", "请核对，并在今后的名册中填写18位号码"),
    ("name_normalised", "姓名中的空格或间隔号已统一", "已按规范写法处理，无需处理"),
    ("amount_normalised", "金额已去除千分位、空格或全角", "已按规范写法处理，无需处理"),
    ("slot_normalised", "属期已改为规范写法 {slot}", "请核对，今后请按此填写"),
    ("account_normalised", "银行账号已去除空格、短横或全角", "已按规范写法处理，无需处理"),
    ("account_unreadable", "银行账号不是10至30位数字，按没有填写处理", "请核对账号"),
    ("card_financial_inactive", "收款人社会保障卡的金融账户未激活，可以入账但不能支取", "请通知本人到服务银行激活"),
    ("account_used", "收款人没有可用的社会保障卡，将发到名册所列银行账号", "请通知本人办理社会保障卡"),
    ("column_ignored", "“{found}”列不是名册的列，没有读取", "如为必要的列，请改用模板中的列名"),
    ("totals_dropped", "末尾的合计行已核对，金额 {written} 元", "合计行不作为数据行，无需处理"),
    ("subtotal_dropped", "小计行，没有身份证号", "不作为数据行，无需处理；如是应发放的人，请补上姓名和身份证号"),
    ("header_repeated", "这一行又是表头", "不作为数据行，无需处理"),
    ("note_dropped", "合计行以下，没有身份证号和金额", "按签字或说明处理，没有读取；如是应发放的人，请移到合计行以上"),
    ("totals_unchecked", "合计行的金额看不懂，或有金额看不懂的行，无法核对", "请以本报告的合计为准"),
    ("rows_known", "与已有的名册内容完全相同：{other}", "已经发放或正在发放的人不会再发；如不是重复报送，请核对名册"),
    (
        "region_named",
        "文件名写的地区与报送的地区不同：文件名有“{named}”，报送的是{region}",
        "请核对地区；放错地区的请撤回后重新报送",
    ),
    ("sheet_not_read", "只读取了名为“名册”的工作表；{names}也像名册，没有读取", "那几张也要发放的，请各自另存为一个文件上传"),
    (
        "formula_unvalued",
        "有{count}个公式没有计算结果（第{rows}行），按空格子处理",
        "请用电子表格软件打开文件，保存后重新上传",
    ),
    ("cards_unknown", "尚无社会保障卡数据，未检查收款人的卡", "发放时会再次检查"),
)  # fmt: skip

RULES: dict[str, Rule] = {rule.code: rule for rule in [*_REFUSE, *_EXCLUDE, *_HOLD, *_REVIEW, *_REMARK]}
# The gravest first: the order of reasons on a row, and of findings on a page.
CODES: tuple[str, ...] = tuple(RULES)


WITHOUT_DETAILS = {
    "day_not_payable": "不在可发放的时间内",
    "excluded_too_many": "要剔除的行超过一成",
    "slot_not_payable": "属期不在可发放的范围内",
    "slot_unreadable": "属期看不懂或与发放频次不符",
    "repeated_identical": "与前面一行完全相同",
    "repeated_different": "同一人（户）同一属期有内容不一致的几行",
    "person_and_household": "同一人同一属期既单独、又随户出现",
    "name_too_long": "姓名过长",
    "slot_unplanned": "属期不在任何已发布计划的发放属期之内，须确认未在别处发放",
    "amount_mismatch": "标准与数量之积与发放金额不符",
    "standard_unreadable": "补贴标准不是数，或小数过多",
    "quantity_unreadable": "补贴数量（面积）不是数，或小数过多",
    "amount_over_limit": "发放金额超过本项目单笔上限",
    "account_shared": "同一银行账号对应几个收款人",
    "person_two_names": "同一身份证号有不同的姓名",
    "already_claimed": "本人（户）这一属期的本项补贴已由其他批次发放或正在发放",
    "more_than_failed": "金额大于失败的那笔支付",
    "rows_known": "与已有的名册内容完全相同",
    "region_named": "文件名写的地区与报送的地区不同",
    "exclusive_claimed": "本人（户）已领取与本项互斥的补贴",
    "exclusive_review": "本人（户）已领取按规定不与本项同时享受的补贴",
    "deceased_before_slot": "本人在这一属期之前已列入去世名单",
    "deceased": "本人已列入去世名单，请核实",
    "deceased_name_differs": "本人的身份证号已列入去世名单，但名单上的姓名不同，请核实",
    "payee_deceased": "收款人已列入去世名单，请核实",
    "head_deceased": "户主已列入去世名单，请核实",
    "moved_away": "本人已列入迁出名单，请核实",
    "age_implausible": "按身份证号年龄过高，请核实本人是否健在",
}
"""Texts that a check fills in, said without what it filled in: for where only the code is known."""


def in_words(code: str) -> str:
    """What is wrong, from the code alone."""
    return WITHOUT_DETAILS.get(code, RULES[code].wrong.split("{")[0] if code in RULES else code)


def asked_in_words(codes: str) -> str:
    """What an approver is asked about a row, by its comma-separated codes."""
    known = [code for code in codes.split(",") if code in RULES]
    asked = [code for code in known if RULES[code].level is Level.REVIEW] or known
    return "；".join(in_words(code) for code in asked) or codes


def file_finding(code: str, column: str | None = None, row: int | None = None, **details: object) -> Finding:
    """A finding about the file as a whole."""
    rule = RULES[code]
    return Finding(code, rule.level, row, column, rule.message(**details))


class Unreadable(Exception):
    """The file cannot be judged row by row; carries the findings that say why."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("; ".join(finding.code for finding in findings))
        self.findings = findings


def unreadable(code: str, **details: object) -> Unreadable:
    return Unreadable(Finding(code, RULES[code].level, None, None, RULES[code].message(**details)))


def column_label(column: Column, places: dict[Column, int], cells: tuple[str, ...]) -> str:
    """The column as the bureau sees it: its own header, or our name where it has none."""
    return cells[places[column]].strip() if column in places else column.label

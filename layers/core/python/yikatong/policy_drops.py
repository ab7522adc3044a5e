"""投放补贴政策: where a document and its metadata lie in the policy drop, what the metadata says, and who may drop them.

A document lies at `{region}/{code}/{file}`, a PDF or an HTML page, and its metadata beside it at `{region}/{code}/{file}.json`.
The metadata holds the SHA-256 of the document it speaks of, so two halves that were not dropped together are never taken
for a pair, whatever arrives when. Light: the bureau API grants uploads by it.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from yikatong.errors import Refusal
from yikatong.file_names import LONG_NUMBER, NAME
from yikatong.payments import sha256_hex
from yikatong.plan import PlanBook, Subsidy
from yikatong.principals import PROVINCE, Action, Principal, Role, authorize
from yikatong.regions import IN_WORDS, require_known

METADATA_SUFFIX = ".json"
MAX_DOCUMENT_BYTES = 20 * 2**20
MAX_METADATA_BYTES = 16 * 2**10
UPLOAD_KIND = "policy"
"""What a noted upload of either half is for (`uploads.Upload.mode`)."""
EARLIEST, LATEST = date(1990, 1, 1), date(2100, 12, 31)
_FILE = rf"{NAME}\.(?:pdf|html|htm)"
_KEY = re.compile(rf"(23[0-9]{{4}})/([a-z][a-z0-9-]{{0,23}})/({_FILE})(\.json)?")


@dataclass(frozen=True)
class Place:
    """Where a document is dropped; `file` is the document's, whichever half is meant."""

    region: str
    code: str
    file: str

    @property
    def document_key(self) -> str:
        return f"{self.region}/{self.code}/{self.file}"

    @property
    def metadata_key(self) -> str:
        return self.document_key + METADATA_SUFFIX


def place_of(object_key: str, book: PlanBook) -> Place:
    """The place that either half's key means. Refused: another layout, an unknown region, a code no plan has."""
    found = matched(_KEY, object_key)
    if found is None:
        raise Refusal(
            "政策文件应放在 地区代码/项目代码/文件名 之下，文件名以 .pdf 或 .html 结尾，只用汉字、字母、数字、括号和 _ . -，"
            "不含12位以上的数字；说明文件与它同名，另加 .json，例如 230000/urban-minimum-living/标准.pdf.json。",
            "misplaced",
        )
    require_known(found[1])
    if found[2] not in book.register.codes:
        raise Refusal(f"没有代码为“{found[2]}”的补贴项目。", "no_subsidy")
    return Place(found[1], found[2], found[3])


def matched(layout: re.Pattern[str], object_key: str) -> re.Match[str] | None:
    """A key of the drop by its layout, whose third group is the file; None too where its name should not be repeated."""
    found = layout.fullmatch(object_key)
    return None if found is None or ".." in object_key or LONG_NUMBER.search(found[3]) else found


def outcome_key(object_key: str) -> str:
    """Where the reports bucket tells what became of a document: under its key, of an odd one under its SHA-256.

    >>> outcome_key("230000/urban-minimum-living/标准.pdf")
    'policies/230000/urban-minimum-living/标准.pdf.json'
    """
    return told_under(_KEY, object_key)


def told_under(layout: re.Pattern[str], object_key: str) -> str:
    """Where the reports bucket tells of a dropped object: under its key, of an odd one under its SHA-256."""
    safe = matched(layout, object_key) is not None
    shown = object_key if safe else f"misplaced/{sha256_hex(object_key.encode(errors='replace'))}"
    return f"policies/{shown}.json"


def _fit_to_be_published(text: str) -> str:
    if not text.isprintable() or LONG_NUMBER.search(text):
        raise PydanticCustomError(IN_WORDS, "不能有换行、控制字符或12位以上的数字")
    return text


_FIT = AfterValidator(_fit_to_be_published)


class Metadata(BaseModel):
    """说明文件: what is published beside a document; JSON with these names and no other."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), _FIT]
    document_number: Annotated[str, StringConstraints(strip_whitespace=True, max_length=60), _FIT] = ""
    issuer: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), _FIT]
    document: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
    """Which document of the subsidy it is a version of; stays the same through all versions."""
    valid_from: Annotated[date, Field(ge=EARLIEST, le=LATEST)]
    valid_to: Annotated[date, Field(ge=EARLIEST, le=LATEST)] | None = None
    """The last day; None until further notice."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Of the document it speaks of."""

    @model_validator(mode="after")
    def _dates_in_order(self) -> "Metadata":
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise PydanticCustomError(IN_WORDS, "失效日期 valid_to 早于生效日期 valid_from")
        return self


_NAMES = {
    "title": "标题 title",
    "document_number": "文号 document_number",
    "issuer": "发文单位 issuer",
    "document": "文件标识 document",
    "valid_from": "生效日期 valid_from",
    "valid_to": "失效日期 valid_to",
    "sha256": "文件摘要 sha256",
}
_SHAPES = {
    "title": "应有1至200个字",
    "document_number": "至多60个字",
    "issuer": "应有1至100个字",
    "document": "应是1至40个小写字母、数字或连字符，如 standard",
    "valid_from": f"应写作 2023-01-01，在 {EARLIEST} 与 {LATEST} 之间",
    "valid_to": f"应写作 2023-12-31，在 {EARLIEST} 与 {LATEST} 之间；长期有效的不写",
    "sha256": "应是文件的 SHA-256，64位小写十六进制数",
}


def read_metadata(data: bytes) -> Metadata:
    """Raises Refusal with every fault at once; what was written there is not repeated."""
    try:
        return Metadata.model_validate_json(data)
    except ValidationError as error:
        faults = list(dict.fromkeys(_fault(each) for each in error.errors()))
        raise Refusal(f"说明文件不正确：{'；'.join(faults[:10])}。", "bad_metadata") from None


def _fault(error: Any) -> str:
    name = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == IN_WORDS:
        return f"{_NAMES.get(name, '')}{error['msg']}"
    if error["type"] == "json_invalid" or (not name and error["type"] != IN_WORDS):
        return "不是 UTF-8 编码的 JSON 对象"
    if error["type"] == "extra_forbidden" or name not in _NAMES:
        return f"有不认识的项，只能有 {'、'.join(_NAMES)}"
    return f"缺少{_NAMES[name]}" if error["type"] == "missing" else f"{_NAMES[name]}{_SHAPES[name]}"


def require_spokesman(principal: Principal, action: Action, region: str, subsidy: Subsidy | None = None) -> None:
    """A region speaks for itself, and the province through the departments that lead: raises Refusal `forbidden`.

    Whoever is over a region may look after its payouts, but what it publishes is its own word.
    """
    authorize(principal, action, region, subsidy)
    if principal.region != region:
        raise Refusal(f"您的地区是 {principal.region}，{region} 的政策由该地区自己发布。", "forbidden")
    if region == PROVINCE and principal.role is not Role.DEPARTMENT:
        raise Refusal("省级的政策和清单由牵头的主管部门发布。", "forbidden")


@dataclass(frozen=True)
class Half:
    """One of the two objects as it stands now. `data` is None where it is larger than may be read; `tag` changes with it."""

    tag: str
    size: int
    sent_at: datetime
    upload_id: str
    data: bytes | None


class Drop(Protocol):
    """The policy drop as it stands."""

    def half(self, key: str, most_bytes: int) -> Half | None:
        """None where nothing lies under the key."""
        ...

"""The files the benchmarks read: rosters as bureaus send them, their card registry, and what is wrong with them.

Made with polars, a million rows in seconds (`yikatong.roster.sample` takes half a minute), the same for a seed and the
polars of the lock file. Ids check, names and banks are those of `yikatong.roster.people`; one row in a hundred has a fault,
all kinds in equal numbers, and `planted.json` says how many of each, so that whoever is measured can be asked what it found.
"""

import io
import json
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from yikatong import cards
from yikatong.card_files import CardFile
from yikatong.ports import Once
from yikatong.registry import RegistryIndex, write_index, write_partition
from yikatong.roster.people import invent_people, region_codes

REGION = "230102"
SLOT = "2023-06"
ARREAR = "2023-05"
AS_OF = date(2023, 6, 10)
LIMIT_YUAN = 100_000
FAULTS_SHARE = 0.01
SEED = 7
REGISTRY_VERSION = "registry-version"
"""The file that names the version in the folder."""
# Every seventh household is paid to a head who is not the beneficiary; only such rows are spoiled, so that a wrong name or
# id of the beneficiary says nothing about the payee.
_HEADED_EVERY, _HEADED = 7, 3
_NAMES = 20_000
_ELDEST_BIRTH, _YOUNGEST_BIRTH = date(1928, 1, 1), date(2005, 1, 1)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"

# The seven columns of FACTS, and a real peer roster's (FACTS, "The field").
LAYOUTS: dict[str, dict[str, str]] = {
    "7 columns": {
        "姓名": "name", "身份证号": "id", "开户银行": "bank", "银行账号": "account", "村(居)委会": "village", "属期": "slot",
        "补贴金额": "amount",
    },
    "16 columns": {
        "序号": "number", "户主姓名": "head_name", "户主身份证号": "head_id", "享受人姓名": "name", "享受人身份证号": "id",
        "收款人姓名": "head_name", "收款人身份证号": "head_id", "开户银行": "bank", "银行账号": "account",
        "村(居)委会": "village", "小组": "group", "联系电话": "telephone", "属期": "slot", "补贴标准": "standard",
        "补贴金额": "amount", "备注": "remark",
    },
}  # fmt: skip

_ID, _NAME, _AMOUNT, _SLOT = (pl.col(name) for name in ("id", "name", "amount", "slot"))


def _text(text: str) -> pl.Expr:
    return pl.lit(text, dtype=pl.String)


def _wide(text: pl.Expr) -> pl.Expr:
    """Digits as a Chinese keyboard writes them in its full-width mode."""
    return text.str.replace_many(list("0123456789"), list("０１２３４５６７８９"))


# Every cell fault: the column it stands in, and what it makes of the cell.
FIELD_FAULTS: dict[str, tuple[str, pl.Expr]] = {
    "id_empty": ("id", _text("")),
    "id_length": ("id", _ID.str.head(17)),
    "id_characters": ("id", _ID.str.head(4) + "O" + _ID.str.slice(5)),
    "id_date": ("id", _ID.str.head(10) + "13" + _ID.str.slice(12)),
    "id_check_digit": ("id", _ID.str.head(17) + pl.when(_ID.str.ends_with("1")).then(_text("2")).otherwise(_text("1"))),
    "name_empty": ("name", _text("")),
    "name_formula": ("name", "=" + _NAME),
    "name_damaged": ("name", _NAME.str.head(1) + "?"),
    "name_too_long": ("name", pl.concat_str([_NAME] * 26)),
    "amount_empty": ("amount", _text("")),
    "amount_unreadable": ("amount", _text("五百元整")),
    "amount_decimals": ("amount", _text("520.125")),
    "amount_not_positive": ("amount", _text("0.00")),
    "amount_over_limit": ("amount", _text(f"{LIMIT_YUAN + 1}.00")),
    "slot_empty": ("slot", _text("")),
    "slot_unreadable": ("slot", _text("六月份")),
    "slot_not_payable": ("slot", _text("2014-01")),
}
# Cells that say what is meant in another spelling: tidied and remarked by us, a fault to whoever compares with a pattern.
SPELLINGS: dict[str, tuple[str, pl.Expr]] = {
    "id_normalised": ("id", " " + _wide(_ID)),
    "id_upgraded": ("id", _ID.str.head(6) + _ID.str.slice(8, 9)),
    "name_normalised": ("name", _NAME.str.head(1) + "　" + _NAME.str.slice(1)),
    "amount_normalised": ("amount", _text("1,234.50")),
    "slot_normalised": ("slot", _text("2023年6月")),
}
# Rows that contradict each other, with how many findings each makes.
REPETITIONS = {"repeated_identical": 1, "repeated_different": 2, "account_shared": 2}
CARD_FAULTS = ("account_used", "card_financial_inactive", "card_name_differs")
_KINDS = (*FIELD_FAULTS, *SPELLINGS, *REPETITIONS, *CARD_FAULTS)


@dataclass(frozen=True)
class Planted:
    """How many findings of each code a validation must report; `cells` are the rows a look at single cells can know."""

    rows: int
    cells: int
    fields: dict[str, int] = field(default_factory=dict)
    repetitions: dict[str, int] = field(default_factory=dict)
    cards: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Planted":
        return cls(**json.loads((folder / "planted.json").read_text()))


@dataclass(frozen=True)
class Made:
    """A roster as text columns by our names, and everybody's card as a registry."""

    roster: pl.DataFrame
    registry: pl.DataFrame
    planted: Planted


def make(rows: int, layout: str) -> Made:
    """A roster of so many rows and a registry of as many cards; of more where the layout names heads as well."""
    each = int(rows * FAULTS_SHARE) // len(_KINDS)
    copied = each * len(REPETITIONS)
    own = rows - copied
    headed = len(range(_HEADED, own, _HEADED_EVERY))
    people = _people(own + headed + each)
    roster = _roster(people, own, headed)
    roster = roster.join(_faults(roster, each), on="place", how="left", maintain_order="left")
    spoiled = roster.with_columns(_spoilt_cells())
    strangers = people.tail(each)
    whole = pl.concat([spoiled, *_copies(spoiled, strangers)]).with_columns(
        pl.int_range(1, pl.len() + 1).cast(pl.String).alias("number")
    )
    assert whole.height == rows
    planted = Planted(
        rows=rows,
        cells=each * (len(FIELD_FAULTS) + len(SPELLINGS)),
        fields=dict.fromkeys([*FIELD_FAULTS, *SPELLINGS], each),
        repetitions={code: each * findings for code, findings in REPETITIONS.items()},
        cards=dict.fromkeys(CARD_FAULTS, each),
    )
    if "head_id" not in LAYOUTS[layout].values():
        people = pl.concat([people.head(own), strangers])
    return Made(whole, _registry(people, spoiled), planted)


def as_csv(roster: pl.DataFrame, layout: str) -> bytes:
    """UTF-8 with BOM and CRLF, as office programs write it; cells are quoted where they must be."""
    # Polars writes an empty text as two quotes, office programs as nothing.
    cells = laid_out(roster, layout).with_columns(pl.when(pl.all() != "").then(pl.all()))
    return cells.write_csv(include_bom=True, line_terminator="\r\n").encode()


def laid_out(roster: pl.DataFrame, layout: str) -> pl.DataFrame:
    """The columns of a layout under their titles."""
    return roster.select(pl.col(name).alias(title) for title, name in LAYOUTS[layout].items())


def as_workbook(roster: pl.DataFrame, *, amounts_as_numbers: bool) -> bytes:
    """The seven columns as a workbook; amounts that are numbers either as such, as clerks type them, or as text."""
    import xlsxwriter

    frame = laid_out(roster, "7 columns")
    place = frame.get_column_index("补贴金额")
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet("名册")
        sheet.write_row(0, 0, frame.columns)
        for row, cells in enumerate(frame.iter_rows(), start=1):
            for column, cell in enumerate(cells):
                if not cell:
                    continue
                if amounts_as_numbers and column == place and (number := _number(cell)) is not None:
                    sheet.write_number(row, column, number)
                else:
                    sheet.write_string(row, column, cell)
    return buffer.getvalue()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def registry_csv(registry: pl.DataFrame) -> bytes:
    """The registry as the snapshot it arrives as (titles and words of cards.TITLES)."""
    words = {str(state): text for text, state in reversed(cards.CHINESE_STATES.items())}
    flags = {"social_account": ("启用", "未启用"), "financial_account": ("已激活", "未激活")}
    shown = registry.with_columns(
        pl.col("card_state").replace_strict(words, return_dtype=pl.String),
        *(pl.when(name).then(_text(yes)).otherwise(_text(no)).alias(name) for name, (yes, no) in flags.items()),
    )
    titled = shown.select(pl.col(name).alias(title) for name, title in cards.TITLES.items())
    return titled.write_csv(include_bom=True, line_terminator="\r\n").encode()


class FolderLake:
    """A registry's objects as files; whoever writes and reads one needs no more of a lake."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> bytes | None:
        path = self._folder / key
        return path.read_bytes() if path.exists() else None

    def put_once(self, key: str, data: bytes, _digest: str) -> Once:
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return Once(created=True, data=data)

    def keys(self, prefix: str) -> list[str]:
        return sorted(str(path.relative_to(self._folder)) for path in self._folder.glob(f"{prefix}**/*"))


def write(folder: Path, made: Made, rosters: dict[str, bytes]) -> None:
    """The rosters by file name, the registry as the lake holds it, and planted.json."""
    for name, data in rosters.items():
        (folder / name).write_bytes(data)
    lake, sent = FolderLake(folder), CardFile((made.registry,), pl.DataFrame())
    for_snapshot = pl.lit(None, dtype=pl.Int64).alias("told")
    partitions = {
        name: write_partition(lake, name, sent.part(name).with_columns(for_snapshot)) for name in sent.partitions
    }
    index = RegistryIndex(snapshot_mark=0, snapshot_sha256="", changes={}, partitions=partitions)
    (folder / REGISTRY_VERSION).write_text(write_index(lake, index))
    (folder / "planted.json").write_text(json.dumps(asdict(made.planted)))


def _draws(count: int, purpose: int, below: int) -> pl.Series:
    """As many numbers from 0 on as wanted, evenly spread; each purpose has its own."""
    return pl.int_range(count, dtype=pl.UInt64, eager=True).hash(SEED + purpose) % below


def _chosen(count: int, purpose: int, values: list[str]) -> pl.Series:
    return pl.Series(values, dtype=pl.String).gather(_draws(count, purpose, len(values)))


def _people(count: int) -> pl.DataFrame:
    """Different people with ids that check, nine in ten of them born in REGION, and a card account each."""
    drawn = count + count // 5 + 1_000
    strangers = list(region_codes())
    home = pl.select(
        pl.when(pl.lit(_draws(drawn, 1, 10)) == 0)
        .then(pl.lit(_chosen(drawn, 2, strangers)))
        .otherwise(_text(REGION))
        .cast(pl.Int64)
    ).to_series()
    days = _draws(drawn, 3, (_YOUNGEST_BIRTH - _ELDEST_BIRTH).days).cast(pl.Int64)
    born = pl.select(pl.lit(_ELDEST_BIRTH) + pl.duration(days=pl.lit(days))).to_series().dt
    birth = born.year().cast(pl.Int64) * 10_000 + born.month().cast(pl.Int64) * 100 + born.day()
    order = _draws(drawn, 4, 999).cast(pl.Int64) + 1
    first_17 = (home * 10**11 + birth * 1_000 + order).unique(maintain_order=True).head(count)
    assert len(first_17) == count, "the draws left too few different people"
    weighted = sum((first_17 // 10 ** (16 - place) % 10 * weight for place, weight in enumerate(_WEIGHTS)), start=0)
    known = invent_people(_NAMES, region=REGION, seed=SEED, on=AS_OF)
    return pl.DataFrame(
        {
            "id": first_17.cast(pl.String) + pl.Series(list(_CHECK_DIGITS)).gather(weighted % 11),
            "name": _chosen(count, 5, [person.name for person in known]),
            "account": _accounts(count),
            "bank": _chosen(count, 6, [person.service_bank for person in known]),
        }
    )


def _accounts(count: int) -> pl.Series:
    """Card numbers of 19 digits, all different, the last by Luhn."""
    # A factor without common divisors with 10**12 permutes the numbers below it.
    stem = 623_10 * 10**13 + pl.int_range(count, dtype=pl.Int64, eager=True) * 799_999_987 % 10**12
    digits = [stem // 10**place % 10 for place in range(18)]
    doubled = [(digit * 2) // 10 + (digit * 2) % 10 if place % 2 == 0 else digit for place, digit in enumerate(digits)]
    last: pl.Series = (10 - sum(doubled, start=0) % 10) % 10
    return stem.cast(pl.String) + last.cast(pl.String)


def _roster(people: pl.DataFrame, own: int, headed: int) -> pl.DataFrame:
    """Sound rows: the first `own` people as beneficiaries, the `headed` next as heads of some of them."""
    place = pl.int_range(own, dtype=pl.UInt32, eager=True)
    head = place.scatter(range(_HEADED, own, _HEADED_EVERY), range(own, own + headed))
    heads = people[head]
    yuan = (_draws(own, 11, 720) + 180).cast(pl.String)
    amount = yuan + _chosen(own, 12, [".00", ".50"])
    return people.head(own).select("name", "id", "bank", "account").with_columns(
        place=place,
        number=_text(""),
        head_id=heads["id"],
        head_name=heads["name"],
        village=_chosen(own, 13, ["东升村", "兴隆村", "太平村", "长山村", "前进社区"]),
        group=_chosen(own, 14, [f"第{number}小组" for number in "一二三四五六七八"]),
        telephone=(_draws(own, 15, 10**8) + 13_900_000_000).cast(pl.String),
        slot=pl.select(pl.when(pl.lit(_draws(own, 16, 25)) == 0).then(_text(ARREAR)).otherwise(_text(SLOT))).to_series(),
        standard=yuan,
        amount=amount,
        remark=_chosen(own, 17, ["", "", "", "", "代领"]),
    )  # fmt: skip


def _faults(roster: pl.DataFrame, each: int) -> pl.DataFrame:
    """Which rows to spoil (`place`) and how (`fault`)."""
    # A 15-digit id is of somebody born before 2000.
    suitable = roster.filter((pl.col("place") % _HEADED_EVERY == _HEADED) & (_ID.str.slice(6, 2) == "19"))["place"]
    taken = suitable.gather(_draws(len(suitable), 21, 2**63).arg_sort()).head(each * len(_KINDS))
    assert len(taken) == each * len(_KINDS), "too few rows to spoil"
    kinds = pl.Series(_KINDS).gather(pl.int_range(len(taken), eager=True) % len(_KINDS))
    return pl.DataFrame({"place": taken, "fault": kinds})


def _spoilt_cells() -> list[pl.Expr]:
    """Every column that has cell faults, with them."""
    columns: dict[str, pl.Expr] = {}
    for code, (column, change) in {**FIELD_FAULTS, **SPELLINGS}.items():
        before = columns.get(column, pl.col(column))
        columns[column] = pl.when(pl.col("fault") == code).then(change).otherwise(before)
    return [change.alias(column) for column, change in columns.items()]


def _copies(roster: pl.DataFrame, strangers: pl.DataFrame) -> list[pl.DataFrame]:
    """The second row of every repetition."""

    def of(code: str) -> pl.DataFrame:
        return roster.filter(pl.col("fault") == code)

    partner = of("account_shared").with_columns(
        strangers["id"], strangers["name"], head_id=strangers["id"], head_name=strangers["name"]
    )
    different = of("repeated_different").with_columns(amount=_AMOUNT.str.replace(r"\..*$", ".37"))
    return [of("repeated_identical"), different, partner]


def _registry(people: pl.DataFrame, roster: pl.DataFrame) -> pl.DataFrame:
    """Everybody's card, in order unless a fault says otherwise of its row's beneficiary and head."""
    spoiled = roster.filter(pl.col("fault").is_in(CARD_FAULTS))
    faults = pl.concat([spoiled.select("id", "fault"), spoiled.select(id="head_id", fault="fault")])
    known = people.join(faults, on="id", how="left")
    fault = pl.col("fault")
    kept = known.filter(fault.ne_missing("account_used")).select(
        id_number="id",
        name=pl.when(fault == "card_name_differs").then("又" + _NAME).otherwise(_NAME),
        account="account",
        service_bank="bank",
        card_state=_text(str(cards.CardState.NORMAL)),
        social_account=pl.lit(True),
        financial_account=fault.ne_missing("card_financial_inactive"),
    )
    return cards.as_registry(kept)

"""What a file that a bureau hands in may be called: its name stands in keys and reports, where nobody looks for a person."""

import re

from yikatong.errors import Refusal
from yikatong.masking import mask_label
from yikatong.payments import sha256_hex

# Chinese, letters, digits and a little punctuation; no path, no blank, no leading dot, nothing a sheet acts on.
_CHARACTERS = "0-9A-Za-z一-鿿（）()_.-"
NAME = rf"[0-9A-Za-z一-鿿][{_CHARACTERS}]{{0,95}}"
"""A pattern: what a file may be called, without its ending."""
_ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".xls")
_SAFE_NAME = re.compile(NAME)
_SAFE_KEY = re.compile(rf"[/{_CHARACTERS}]{{1,200}}")
LONG_NUMBER = re.compile("[0-9]{12}")


def require_safe_name(file_name: str) -> None:
    """Raises Refusal, which does not repeat the name."""
    if LONG_NUMBER.search(file_name):
        raise Refusal("文件名里不要写身份证号、账号等长号码，请改名后再传。", "bad_file_name")
    stem, dot, ending = file_name.rpartition(".")
    if (dot + ending).lower() not in _ENDINGS:
        raise Refusal(
            "只能报送 CSV、TSV、TXT、XLSX 或 XLS 文件；别的文件请用电子表格软件打开，另存为 XLSX 后报送。",
            "bad_file_name",
        )
    if not _SAFE_NAME.fullmatch(stem) or ".." in file_name:
        raise Refusal(
            "文件名只能用汉字、字母、数字、括号、下划线、连字符和点，至多100个字符。",
            "bad_file_name",
        )


def file_name_shown(file_name: str) -> str:
    """A file's name in a report, whoever chose it: on a clerk's own machine a roster may be called anything."""
    try:
        require_safe_name(file_name)
    except Refusal:
        return mask_label(file_name)
    return file_name


def misplaced_key(object_key: str) -> str:
    """Where the reports bucket tells why an object belongs to no batch: under its key, or under that one's SHA-256.

    >>> misplaced_key("2023/230102/2/低保.csv"), misplaced_key("230102199001011234.csv")[:26]
    ('misplaced/2023/230102/2/低保.csv.txt', 'misplaced/4497774adfa9a837')
    """
    return f"misplaced/{object_key if is_safe_key(object_key) else sha256_hex(object_key.encode(errors='replace'))}.txt"


def is_safe_key(object_key: str) -> bool:
    """Whether an object's key may be repeated: it holds no long number and nothing odd.

    >>> is_safe_key("230102/deceased/a-1.csv"), is_safe_key("230102/deceased/a 1.csv")
    (True, False)
    """
    fine = _SAFE_KEY.fullmatch(object_key) is not None and ".." not in object_key
    return fine and LONG_NUMBER.search(object_key) is None

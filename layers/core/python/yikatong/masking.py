"""What of a person may be shown: one module, so that no log line, finding or page decides for itself (DESIGN §7).

The tail of a number lets its owner recognise it; the middle, which holds the birth date, is never shown.
"""

import re
import unicodedata

# Words a 属期, an amount or a header is written with; any other Chinese text might be somebody's name.
_HARMLESS = re.compile(r"[0-9A-Za-z#年月日季度上下半第一二三四期元,.\-/ ]*")
_LONG_DIGITS = re.compile(r"[0-9]{7,}[Xx]?")
SHOWN_CHARACTERS = 24


def mask_id(id_number: str | None) -> str:
    """An id number with its first three and last four characters; shorter texts show nothing.

    >>> mask_id("230102199001011234")
    '230***********1234'
    """
    text = "".join(unicodedata.normalize("NFKC", id_number or "").split())
    if len(text) < 12:
        return "*" * len(text)
    clipped = text[:18]
    return f"{clipped[:3]}{'*' * (len(clipped) - 7)}{clipped[-4:]}"


def mask_name(name: str | None) -> str:
    """A name's first character and one star, however long it is.

    >>> mask_name("张三丰"), mask_name("")
    ('张*', '')
    """
    text = (name or "").strip()
    return f"{text[0]}*" if text else ""


def mask_account(account: str | None) -> str:
    """An account's last four digits.

    >>> mask_account("6217001234567890123")
    '****0123'
    """
    text = account or ""
    return f"****{text[-4:]}" if len(text) >= 8 else "*" * len(text)


def mask_text(text: str | None) -> str:
    """A cell that should hold no personal data, but might: columns get shifted. Long digits and Chinese are masked.

    >>> mask_text("2023年6月"), mask_text("张三"), mask_text("230102199001011234")
    ('2023年6月', '张*', '230***********1234')
    """
    shown = _LONG_DIGITS.sub(lambda found: mask_id(found[0]), unicodedata.normalize("NFKC", text or "").strip())
    if not _HARMLESS.fullmatch(shown.replace("*", "")):
        return mask_name(shown)
    return shown if len(shown) <= SHOWN_CHARACTERS else shown[:SHOWN_CHARACTERS] + "…"

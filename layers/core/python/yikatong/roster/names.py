"""Names of people: one spelling to compare by, and what no name may hold.

Rare characters are kept exactly as written: NFKC would exchange some of them. Only blanks and the separator of
minority names (U+00B7) are made uniform.
"""

import polars as pl

MAX_CHARACTERS = 50
SEPARATOR = "·"
_BLANKS = r"[ \x{00A0}\x{2000}-\x{200A}\x{3000}]"
_SEPARATORS = r"[•・‧∙⋅●･．]"
_HAN = r"\p{Han}"
# Anything that calls for a second look: most names in a roster hold none of it, and are looked at once.
ODD = r"[\x00-\x7F\x{0080}-\x{00B6}\x{2000}-\x{22FF}\x{25CF}\x{3000}\x{30FB}\x{FF00}-\x{FFFF}\p{Cf}]"
_INVISIBLE = r"[\p{Cc}\p{Cf}\x{2028}\x{2029}]"
_FORMULA = r"^[=+\-@＝＋－＠]"
_DAMAGED = r"[?？\x{FFFD}]"


def normalise_name_expression(raw: pl.Expr) -> pl.Expr:
    """A name without outer blanks, a Chinese one without inner ones either, and with one separator; blank → null."""
    stripped = raw.str.replace_all(rf"^{_BLANKS}+|{_BLANKS}+$", "")
    closed = pl.when(stripped.str.contains(_HAN)).then(stripped.str.replace_all(_BLANKS, "")).otherwise(stripped)
    tidy = closed.str.replace_all(_SEPARATORS, SEPARATOR)
    return pl.when(tidy != "").then(tidy)


def name_fault_expression(name: pl.Expr) -> pl.Expr:
    """The code of the first fault of a normalised name, or null."""
    return (
        pl.when(name.is_null())
        .then(pl.lit("name_empty"))
        .when(name.str.contains(_INVISIBLE))
        .then(pl.lit("name_control"))
        .when(name.str.contains(_FORMULA))
        .then(pl.lit("name_formula"))
        .when(name.str.contains(_DAMAGED))
        .then(pl.lit("name_damaged"))
        .when(name.str.len_chars() > MAX_CHARACTERS)
        .then(pl.lit("name_too_long"))
    )

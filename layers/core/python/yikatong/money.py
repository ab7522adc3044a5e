"""Money is integer fen; this is how people and banks read it. Integer arithmetic only: no float touches money."""


def yuan(amount_fen: int) -> str:
    """Fen as a decimal number of yuan.

    >>> yuan(105), yuan(5), yuan(120000), yuan(-5)
    ('1.05', '0.05', '1200.00', '-0.05')
    """
    return in_yuan(amount_fen).replace(",", "")


def in_yuan(amount_fen: int) -> str:
    """The same with thousands separators, for tables that people read.

    >>> in_yuan(123456789)
    '1,234,567.89'
    """
    whole, cents = divmod(abs(amount_fen), 100)
    return f"{'-' if amount_fen < 0 else ''}{whole:,}.{cents:02d}"

"""Money is integer fen; this is how people read it."""


def yuan(amount_fen: int) -> str:
    """Fen as a decimal number of yuan.

    >>> yuan(105), yuan(5), yuan(120000)
    ('1.05', '0.05', '1200.00')
    """
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"

"""Payment messages for the bank, written here by hand: the least a pain.001 can say."""

Line = tuple[str, str, str, int]
"""End-to-end id, account, name, fen."""


def message(
    *lines: Line,
    message_id: str = "F0123456789abcdef-0001",
    trial: bool = False,
    count: int | None = None,
    off_fen: int = 0,
) -> bytes:
    """A message of these lines; `count` and `off_fen` make its totals wrong."""
    total = sum(line[3] for line in lines) + off_fen
    totals = f"<NbOfTxs>{len(lines) if count is None else count}</NbOfTxs><CtrlSum>{yuan(total)}</CtrlSum>"
    body = "".join(
        f"<CdtTrfTxInf><PmtId><EndToEndId>{key}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="CNY">{yuan(fen)}</InstdAmt></Amt>'
        f"<Cdtr><Nm>{name}</Nm></Cdtr><CdtrAcct><Id><Othr><Id>{account}</Id></Othr></Id></CdtrAcct></CdtTrfTxInf>"
        for key, account, name, fen in lines
    )
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn>'
        f"<GrpHdr><MsgId>{message_id}</MsgId><CreDtTm>2023-01-03T09:00:00+08:00</CreDtTm>{totals}<InitgPty/></GrpHdr>"
        f"<PmtInf><PmtInfId>{message_id}</PmtInfId><PmtMtd>TRF</PmtMtd>{totals}"
        f"<PmtTpInf><LclInstrm><Prtry>{'TRIAL' if trial else 'FORMAL'}</Prtry></LclInstrm></PmtTpInf>"
        "<ReqdExctnDt><Dt>2023-01-03</Dt></ReqdExctnDt><Dbtr/><DbtrAcct><Id><Othr><Id>2300</Id></Othr></Id></DbtrAcct>"
        f"<DbtrAgt/>{body}</PmtInf></CstmrCdtTrfInitn></Document>"
    ).encode()


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def line(number: int, fen: int = 9500) -> Line:
    """The `number`-th payee: id `E{number}`, account `62{number}`."""
    return f"E{number}", f"62{number}", f"张{number}", fen

"""Small bank messages for tests, written by hand: neither the simulator's code nor ours."""

from xml.sax.saxutils import escape

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def receipt_line(
    end_to_end_id: str, status: str, reason: str = "", amount: str | None = "95.00", settled_on: str = ""
) -> str:
    """One `TxInfAndSts`; `reason` is inner XML of `StsRsnInf`."""
    money = f'<Amt><InstdAmt Ccy="CNY">{amount}</InstdAmt></Amt>' if amount is not None else ""
    day = f"<IntrBkSttlmDt>{settled_on}</IntrBkSttlmDt>" if settled_on else ""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{escape(end_to_end_id)}</OrgnlEndToEndId><TxSts>{status}</TxSts>"
        + (f"<StsRsnInf>{reason}</StsRsnInf>" if reason else "")
        + (f"<OrgnlTxRef>{money}{day}</OrgnlTxRef>" if money or day else "")
        + "</TxInfAndSts>"
    )


def receipt(*lines: str, group: str = "<GrpSts>PART</GrpSts>", namespace: str = "pain.002.001.12") -> bytes:
    """A pain.002 about message `F00-0001`."""
    block = f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>F00-0001</OrgnlPmtInfId>{''.join(lines)}</OrgnlPmtInfAndSts>"
    return (
        f'{HEAD}<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{namespace}"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>R1</MsgId><CreDtTm>2023-06-12T15:00:00+08:00</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>F00-0001</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{group}"
        f"</OrgnlGrpInfAndSts>{block if lines else ''}</CstmrPmtStsRpt></Document>"
    ).encode()


def return_line(end_to_end_id: str, amount: str | None = "95.00", reason: str = "<Rsn><Cd>AC04</Cd></Rsn>") -> str:
    """One `TxDtls` of a return."""
    money = f'<Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>' if amount else ""
    return (
        f"<TxDtls><Refs><MsgId>F00-0001</MsgId><EndToEndId>{end_to_end_id}</EndToEndId></Refs>{money}"
        + (f"<RtrInf>{reason}</RtrInf>" if reason else "")
        + "</TxDtls>"
    )


def entry(*details: str, amount: str = "95.00", side: str = "CRDT", status: str = "BOOK", extra: str = "") -> str:
    """One `Ntry`, booked on 2023-06-15."""
    return (
        f'<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{extra}<Sts><Cd>{status}</Cd></Sts>'
        "<BookgDt><Dt>2023-06-15</Dt></BookgDt><BkTxCd><Prtry><Cd>RETURN</Cd></Prtry></BkTxCd>"
        f"<NtryDtls>{''.join(details)}</NtryDtls></Ntry>"
    )


def returns(*entries: str) -> bytes:
    """A camt.054 of these entries."""
    return (
        f'{HEAD}<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>'
        "<GrpHdr><MsgId>N1</MsgId><CreDtTm>2023-06-15T15:00:00+08:00</CreDtTm></GrpHdr>"
        "<Ntfctn><Id>N1</Id><Acct><Id><Othr><Id>2300</Id></Othr></Id></Acct>"
        f"{''.join(entries)}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    ).encode()

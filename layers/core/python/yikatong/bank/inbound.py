"""Which of the two things a bank may deliver a file is: a receipt, or returns."""

from yikatong.bank import camt054, pain002
from yikatong.bank.camt054 import Returns, parse_returns
from yikatong.bank.pain002 import Receipt, parse_receipt
from yikatong.bank.reading import namespace_of, refuse, shown


def parse_inbound(data: bytes) -> Receipt | Returns:
    """Read whatever a bank put into `inbound/`, by its namespace, never by its file name.

    Raises `Refusal` (code `bank_message_refused`) for anything that is neither a pain.002 nor a camt.054 we agreed on.
    """
    namespace = namespace_of(data)
    if namespace == pain002.NAMESPACE:
        return parse_receipt(data)
    if namespace == camt054.NAMESPACE:
        return parse_returns(data)
    raise refuse(f"报文种类“{shown(namespace)}”不在约定之内，应为 {pain002.NAMESPACE} 或 {camt054.NAMESPACE}")

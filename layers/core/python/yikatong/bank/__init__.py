"""What is said to an agent bank, and how its answers are read (代理银行报文).

ISO 20022: pain.001.001.09 out, pain.002.001.12 receipts and camt.054.001.08 returns in. Bytes in, bytes out: sending
and storing them is the adapters' business, deciding what they mean for a payment is settlement's.
"""

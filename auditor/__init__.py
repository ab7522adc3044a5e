"""An auditor of its own: rebuilds every sum from the evidence files and compares it with what the platform says of itself.

It shares no code with the platform (standard library and polars only): what it reads, how it adds up and what it
believes of a bank's answer are written here a second time, from `docs/architecture.md` and `docs/protocol.md`. A
mistake in the platform's sums is not repeated by whoever checks them.
"""

"""Yikatong (一卡通): direct-to-household subsidies, from the official plan to the payee's card.

This package is the domain. It imports no AWS library, reads no clock and no environment; `yikatong.aws` holds the
adapters that do. The map of the whole repository is docs/architecture.md.
"""

"""Adapters: each implements one of `yikatong.ports` with an AWS service. Nothing is made at import time."""

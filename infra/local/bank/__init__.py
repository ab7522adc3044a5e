"""An agent bank, played by a process of its own: the oracle the system's books are compared with.

It shares no code with `yikatong.bank`: what it understands of a message, and what it counts, it works out by itself.
Run it with `python -m infra.local.bank`; its HTTP interface is described in `server`, its faults in `script`.
"""

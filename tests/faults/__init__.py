"""Crash at every call: a worker of the local cloud dies before or after each of its calls, and nothing is lost (issue 4).

`python -m tests.faults` plays every crash point; `test_crash_points.py` a stride of them. `scene` watches a history's
invocations and kills, `history` plays the people around the system, `scenarios` says what happens, `verdict` compares
what is written down with the bank's own book.
"""

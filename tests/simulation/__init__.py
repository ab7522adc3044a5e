"""A deterministic simulation of the whole payout: the real functions and adapters over in-memory services, one seed a history.

Rooms: `stage` (who runs, and what time it is), `faults` (what goes wrong), `gate` (every call passes it), `services` (DynamoDB,
S3, Step Functions, EventBridge, Scheduler), `machine` (walks the real ASL), `platform` (queues, executions), `functions` (the
real handlers), `bank` (the bank simulator, its wire and its post), `worlds` (how a history begins), `operators` (buttons),
`invariants` (DESIGN §7), `history` (one seed from beginning to end), `crowd` (many), `mutants` (defects to be caught).
"""

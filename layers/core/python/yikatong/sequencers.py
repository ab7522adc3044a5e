"""S3's order of the versions of one object key: events come unordered, their `sequencer` says which came later."""


def is_older(sequencer: str, other: str) -> bool:
    """Whether the first comes before the second; both of one key. Compared as right-padded hexadecimal strings.

    An empty one is of unknown age, and older than nothing.
    """
    width = max(len(sequencer), len(other))
    return bool(sequencer and other) and sequencer.ljust(width, "0") < other.ljust(width, "0")

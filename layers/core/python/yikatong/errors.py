"""What went wrong, in words for the person who can mend it."""


class Refusal(Exception):
    """A request that cannot be carried out, with the reason and the cure, in Chinese, for the person who made it.

    The message never holds an id number, an account number or a full name (DESIGN §7): it may be logged.
    """

    def __init__(self, message: str, code: str = "refused") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class Conflict(Refusal):
    """Somebody else changed the thing first: a conditional write lost. Read again, then decide again."""

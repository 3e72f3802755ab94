"""What can be wrong with the data, the budget or the model that a user hands in."""


class InputError(ValueError):
    """Something the user gave cannot be used; the message is one line naming where it is and what to do."""

"""A first function to complete: put the cursor on the line below the docstring."""


def is_even(number: int) -> bool:
    """Whether a number is even.

    >>> is_even(4)
    True
    >>> is_even(7)
    False
    """

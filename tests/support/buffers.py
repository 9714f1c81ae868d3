"""Buffers with a cursor that the tables of cases share. Each has one example that tells right from wrong."""

from __future__ import annotations

ADD = '''def add(a, b):
    """Add two numbers.

    >>> add(1, 2)
    3
    """
    ‸
'''
TOTAL = '''def total(xs):
    """
    >>> total([1, 2, 3])
    6
    """
    ‸
'''
SIGN = '''def sign(n):
    """
    >>> sign(-5)
    -1
    >>> sign(7)
    1
    >>> sign(0)
    0
    """
    ‸
'''
METHOD = '''class Basket:
    def __init__(self, prices):
        self.prices = prices

    def total(self):
        """
        >>> Basket([1, 2, 3]).total()
        6
        """
        ‸
'''
TABS = '''def total(xs):
\t"""
\t>>> total([1, 2, 3])
\t6
\t"""
\t‸
'''
TWO = '''def total(xs):
  """
  >>> total([1, 2, 3])
  6
  """
  ‸
'''
AREA = '''def area(width, height):
    """
    >>> area(2, 3)
    6
    """
    return wi‸
'''
LINE = '''def add(a, b):
    """
    >>> add(1, 2)
    3
    """
    return ‸
'''
HALF = '''def total(xs):
    """
    >>> total([1, 2, 3])
    6
    """
    # Start from nothing.
    result = 0
    ‸
'''
LOOP = "result = 0\n    for x in xs:\n        result += x\n    return result"
"""A right body of `total`, from the cursor on."""
SELF_LOOP = "result = 0\n        for price in self.prices:\n            result += price\n        return result"
"""A right body of `Basket.total`, from the cursor on."""

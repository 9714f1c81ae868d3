"""Durations as people write them."""

SECONDS = {"h": 3600, "m": 60, "s": 1}


def parse_duration(text: str) -> int:
    """A duration like "1h 30m" in seconds.

    >>> parse_duration("1h 30m")
    5400
    >>> parse_duration("45s")
    45
    """
    return sum(int(part[:-1]) * SECONDS[part[-1]] for part in text.split())


def human_duration(seconds: int) -> str:
    """A number of seconds as hours, minutes and seconds, leaving out leading zeros.

    >>> human_duration(59)
    '59s'
    >>> human_duration(61)
    '1m 1s'
    >>> human_duration(7325)
    '2h 2m 5s'
    """

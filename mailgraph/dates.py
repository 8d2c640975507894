"""Points of time as people and HTTP read them.  In English: strftime's language changes when librrd draws."""

import time

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def date(epoch: int) -> str:
    """``Wed Nov 25 12:00:00 2026``, local time."""
    at = time.localtime(epoch)
    day = f"{DAYS[at.tm_wday]} {MONTHS[at.tm_mon - 1]} {at.tm_mday:2}"
    return f"{day} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} {at.tm_year}"


def span(seconds: float) -> str:
    """``3 min``, ``5 h``, ``12 days``: about as long."""
    for unit, one in (("days", 86400), ("h", 3600)):
        if seconds >= 2 * one:
            return f"{seconds / one:.0f} {unit}"
    return f"{max(seconds, 0) / 60:.0f} min"


def http_date(epoch: int) -> str:
    """``Wed, 25 Nov 2026 12:00:00 GMT`` (RFC 9110)."""
    at = time.gmtime(epoch)
    day = f"{DAYS[at.tm_wday]}, {at.tm_mday:02} {MONTHS[at.tm_mon - 1]} {at.tm_year}"
    return f"{day} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} GMT"

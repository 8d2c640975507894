"""Mailgraph: what is my mail server doing?  Counts mail log lines into RRD files and draws them."""

__version__ = "2.0.0"


class MailgraphError(Exception):
    """What hinders the work; the text names the thing, what is wrong with it and what to do."""


class UsageError(MailgraphError):
    """An option that can't be what was meant; the text says why."""

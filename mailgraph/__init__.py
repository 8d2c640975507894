"""Mailgraph: what is my mail server doing?  Counts mail log lines into RRD files and draws them."""

__version__ = "2.0.0"

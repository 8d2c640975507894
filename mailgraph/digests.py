"""BLAKE2b alone.  ``hashlib`` brings OpenSSL along with it: 3.7 MB of the daemon's memory."""

try:
    from _blake2 import blake2b
except ImportError:  # a Python that was built without hash functions of its own
    from hashlib import blake2b

__all__ = ["blake2b"]

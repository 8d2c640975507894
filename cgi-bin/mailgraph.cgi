#!/usr/bin/python3 -ISBXutf8
"""The graph page, for a web server's cgi-bin.

A link to this file works as well as the file; copied alone it needs to know where mailgraph is.  The first line may
name any Python 3, which starts isolated and without ``site``: where mailgraph was installed with another one, that one
goes on.  A shell that looks for it first takes 0.6 ms of 8, and 0.7 more to follow a link.

What can be done elsewhere is done in mailgraph/cgi.py: each request compiles this file, a line in 10 us.
"""

import gc
import posix
import sys

# Where the RRD files are; empty: as the configuration file says (/etc/default/mailgraph)
RRD_DIR = ""

# Where mailgraph is, for a copy of this file: its checkout, or what it was installed into (/opt/mailgraph, /usr/local)
MAILGRAPH = ""

gc.disable()  # it takes 0.3 ms


def places(root):
    """Where mailgraph may be: in its checkout, or where pip puts it, for this Python first: others' may be older."""
    yield root
    if posix.access(f"{root}/lib", posix.R_OK):
        own = "python{}.{}".format(*sys.version_info)
        for python in sorted(posix.listdir(f"{root}/lib"), key=lambda python: python != own):
            yield f"{root}/lib/{python}/site-packages"
            yield f"{root}/lib/{python}/dist-packages"


path = __file__
while True:
    here = path.rpartition("/")[0] or "."
    try:
        target = posix.readlink(path)
    except OSError:  # it is no link
        break
    path = target if target.startswith("/") else f"{here}/{target}"
for root in filter(None, (MAILGRAPH, f"{here}/..", f"{here}/../../..")):
    for place in places(root):
        if posix.access(f"{place}/mailgraph/cgi.py", posix.F_OK):
            sys.path.insert(0, place)
            from mailgraph import cgi

            cgi.run(root, place, __file__, here, RRD_DIR)
print("Status: 500 Internal Server Error\r\nContent-Type: text/plain\r\n\r")
print(f"mailgraph.cgi: can't find mailgraph; run bin/setup in its checkout, or set MAILGRAPH at the top of {__file__}")
print("(if that is done: make all of it readable for the web server's user)")

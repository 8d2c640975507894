#!/usr/bin/python3 -ISBXutf8
"""The graph page, for a web server's cgi-bin.

A link to this file works as well as the file; copied alone it needs to know where mailgraph is.  The first line may
name any Python 3, which starts isolated and without ``site``: where mailgraph was installed with another one, that one
goes on.  A shell that looks for it first takes 0.6 ms of 9, and 0.7 more to follow a link.
"""

import gc
import posix
import sys

# Where the RRD files are; empty: as the configuration file says (/etc/default/mailgraph)
RRD_DIR = ""

# Where mailgraph is, for a copy of this file: its checkout, or what it was installed into (/opt/mailgraph, /usr/local)
MAILGRAPH = ""

gc.disable()  # it takes 0.3 ms


def is_there(path):
    """Whatever it is."""
    return posix.access(path, posix.F_OK)


def directory_of(path):
    """Where a file is, or what a link leads to."""
    directory = path.rpartition("/")[0] or "."
    try:
        target = posix.readlink(path)
    except OSError:  # it is no link
        return directory
    return directory_of(target if target.startswith("/") else f"{directory}/{target}")


def installations(*roots):
    """Where mailgraph is, where what it needs is, and the name of the Python that has both."""
    for root in roots:
        module = "mailgraph/cgi.py"
        for libraries in (f"{root}/.venv/lib", f"{root}/lib"):
            for python in posix.listdir(libraries) if is_there(libraries) else ():
                for packages in (f"{libraries}/{python}/site-packages", f"{libraries}/{python}/dist-packages"):
                    if is_there(packages) and (is_there(f"{root}/{module}") or is_there(f"{packages}/{module}")):
                        yield root, packages, python


here = directory_of(__file__)
others = []
for root, packages, python in installations(*([MAILGRAPH] if MAILGRAPH else []), f"{here}/..", f"{here}/../../.."):
    if python == f"python{sys.version_info[0]}.{sys.version_info[1]}":
        sys.path[:0] = root, packages
        from mailgraph import cgi

        cgi.run(RRD_DIR or None, beside=here)
    others += [f"{packages}/../../../bin/{python}", f"/usr/bin/{python}", f"/usr/local/bin/{python}"]
for other in others:
    if posix.access(other, posix.X_OK) and posix.stat(other).st_ino != posix.stat(sys.executable).st_ino:
        posix.execv(other, [other, "-ISBXutf8", __file__])
print("Status: 500 Internal Server Error\r\nContent-Type: text/plain\r\n\r")
print(f"mailgraph.cgi: can't find mailgraph; run bin/setup in its checkout, or set MAILGRAPH at the top of {__file__}")

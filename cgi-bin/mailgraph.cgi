#!/bin/sh
# The graph page, for a web server's cgi-bin.  A link to this file works as well as the file; copied alone it needs to
# know where mailgraph is.

# Where the RRD files are; empty: as the configuration file says (/etc/default/mailgraph)
RRD_DIR=

# Where mailgraph is, for a copy of this file: its checkout, or what it was installed into (/opt/mailgraph, /usr/local)
MAILGRAPH=

# Python starts isolated and without `site` (-I -S) and looks for nothing: it is told the package's place, and that of
# rrdtool.  The shell in front costs 0.5 ms of 13, garbage collection would cost 0.3.
script=$0
[ -h "$script" ] && script=$(readlink -f "$script")
here=${script%/*}
for root in ${MAILGRAPH:+"$MAILGRAPH"} "$here/.." "$here/../../.."; do
    for packages in "$root"/.venv/lib/python3*/site-packages "$root"/lib/python3*/*-packages; do
        [ -e "$packages/mailgraph/cgi.py" ] || { [ -e "$root/mailgraph/cgi.py" ] && [ -d "$packages" ]; } || continue
        version=${packages%/*}
        version=${version##*/}
        for python in "$packages/../../../bin/$version" "/usr/bin/$version" "/usr/local/bin/$version"; do
            [ -x "$python" ] && exec "$python" -I -S -B -X utf8 -c 'import gc, sys
gc.disable()
sys.path[:0] = sys.argv[2], sys.argv[1]
from mailgraph import cgi, page
cgi.run(page.Page(sys.argv[3] or None, beside=sys.argv[4]))' "$packages" "$root" "$RRD_DIR" "$here"
        done
    done
done
printf 'Status: 500 Internal Server Error\r\nContent-Type: text/plain\r\n\r\n'
echo "mailgraph.cgi: can't find mailgraph; run bin/setup in its checkout, or set MAILGRAPH at the top of $script"

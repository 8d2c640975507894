"""``python -m mailgraph``: the command line."""

import sys

from mailgraph.cli import main

sys.exit(main())

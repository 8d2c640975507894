"""How many examples a property is tried with; MAILGRAPH_EXAMPLES=50 tries fifty times as many."""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("MAILGRAPH_EXAMPLES", "1"))


def examples(count: int) -> settings:
    """So many examples in the suite.  Fixtures are for the whole test here: zones and directories that hold nothing."""
    checks = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large)
    return settings(max_examples=count * TIMES, deadline=None, suppress_health_check=checks)

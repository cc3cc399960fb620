"""The order of things: flows that read as a paragraph of steps, and the command line that starts them."""

import os

# Defaults, not orders: whoever sets one of these keeps it. They have to stand before Prefect is imported.
DEFAULTS = {
    # Nothing calls out: no usage reporting by the server or the client.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # Without a server of one's own a run starts a temporary one, which can take longer than Prefect's 20 seconds.
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}
for _name, _value in DEFAULTS.items():
    os.environ.setdefault(_name, _value)

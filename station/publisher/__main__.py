"""`python -m station.publisher --config-json JSON`: publish until standard input closes; started by the daemon.

Exit codes: 0 ended as told, 2 wrong arguments, 3 another publisher holds the cursor.
"""

from __future__ import annotations

import argparse
import sys

from pydantic import ValidationError

from station.publisher.process import run
from station.publisher.settings import PublisherSettings


def main(argv: list[str]) -> int:
    """Run the publisher; its exit code."""
    parser = argparse.ArgumentParser(prog="station.publisher", description="Publishes a station's journal to MQTT.")
    parser.add_argument("--config-json", required=True, help="the settings (station/publisher/settings.py) as JSON")
    try:
        settings = PublisherSettings.model_validate_json(parser.parse_args(argv).config_json)
    except ValidationError as error:
        parser.error(str(error))
    return run(settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

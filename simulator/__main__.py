"""The command `simulator`, also as `python -m simulator`."""

import sys


def main() -> None:
    """Entry point. Ctrl-C while all of it is still being imported is an end like any other."""
    try:
        from simulator.cli import main as run  # noqa: PLC0415 - a second and more of imports
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()

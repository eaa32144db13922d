"""The command `dulian`, also as `python -m node`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows a question mark; it is no reason to fail.
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    from typer.main import get_command

    from node.cli.app import build_app

    get_command(build_app("serve" if sys.argv[1:2] == ["serve"] else "")).main()


if __name__ == "__main__":
    main()

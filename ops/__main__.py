"""`ferrygate`: the one command line of the project."""

from __future__ import annotations

import os
import sys
from typing import Final

from ops.cli.arguments import parse
from ops.cli.faults import CannotRunError
from wire_formats.settings_reader import SettingsError

EXIT_FAILED: Final = 1
EXIT_CANNOT_RUN: Final = 2
EXIT_INTERRUPTED: Final = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after ``ferrygate``; the process's own by default.

    Returns:
        The exit code: 0 done, 1 failed, 2 cannot run as asked (one line on stderr), 130 interrupted.
    """
    try:
        return parse(sys.argv[1:] if arguments is None else arguments)()
    except (CannotRunError, SettingsError) as error:
        sys.stderr.write(f"ferrygate: {error}\n")
        return EXIT_CANNOT_RUN
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output went away, as in `ferrygate openapi | head`; what is still buffered goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())

"""``python -m ops.provision ROOT``: make an installation, in a process of its own.

`ferrygate up` runs it so: the city's generator needs a few hundred MiB that the supervisor must not keep, and a
supervisor that finds its installation made need not load the zones at all.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ops.cli.faults import CannotRunError
from ops.layout import Ports
from ops.provision.installation import create_installation

EXIT_CANNOT_RUN = 2


def main() -> int:
    """Make the installation named on the command line.

    Returns:
        0 made or already there, 2 cannot be made (one line on stderr), 130 interrupted.
    """
    try:
        create_installation(Path(sys.argv[1]), ports=Ports.from_environment(os.environ), environment=os.environ)
    except (CannotRunError, ValueError) as error:
        sys.stderr.write(f"ferrygate: {error}\n")
        return EXIT_CANNOT_RUN
    except OSError as error:
        sys.stderr.write(f"ferrygate: {error.filename or sys.argv[1]}: {error.strerror}; choose another folder\n")
        return EXIT_CANNOT_RUN
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

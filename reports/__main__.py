"""`python -m reports DIR` renders an audit where neither torch nor anything else that audits need is installed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from reports.document import Audit
from reports.errors import DocumentError
from reports.formats import FORMATS, write_report
from reports.frameworks import load_framework


def main(arguments: Sequence[str] | None = None) -> int:
    """Render an audit, and return 0, or 2 after one line that says what is wrong.

    Example:
        >>> main(["runs/2026-01-01", "--format", "sarif", "-o", "audit.sarif"])  # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser("python -m reports", description="Render an audit from its audit.json.")
    parser.add_argument("audit", type=Path, help="folder of an audit, or its audit.json")
    parser.add_argument("--format", choices=FORMATS, default="html")
    parser.add_argument("-o", "--output", type=Path, help="default: the form's own name, in the present folder")
    parser.add_argument("--framework", type=Path, action="append", default=[], help="a framework of your own, as YAML")
    given = parser.parse_args(arguments)
    try:
        audit = Audit.load(given.audit)
        # Which checks exist, only `genassay report` can know.
        more = [load_framework(path) for path in given.framework]
        path = write_report(audit, given.format, given.output or Path(FORMATS[given.format].file), more)
    except DocumentError as error:
        sys.stderr.write(f"reports: {' '.join(str(error).split())}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"reports: {error.filename or 'file'}: {error.strerror or error}\n")
        return 2
    sys.stdout.write(f"report: {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m audit` is the `genassay` command."""

from audit.cli import run

run()

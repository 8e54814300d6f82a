"""`python -m runflow_widgets` is the command line."""

from .cli import main

raise SystemExit(main())

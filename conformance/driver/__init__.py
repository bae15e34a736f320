"""The conformance driver: `cases` reads data, `host` says what this machine can do, `adapter` speaks to an
implementation, `runs` runs one case under a watchdog, `main` puts them in order and reports."""

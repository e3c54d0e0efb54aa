"""The measurements: each returns its rows."""

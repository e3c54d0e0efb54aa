"""The relay that a tutorial would build: store, `delay`, post."""

from bench.tutorial.celery import app

__all__ = ["app"]

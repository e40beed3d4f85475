"""The command line: one command per verb, which parses, calls the verb and prints. No arithmetic of its own."""

from .run import main

__all__ = ["main"]

"""`latentdo reproduce`: where the reproduction of the studies has gone."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from latentdo.errors import UsageError

NAME = "reproduce"


def command(*tokens: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Say where the reproduction of the studies has gone."""
    asked = " ".join(tokens) or "NAME"
    raise UsageError(
        "The studies are reproduced from a checkout of latentdo, and not by the installed package. In the checkout: "
        f"python -m studies reproduce {asked}"
    )

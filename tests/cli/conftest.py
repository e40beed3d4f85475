"""The command line in this process: what one line typed would print and return."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from latentdo.cli import main
from posteriors import posterior_of
from shared_fits import NAPKIN, front_door_rows


@dataclass(frozen=True)
class Result:
    """What one command line left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The object on stdout; NaN and Infinity are no JSON."""

        def refuse(constant: str) -> None:
            raise AssertionError(constant)

        return json.loads(self.out, parse_constant=refuse)

    @property
    def error(self) -> dict[str, Any]:
        """The error object on stdout, complete."""
        assert list(self.json) == ["error"]
        assert list(self.json["error"]) == ["kind", "message", "line", "column", "hedge"]
        return self.json["error"]


Command = Callable[..., Result]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs `latentdo` with the arguments in an empty folder; `stdin` is what is piped in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: object, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study with two queries and its data."""
    path = tmp_path / "study.yaml"
    path.write_text(
        "model: |\n  latent U ~ normal\n  X ~ normal(U)\n  M ~ normal(X)\n  Y ~ normal(M, U)\n"
        "data: data.csv\n"
        "queries:\n  effect: E[Y | do(X=1)] - E[Y | do(X=0)]\n  high: P(Y > 1 | do(X=1))\n"
        "variants:\n  misspecified: {split: {U: [U1, U2]}}\n",
        encoding="utf-8",
    )
    rows = front_door_rows(40)
    lines = [",".join(rows), *(",".join(repr(float(cell)) for cell in row) for row in zip(*rows.values(), strict=True))]
    (tmp_path / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def napkin_fit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved fit of the napkin with a gamma, a bernoulli and two normal nodes; its draws were set by hand."""
    return posterior_of(NAPKIN).save(tmp_path_factory.mktemp("fits") / "napkin.ldo")


@pytest.fixture(scope="session")
def bow_fit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved fit of a model that cannot answer do(X)."""
    model = "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)"
    return posterior_of(model).save(tmp_path_factory.mktemp("fits") / "bow.ldo")

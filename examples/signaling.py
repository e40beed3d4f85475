"""The main job on real input: a growth-factor pathway with two inputs that nobody measured.

Simulates cells, proves that the question can be answered, trains once, answers several questions from that one fit, sets
the naive regression and the simulated truth beside them, and saves the fit and a picture in `demo/`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

import latentdo as ld
from latentdo.plots import forest
from latentdo.types import Summary

MODEL = """
latent EGF, IGF ~ normal          # two growth factors: they drive SOS and PI3K, and nobody measured them
SOS  ~ hill(+EGF, +IGF)           # hill: 100 / (1 + exp(-linear predictor)) + normal noise; + and - are known signs
PI3K ~ hill(+EGF, +IGF, +Ras)
Ras  ~ hill(+SOS)
AKT  ~ hill(+PI3K)
Raf  ~ hill(+Ras, -AKT)
Mek  ~ hill(+Raf)
Erk  ~ hill(+Mek)
"""
QUESTIONS = (
    "E[Erk | do(SOS=30)]",
    "E[Erk | do(SOS=70)]",
    "E[Erk | do(SOS=70)] - E[Erk | do(SOS=30)]",
    "P(Erk > 90 | do(SOS=70))",
)
TRUTH_CELLS = 20_000


def naive_regression(x: np.ndarray, y: np.ndarray, at: float) -> tuple[float, float]:
    """The least-squares line of y on x, read off at one value of x, with its standard error: no causal thought at all."""
    slope, intercept = np.polyfit(x, y, 1)
    residual = y - intercept - slope * x
    noise = np.sqrt(residual @ residual / (len(x) - 2))
    spread = np.sqrt(1 / len(x) + (at - x.mean()) ** 2 / ((x - x.mean()) @ (x - x.mean())))
    return intercept + slope * at, noise * spread


def formula(cells: Mapping[str, np.ndarray], at: float) -> float:
    """The front door through Ras, by straight lines: Σ_Ras P(Ras | SOS) Σ_SOS' E[Erk | Ras, SOS'] P(SOS').

    With as many rows as one likes this is what the proved formula says of rows like these, so that the demo can tell
    what the rows cannot show from what training got wrong.
    """
    sos, ras, erk = cells["SOS"], cells["Ras"], cells["Erk"]
    ras_on_sos = np.polyfit(sos, ras, 1)[0]
    design = np.column_stack([np.ones(len(sos)), ras, sos])
    erk_on_ras = np.linalg.lstsq(design, erk, rcond=None)[0][1]
    return float(erk.mean() + erk_on_ras * ras_on_sos * (at - sos.mean()))


def truths(cells_30: np.ndarray, cells_70: np.ndarray) -> list[float]:
    """The same four questions, answered by really holding SOS in the simulator."""
    return [cells_30.mean(), cells_70.mean(), cells_70.mean() - cells_30.mean(), (cells_70 > 90).mean()]


def main() -> None:
    folder = Path("demo")
    folder.mkdir(exist_ok=True)
    begun = time.perf_counter()

    print("1. Data: 100 cells of the pathway, by exact stochastic simulation (Gillespie); EGF and IGF are not written.")
    cells = ld.simulate("signaling", n=100, seed=1)
    cells.write(folder / "cells.csv")
    print(f"   {folder / 'cells.csv'}: {cells.n_rows} rows of {', '.join(cells)}\n")

    print("2. Proof: can these columns answer what happens to Erk when SOS is held at 70?")
    model = ld.model(MODEL)
    verdict = ld.identify(model, "E[Erk | do(SOS=70)]")
    print("   " + str(verdict).replace("\n", "\n   ") + "\n")

    print("3. Training: one fit, by blocks (half a minute or so on two cores, compiling included).")
    posterior = ld.fit(model, cells, seed=0)
    worst = max(posterior.diagnostics, key=lambda d: d.rhat)
    state = "converged" if posterior.converged else "NOT converged"
    print(
        f"   {posterior.seconds:.0f} s. What the data pin down has {state}: worst R-hat {worst.rhat:.3f} ({worst.name}).\n"
    )

    print("4. Four questions from that one fit:")
    answers = ld.ask(posterior, *QUESTIONS, seed=0)
    print("   " + str(answers).replace("\n", "\n   ") + "\n")

    print(
        f"5. Beside it: a naive regression of Erk on SOS, and {TRUTH_CELLS:,} simulated cells in which SOS is really held."
    )
    sos, erk = cells["SOS"], cells["Erk"]
    held = [ld.simulate("signaling", n=TRUTH_CELLS, seed=100 + at, do={"SOS": at})["Erk"] for at in (30, 70)]
    truth = truths(*held)
    many = ld.simulate("signaling", n=TRUTH_CELLS, seed=99)
    limit = [formula(many, at) for at in (30.0, 70.0)]
    limits = [*limit, limit[1] - limit[0], None]
    naive = [naive_regression(sos, erk, at) for at in (30.0, 70.0)]
    slope_error = np.hypot(naive[0][1], naive[1][1])
    rivals = [*naive, (naive[1][0] - naive[0][0], slope_error), None]
    print(f"   {'':<44}{'latentdo (90 % interval)':<27}{'formula*':>9}{'naive':>8}{'truth':>8}")
    for answer, best, rival, value in zip(answers, limits, rivals, truth, strict=True):
        low, high = answer.interval(0.9)
        shown = f"{answer.mean:.2f} ({low:.2f} to {high:.2f})"
        others = "–" if best is None else f"{best:.2f}", "–" if rival is None else f"{rival[0]:.2f}"
        print(f"   {answer.query!s:<44}{shown:<27}{others[0]:>9}{others[1]:>8}{value:>8.2f}")
    print(
        f"   * the proved formula by straight lines on {TRUTH_CELLS:,} observed cells: what rows of this kind can tell at all."
    )
    between = ld.ask(posterior, "P(Erk > 90.5 | do(SOS=70))", seed=0)
    print(
        "   In all honesty: the rows are snapshots of a fluctuating process, and a snapshot of SOS is only loosely tied to the\n"
        "   SOS that Ras has seen. From such rows every method understates the effect of holding SOS: formula* against truth.\n"
        "   And Erk counts molecules, while the model has a continuous Erk: the fair threshold between 90 and 91 is 90.5,\n"
        f"   where it says {between.mean:.2f}.\n"
    )

    saved = posterior.save(folder / "signaling.ldo")
    picture = draw(answers, rivals, truth, folder / "signaling.png")
    print(f'6. Saved: {saved} (ask it more: latentdo ask {saved} "E[Erk | do(Ras=30)]") and {picture}.')
    print(f"   The whole job took {time.perf_counter() - begun:.0f} s.")


def draw(answers: list[ld.Answer], rivals: list, truth: list[float], path: Path) -> Path:
    """The two means with their intervals, the naive regression beside them, and the truth as a bar."""
    rows, references = [], {}
    for answer, rival, value in list(zip(answers, rivals, truth, strict=True))[:2]:
        row = answer.summary()
        estimate, error = rival
        name = f"naive regression at {row.label[-4:-2]}"
        low, high = estimate - 1.645 * error, estimate + 1.645 * error
        rows += [replace(row, unit=UNIT), Summary(name, estimate, error, low, high, 0.9, UNIT, "naive")]
        references |= {row.label: value, name: value}
    axes = forest(rows, references=references, xlabel="mean of Erk", title=TITLE)
    axes.figure.savefig(path, dpi=150)
    return path


UNIT = "active molecules of 100"
TITLE = "SOS held, from 100 observed cells: estimate with 90 % interval, and truth (black bar)"

if __name__ == "__main__":
    main()

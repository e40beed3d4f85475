"""The main job: what a treatment does, read from a table in which its hidden cause was never measured.

Simulates a table, proves that the question can be answered, trains once, asks, and sets the naive regression and the truth
beside the answer. Then the same model meets a table that it does not fit: its number is wrong and looks as sure as before, the
check says so and what to write instead, and with that the answer holds its truth. Files and a picture are left in `demo/`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import latentdo as ld
from latentdo.plots import forest

ROWS = 1_000
MODEL = """
latent Health ~ normal               # moves who takes the drug and how they fare; nobody measured it
Dose   ~ normal(Health)
Enzyme ~ normal(Dose)                # all that the drug does, it does through the enzyme
Score  ~ normal(Enzyme, Health)
"""
REPAIRED = """
latent Health ~ normal
Dose   ~ normal(Health)
Enzyme ~ normal(Dose, High)
High   ~ bernoulli(Dose)
Score  ~ normal(Enzyme, Health)
"""
QUESTION = "E[Score | do(Dose=1)] - E[Score | do(Dose=0)]"
REPAIRED_QUESTION = "E[Score | do(Dose=0.9, High=0)] - E[Score | do(Dose=-1, High=0)]"
BENT_QUESTION = "E[Score | do(Dose=0.9)] - E[Score | do(Dose=-1)]"


@dataclass(frozen=True)
class Told:
    """One answer beside the naive one and the truth."""

    table: str
    answer: ld.Answer
    naive: tuple[float, float]
    truth: float


def table(*, bent: bool) -> dict[str, np.ndarray]:
    """Rows in which the effect of one unit of the dose is 0.72; bent, the enzyme jumps by 4 where the dose exceeds 1."""
    random = np.random.default_rng(5)
    health = random.normal(size=ROWS)
    dose = health + random.normal(size=ROWS)
    enzyme = (4.0 * (dose > 1.0) if bent else 0.8 * dose) + random.normal(size=ROWS)
    score = 0.9 * enzyme + health + random.normal(size=ROWS)
    return {"Dose": dose, "Enzyme": enzyme, "Score": score}


def naive(rows: dict[str, np.ndarray], change: float) -> tuple[float, float]:
    """The least-squares slope of the score on the dose, times a change of the dose, with its standard error."""
    x, y = rows["Dose"], rows["Score"]
    slope, intercept = np.polyfit(x, y, 1)
    residual = y - intercept - slope * x
    error = np.sqrt(residual @ residual / (len(x) - 2) / ((x - x.mean()) @ (x - x.mean())))
    return change * slope, abs(change) * error


def indented(text: object) -> str:
    return "   " + str(text).replace("\n", "\n   ")


def main() -> None:
    folder = Path("demo")
    folder.mkdir(exist_ok=True)
    begun = time.perf_counter()

    print(f"1. Data: {ROWS:,} patients. Their health moves the dose and the score, and is not in the table.")
    rows = table(bent=False)
    np.savetxt(
        folder / "trial.csv", np.column_stack(list(rows.values())), delimiter=",", header=",".join(rows), comments=""
    )
    print(f"   {folder / 'trial.csv'}: {', '.join(rows)}\n")

    print("2. Proof: can these columns tell what the dose does to the score?")
    model = ld.model(MODEL)
    print(indented(ld.identify(model, "E[Score | do(Dose=1)]")) + "\n")

    print("3. Training: one fit.")
    posterior = ld.fit(model, folder / "trial.csv", seed=0)
    print(f"   {posterior.seconds:.1f} s, {'converged' if posterior.converged else 'NOT converged'}.\n")

    print("4. The question, and whether the rows fit the model that the answer rests on:")
    first = Told("rows that fit", ld.ask(posterior, QUESTION), naive(rows, 1.0), 0.72)
    print(indented(first.answer))
    print(
        f"   truth 0.72; a regression of the score on the dose says {first.naive[0]:.2f} (standard error {first.naive[1]:.2f})\n"
    )

    print(
        "5. The same model, a table that it does not fit: below a dose of 1 the drug does nothing, above it the enzyme jumps."
    )
    bent = table(bent=True)
    wrong = ld.fit(model, bent, seed=0, progress=False)
    second = Told("rows that bend", ld.ask(wrong, BENT_QUESTION), naive(bent, 1.9), 0.0)
    print(indented(second.answer))
    print("   truth 0. The interval is as narrow as before: only the check can tell.\n")

    print("6. So written, with a column that is 1 where the dose exceeds 1, and that is held at 0 with the dose:")
    bent["High"] = (bent["Dose"] > 1.0).astype(float)
    mended = ld.fit(REPAIRED, bent, seed=0, progress=False)
    third = Told("rows that bend, mended", ld.ask(mended, REPAIRED_QUESTION), second.naive, 0.0)
    print(indented(third.answer) + "\n")

    picture = draw([first, second, third], folder / "front_door.png")
    saved = posterior.save(folder / "trial.ldo", data=True)
    print(f'7. Saved: {picture} and {saved}. Ask it more: latentdo ask {saved} "P(Score > 1 | do(Dose=1))"')
    print(f"   The whole job took {time.perf_counter() - begun:.0f} s.")


def draw(told: list[Told], path: Path) -> Path:
    """Every answer with its interval and the check's word, the naive one beside it, and the truth as a bar."""
    rows, references = [], {}
    for one in told:
        own = replace(one.answer.summary(), label=f"{one.table}: {one.answer.fit.word}")
        value, error = one.naive
        low, high = value - 1.645 * error, value + 1.645 * error
        rival = replace(
            own, label=f"{one.table}: naive", estimate=value, sd=error, lower=low, upper=high, method="naive"
        )
        rows += [own, rival]
        references |= {own.label: one.truth, rival.label: one.truth}
    axes = forest(rows, references=references, title=TITLE)
    axes.figure.savefig(path, dpi=150)
    return path


TITLE = "Estimate with 90 % interval, and truth (black bar)"

if __name__ == "__main__":
    main()

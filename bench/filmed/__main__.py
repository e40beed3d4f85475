"""Take the pictures: `python -m filmed [--out FOLDER]`, from `bench/`. Needs Chromium; takes about a minute.

Eight pictures are one session: a front door is drawn, proved, broken and mended, then trained on a table and asked. One more is
for the first screen of the README.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.append(str(Path(__file__).parents[2] / "tests"))

from browsing import Visit, chromium, reason_to_skip, served

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT = 1440, 900
SHOWN = 1000
"""Pixels across in the documentation."""
EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"
NAPKIN = "W -> R -> X -> Y\nW <-> X\nW <-> Y\n"


class Camera:
    """Takes pictures of a visit into a folder."""

    def __init__(self, visit: Visit, folder: Path) -> None:
        self.visit = visit
        self.folder = folder

    def take(self, name: str, *, quality: int = 62) -> None:
        """One picture of what is on the screen."""
        self.visit.page.wait_for_timeout(400)
        taken = Image.open(io.BytesIO(self.visit.page.screenshot())).convert("RGB")
        height = round(taken.height * SHOWN / taken.width)
        path = self.folder / f"{name}.webp"
        taken.resize((SHOWN, height), Image.Resampling.LANCZOS).save(path, quality=quality, method=6)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def draw(visit: Visit, camera: Camera) -> None:
    """A front door, by mouse."""
    visit.open("")
    for name, x in (("X", 0.2), ("M", 0.5), ("Y", 0.8)):
        visit.draw_node(name, x, 0.55)
    visit.draw_edge("X", "M")
    visit.draw_edge("M", "Y")
    visit.draw_edge("X", "Y", modifier="Shift")
    visit.choose("X", "Treatment")
    visit.choose("Y", "Outcome")
    visit.page.keyboard.press("Escape")
    camera.take("1-draw")


def prove(visit: Visit, camera: Camera) -> None:
    """The proof, with a step lit."""
    step = visit.unfold("proof").locator("li.step:has(figure)").first
    step.scroll_into_view_if_needed()
    step.hover()
    camera.take("2-prove")
    visit.fold("proof")


def refuse(visit: Visit, camera: Camera) -> None:
    """A no with its hedge; two models; a remedy."""
    visit.draw_edge("X", "M", modifier="Shift")
    visit.page.mouse.move(5, 5)
    visit.scroll_to("#answer")
    camera.take("3-no")
    visit.unfold("witness")
    visit.scroll_to('[data-fold="witness"]')
    camera.take("4-why")
    visit.fold("witness")
    visit.press("rule out X <-> M", inside="#answer")
    visit.unfold("matrix")
    visit.scroll_to("#whole")
    visit.page.locator('td[data-query="P(Y | do(X))"]').hover()
    camera.take("5-pairs")
    visit.fold("matrix")


def bring(visit: Visit, camera: Camera, table: Path) -> None:
    """A table, and a model for it."""
    visit.ask(EFFECT)
    visit.page.set_input_files("#data-file", table)
    visit.page.locator("#data .histogram").nth(2).wait_for()
    visit.press("Write a family for each node", inside="#data")
    visit.until("() => document.querySelector('#data-check').childElementCount > 0", patience=120)
    visit.page.locator("#fit-plan", has_text="The plan").wait_for(timeout=120_000)
    visit.scroll_to("#data")
    camera.take("6-table")


def train(visit: Visit, camera: Camera) -> None:
    """The fit, and its answers."""
    visit.press("Train", inside="#fit")
    visit.until("() => document.querySelector('#fit .pane-body').dataset.fit === 'done'", patience=300)
    visit.page.locator("#fit summary", has_text="The fit in numbers").click()
    visit.scroll_to("#fit")
    camera.take("7-train")
    visit.page.click("#ask-all")
    visit.page.locator("#answers .plot img").wait_for(timeout=120_000)
    visit.page.locator("#ask summary", has_text="A curve").click()
    visit.page.click("#curve-draw")
    visit.page.locator("#curve input").wait_for(timeout=120_000)
    visit.scroll_to("#ask")
    camera.take("8-ask")


def front(visit: Visit, camera: Camera) -> None:
    """The napkin with its proof, for the README."""
    visit.open(NAPKIN, "P(Y | do(X))")
    step = visit.unfold("proof").locator('li.step[data-rule="rule 2"]').first
    visit.scroll_to("#answer")
    step.hover()
    camera.take("page", quality=70)


def rows(path: Path) -> Path:
    """The table of the README's front door."""
    random = np.random.default_rng(5)
    u = random.normal(size=1_000)
    x = u + random.normal(size=1_000)
    m = 0.8 * x + random.normal(size=1_000)
    y = 0.9 * m + u + random.normal(size=1_000)
    np.savetxt(path, np.column_stack([x, m, y]), delimiter=",", header="X,M,Y", comments="")
    return path


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "tutorials" / "pictures")
    parser.add_argument("--dark", action="store_true")
    asked = parser.parse_args()
    if reason := reason_to_skip():
        print(f"Skipped: {reason}.")
        return
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as address, chromium() as browser:
        scheme = "dark" if asked.dark else "light"
        size = {"width": WIDTH, "height": HEIGHT}
        visit = Visit(browser.new_context(viewport=size, color_scheme=scheme).new_page(), address)
        camera = Camera(visit, asked.out)
        table = rows(Path(folder) / "trial.csv")
        scenes: list[Callable[[Visit, Camera], None]] = [
            draw,
            prove,
            refuse,
            lambda visit, camera: bring(visit, camera, table),
            train,
            front,
        ]
        for scene in scenes:
            scene(visit, camera)
        visit.leave()


if __name__ == "__main__":
    main()

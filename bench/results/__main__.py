"""Write the stored results into the pages of the documentation: `python -m results` from `bench/`."""

from __future__ import annotations

from pathlib import Path

from .filling import filled
from .pictures import draw
from .rival_tables import estimates, found_of_ananke, ratios, real_rows, seconds
from .tables import agreement, asking, asking_errors, beside_nuts, calibration, coverage, covid, fit_checks, training

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    "explanation/trust.md": {
        "calibration of the default engine": lambda: calibration(["auto"]),
        "calibration of the engines": lambda: calibration(["nuts", "laplace", "svi"]),
        "agreement": agreement,
        "agreement beside NUTS": beside_nuts,
        "coverage": coverage,
        "covid": covid,
        "checks of right models": lambda: fit_checks(wrong=False),
        "checks of wrong models": lambda: fit_checks(wrong=True),
    },
    "explanation/real-rows.md": {
        "real rows": real_rows,
        "witnesses": estimates,
        "ananke": found_of_ananke,
        "seconds": seconds,
        "ratios": ratios,
    },
    "explanation/speed.md": {"training": training, "asking": asking, "asking errors": asking_errors},
}


def main() -> None:
    for name, tables in PAGES.items():
        path = DOCS / name
        page = path.read_text(encoding="utf8")
        for title, make in tables.items():
            page = filled(page, title, make())
        path.write_text(page, encoding="utf8")
        print(f"wrote {len(tables)} tables into {path}")
    draw(DOCS, DOCS / "explanation" / "pictures")


if __name__ == "__main__":
    main()

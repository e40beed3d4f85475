"""README and documentation: every block runs and prints what the page shows, links resolve, the site builds."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from latentdo.models import FAMILIES
from markdown_pages import PageError, Runner, blocks, comments, is_ours, make_targets, pairs
from page_numbers import same_output

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
DOORS = ("tutorials", "how-to", "explanation", "reference")


def doc_pages() -> list[Path]:
    """The pages in the order in which they run: tutorials first, whose saved fits the others reuse."""
    pages = sorted(path for path in DOCS.rglob("*.md") if "site" not in path.relative_to(DOCS).parts)
    order = {door: i for i, door in enumerate((*DOORS[:1], "", *DOORS[1:]))}
    return sorted(pages, key=lambda path: (order[door_of(path)], path))


def door_of(path: Path) -> str:
    return parts[0] if len(parts := path.relative_to(DOCS).parts) > 1 else ""


def navigation() -> Iterator[str]:
    """The pages that the site's menu names."""

    def walk(entry: object) -> Iterator[str]:
        match entry:
            case str():
                yield entry
            case list():
                for item in entry:
                    yield from walk(item)
            case dict():
                yield from walk(list(entry.values()))
            case _:
                raise AssertionError(entry)

    yield from walk(site()["nav"])


def site() -> dict[str, object]:
    return tomllib.loads((DOCS / "zensical.toml").read_text(encoding="utf-8"))["project"]


# --- the pages


@pytest.fixture
def own_kinds() -> Iterator[None]:
    """Families, engines and methods that a page makes known are forgotten afterwards."""
    import latentdo.inference  # noqa: F401 - which makes its engines known
    from latentdo.estimators import all_methods
    from latentdo.extensions import ENGINES, ESTIMATORS

    all_methods()
    before = [(known, dict(known)) for known in (FAMILIES, ENGINES, ESTIMATORS)]
    yield
    for known, classes in before:
        known.clear()
        known.update(classes)


@pytest.mark.usefixtures("own_kinds")
def test_every_block_runs_and_prints_what_the_page_shows(
    subtests: pytest.Subtests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from latentdo.cli import main

    # One folder and one process for all pages: a table or a fit made by one is there for the next.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    runner = Runner(ROOT, main)
    for path in [*doc_pages(), ROOT / "README.md"]:
        with subtests.test(page=str(path.relative_to(ROOT))):
            runner.run(path)


def test_readme_starts_with_the_two_make_lines() -> None:
    shell = [block for block in blocks((ROOT / "README.md").read_text(encoding="utf-8")) if block.language == "sh"]
    lines = [line.partition("#")[0].strip() for line in shell[0].text.splitlines()]
    assert lines == ["make demo", "make check"]


def test_shell_blocks_elsewhere_name_targets_and_packages_that_exist() -> None:
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        for block in blocks((ROOT / name).read_text(encoding="utf-8")):
            if block.language != "sh":
                continue
            for line in block.text.splitlines():
                words = line.partition("#")[0].split()
                if words[:1] == ["make"]:
                    assert words[1] in make_targets(ROOT), f"{name}:{block.line}: {line}"
                if words[:2] == ["pip", "install"]:
                    assert is_ours(ROOT, words[2].strip("'\"")), f"{name}:{block.line}: {line}"


def test_relative_links_outside_the_site_resolve() -> None:
    missing = []
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / name).read_text(encoding="utf-8")):
            if not re.match(r"https?:|#|mailto:", target) and not (ROOT / target.partition("#")[0]).exists():
                missing.append(f"{name}: {target}")
    assert not missing


# --- the site


def test_every_page_is_in_the_menu_and_in_one_of_the_four_doors() -> None:
    assert sorted(navigation()) == sorted(path.relative_to(DOCS).as_posix() for path in doc_pages())


def test_home_page_leads_to_every_how_to() -> None:
    home = (DOCS / "index.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\((how-to/[\w-]+\.md)\)", home)) == {
        path.relative_to(DOCS).as_posix() for path in (DOCS / "how-to").glob("*.md")
    }


def test_site_builds_without_a_warning(tmp_path: Path) -> None:
    # A link to a page or a heading that does not exist is a warning, and with --strict an error.
    folder = tmp_path / "docs"
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns("site", ".cache"))
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(folder / "zensical.toml")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    home = (folder / "site" / "index.html").read_text(encoding="utf-8")
    assert "fonts.googleapis" not in home


def test_reference_has_every_public_name() -> None:
    shown = set()
    for path in (DOCS / "reference").glob("*.md"):
        shown |= set(re.findall(r"^::: latentdo\.(\w+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
    stored = set((ROOT / "tests" / "api_names.txt").read_text().split())
    assert stored <= shown


# --- the machinery itself


ANSWER = "0.75 (90 % interval 0.62 to 0.90) converged (R-hat 1.00)"
ROW = "lvm 0.755 0.084 0.620 to 0.897 0.024 s R-hat 1.001; ESS 3,466; MCSE 0.0014"
PRIORS = "Dose 4.898 1.39 to 8.36 1.072 0.116 to 2.15 81 %"


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        ("a\n b", "a b\n"),
        ("done … ok", "done and all was\nfound ok"),
        ("done in 3 s", "done in 17.2 s"),
        ("exactly 0.0", "exactly -0.0"),
        # An sd of 0.085 and 400 draws: 0.017 for the mean, 0.036 for the ends, and a unit for rounding.
        (ANSWER, "0.77  (90 % interval 0.66 to 0.86)   converged (R-hat 1.01)"),
        (ANSWER, "0.757 (90 % interval 0.619 to 0.904) converged (R-hat 1.003)"),
        (ROW, "lvm  0.770  0.094  0.590 to 0.930  1.3 s  R-hat 1.009; ESS 2,010; MCSE 0.0019"),
        ("88.8 (88.2 to 89.3)", "88.9 (88.0 to 89.5)"),
        ("0.02 units of Erk (0.00 to 0.06), True", "0.03 units of Erk (0.01 to 0.07), True"),
        ("& $4.1$ & $[1.7,\\ 6.4]$", "& $4.3$ & $[1.2,\\ 6.8]$"),
        ("north 0.42 ± 0.06", "north 0.43 ± 0.05"),
        ("k-hat 0.12", "k-hat −0.05"),
    ],
)
def test_numbers_may_differ_by_their_monte_carlo_error(expected: str, printed: str) -> None:
    assert same_output(expected, printed)


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        (ANSWER, ANSWER.replace("0.75", "0.78")),
        (ANSWER, ANSWER.replace("0.62", "0.57")),
        (ANSWER, ANSWER.replace("0.90)", "0.95)")),
        (ANSWER, ANSWER.replace("90 %", "95 %")),
        (ANSWER, ANSWER.replace("1.00", "1.03")),
        (ROW, ROW.replace("0.755", "0.774")),
        (ROW, ROW.replace("0.084", "0.098")),
        (ROW, ROW.replace("3,466", "1,400")),
        ("north 0.42 ± 0.06", "north 0.45 ± 0.06"),
        # What has no Monte Carlo error is exact to the digits shown.
        ("100 rows", "101 rows"),
        ("4,000 draws", "4,001 draws"),
        ("E[Y | do(X=0.5)]", "E[Y | do(X=0.51)]"),
        ("it is 0.4375 in model 1", "it is 0.4376 in model 1"),
        ("-1.7e-05", "-1.8e-05"),
        ("1.70", "1.71"),
        ("1.70", "1.7"),
        ("A<->B.1", "A<->B.2"),
        ("R-hat 1.00", "R-hat 1.00, converged"),
        ("SOS 42.69 to 47.87", "SOS 42.69 to 47.88"),
        ("SOS = 70 lies outside the data (35 to 61; 4.76 sd)", "SOS = 70 lies outside the data (35 to 61; 4.77 sd)"),
        (PRIORS, PRIORS.replace("4.898", "4.899")),
        (PRIORS, PRIORS.replace("8.36", "8.37")),
    ],
)
def test_numbers_differ_by_no_more(expected: str, printed: str) -> None:
    assert not same_output(expected, printed)


def test_cells_of_a_matrix_may_differ_by_the_error_of_their_effect() -> None:
    shown, cells = "SOS 42.69 to 47.87 1.40* 0.023*", [(1.402, 0.5), (0.0229, 0.015)]
    assert same_output(shown, "SOS 42.69 to 47.87 1.49* 0.025*", cells)
    for wrong in ("1.52* 0.023*", "1.40* 0.029*"):
        assert not same_output(shown, f"SOS 42.69 to 47.87 {wrong}", cells)
    assert not same_output(shown, "SOS 42.69 to 47.88 1.40* 0.023*", cells)
    assert not same_output(shown, "SOS 42.69 to 47.87 1.41* 0.023*")


PAGE = """\
<!--
```python
hidden = 1
```
-->
```python
hidden + 1   # 2
"a # b"
# a # b

# An ordinary comment stands apart.
print(hidden)
```

```text
2 is not repeated
```
"""


def test_blocks_are_found_with_their_lines_and_their_output() -> None:
    first, second = pairs(PAGE)
    assert (first[0].text, first[0].line, first[1]) == ("hidden = 1", 3, None)
    assert second[0].line == 7
    assert second[1] is not None
    assert second[1].text == "2 is not repeated"
    assert comments(second[0].text, 7) == {7: " 2", 8: " a # b"}


def run_page(text: str, folder: Path) -> None:
    (folder / "Makefile").write_text("check:  ## everything\n")
    (folder / "page.md").write_text(text)

    def main() -> int:
        print("seen:", *sys.argv[1:])
        return 3 if "no" in sys.argv else 0

    Runner(folder, main).run(folder / "page.md")


@pytest.mark.parametrize(
    "text",
    [
        "```python\n1 + 1   # 2\n```\n",
        "```python\nx = 1\n```\nand\n```python\nprint(x + 1)\n```\n\n```text\n2\n```\n",
        "```python\n1 + 1   # 2\nprint(3)\n```\n\n```text\n3\n```\n",
        "```sh\nlatentdo ask 'a b' \\\n  --json\n```\n```text\nseen: ask a b --json\n```\n",
        "```console\n$ latentdo ask\nseen: ask\n$ latentdo no   # exit code 3\nseen: no\n```\n",
        "```sh\nmake check\n```\n",
        '```toml\n[a]\nb = "c"\n```\n',
        '```yaml title="study.yaml"\nmodel: X ~ normal\n```\n```python\nopen("study.yaml").close()\n```\n',
        "```latentdo\nlatent U ~ normal; X ~ normal(U)\n```\n```latentdo\nX -> Y; X ~~ Y\n```\n",
        "```python\nimport latentdo as ld\nld.graph('X -> X')\n```\n```text\nGraphError: …\n```\n",
    ],
)
def test_a_true_page_passes(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(text, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```python\n1 + 1   # 3\n```\n", "page.md:2: the page shows"),
        ("\n```python\n1 / 0\n```\n", 'page.md", line 3'),
        ("```sh\nlatentdo no\n```\n", "ends with 3, not 0"),
        ("```sh\nmake war\n```\n", "neither a latentdo command"),
        ("```bash\nls\n```\n", "a block of bash"),
        ("```latentdo\nX ~ norma\n```\n", "Did you mean 'normal'"),
        ("```yaml\nmodel: X ~ normal\nqueris: []\n```\n", "queries"),
    ],
)
def test_a_false_page_is_told_by_file_and_line(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PageError) as caught:
        run_page(text, tmp_path)
    assert said in str(caught.value)

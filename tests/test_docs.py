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

from latentdo.models.family import FAMILIES
from markdown_pages import PageError, Runner, blocks, comments, is_ours, make_targets, pairs, same_output

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
def own_families() -> Iterator[None]:
    """Families that a page makes known are forgotten afterwards."""
    known = dict(FAMILIES)
    yield
    FAMILIES.clear()
    FAMILIES.update(known)


@pytest.mark.usefixtures("own_families")
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


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("1.70 (90 % interval 1.4 to 2.0)", "1.72  (90 % interval 1.3 to 2.1)", True),
        ("1.70", "1.73", False),
        ("1.70", "1.7", True),
        ("-1.7e-05", "-1.8e-05", True),
        ("100 rows", "100 rows", True),
        ("E[Y | do(X=1)]", "E[Y | do(X=2)]", False),
        ("ESS 3,900", "ESS 3412", True),
        ("ESS 3900", "ESS 2000", False),
        ("done in 3 s", "done in 17.2 s", True),
        ("done … ok", "done and all was\nfound ok", True),
        ("R-hat 1.00", "R-hat 1.00, converged", False),
        ("A<->B.1", "A<->B.2", False),
        ("a\n b", "a b\n", True),
    ],
)
def test_output_is_compared_by_its_numbers(expected: str, printed: str, same: bool) -> None:
    assert same_output(expected, printed) is same


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

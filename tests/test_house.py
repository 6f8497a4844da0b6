"""The house keeps its shape: who may write, how long a module is, that it says what it is for."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(
    path
    for folder in ("config", "studies", "reviews", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts and path.stat().st_size
)
WRITING = re.compile(r"\.(save|delete|bulk_create|bulk_update|update_or_create|get_or_create)\(|objects\.create\(")
WRITERS = {"actions", "models", "migrations"}


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=names)
def test_a_module_says_in_one_line_what_it_is_for(path):
    docstring = ast.get_docstring(ast.parse(path.read_text()))

    assert docstring and docstring.splitlines()[0].endswith((".", "?")), path


@pytest.mark.parametrize("path", MODULES, ids=names)
def test_a_module_stays_under_400_lines(path):
    limit = 600 if "tests" in path.parts else 400

    assert len(path.read_text().splitlines()) <= limit


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if p.parts[len(ROOT.parts)] in {"studies", "reviews"} and not WRITERS & set(p.parts)],
    ids=names,
)
def test_only_actions_models_and_the_admin_write(path):
    if path.name == "admin.py":
        pytest.skip("the admin saves what its forms hold")

    assert not WRITING.search(path.read_text())


def test_imports_keep_the_floors():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout


def test_nothing_names_a_registry_of_packages_or_the_machine_it_was_made_on():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    words = re.compile("|".join(["pypi" + r"\.org", "files.python" + "hosted", "/wo" + "rk/", "psyco" + "pg3"]))

    found = [
        name
        for name in filter(None, listed.split("\0"))
        if (ROOT / name).suffix in {".py", ".md", ".toml", ".html", ".css", ".js", ".json", ""}
        and (ROOT / name).is_file()
        and words.search((ROOT / name).read_text(errors="replace"))
    ]

    assert not found

"""The walls of the house: who may import whom, read from the source of every module."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("manage", "config", "api", "ingest", "db")
FLOORS = ("words", "sources", "text", "formats", "meaning", "", "schedule")
"""The rooms of ``ingest`` from the ground up; "" is what lies in none of them."""
WINGS = {
    "metrics": set(),
    "speech": set(),
    "draw": {"speech"},
    "asking": {"speech"},
    "keeping": {"metrics", "speech"},
    "serving": {"keeping", "metrics"},
    "reports": {"asking", "draw", "speech"},
    "answering": {"asking", "draw", "keeping", "metrics", "reports", "speech"},
    "export": {"asking", "draw", "keeping", "answering", "metrics"},
    "page": {"asking", "draw", "keeping", "answering", "metrics", "reports", "speech"},
    "routes": {"asking", "draw", "keeping", "answering", "metrics", "reports"},
    "edge": {"answering"},
    "warming": {"asking", "keeping", "answering", "page", "speech"},
    "openapi": {"asking", "draw", "keeping", "answering", "reports", "export", "page", "routes"},
}
"""The rooms of ``api`` and which of the others each may lean on."""
READ_CONFIG = {"manage", "api"}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files_of(*folders: str) -> list[Path]:
    single = [ROOT / f"{folder}.py" for folder in folders if (ROOT / f"{folder}.py").is_file()]
    return single + sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


MODULES = {name_of(path): path for path in files_of(*ROOMS)}
EVERY_FILE = files_of(*ROOMS, "tests", "bench", "deploy", "docs")


def imports_of(module: str) -> set[str]:
    """Every dotted name that the module imports, at the top or in a function; relative ones made absolute.

    `from a import b` gives `a.b`: what `b` is, a module or something in `a`, is for the caller to find out.
    """
    path = MODULES[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join(base + ([node.module] if node.module else []))
            found |= {f"{source}.{alias.name}" for alias in node.names}
    return found


def module_behind(name: str) -> str | None:
    """The module of ours that the imported name is, or is in."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name or None


def rooms_of(module: str) -> set[str]:
    """The top-level packages that the module imports."""
    return {name.split(".")[0] for name in imports_of(module)}


IMPORTS = {module: imports_of(module) for module in MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_arrows_point_down(module: str) -> None:
    room = module.split(".")[0]
    forbidden = {
        "manage": set(),
        "api": {"manage", "ingest", "tests", "bench"},
        "ingest": {"manage", "api", "flask", "flask_caching", "tests", "bench"},
        "db": {"manage", "api", "ingest", "config", "flask", "pandas", "matplotlib", "tests", "bench"},
        "config": {"manage", "api", "ingest", "db", "tests", "bench"},
    }[room]
    assert not rooms_of(module) & forbidden


def floor_of(module: str) -> int:
    """How high up in ``ingest`` a module lives; what is said of an input is for every floor."""
    parts = module.split(".")
    room = parts[1] if len(parts) > 1 and parts[1] in FLOORS else ""
    return 0 if module == "ingest.outcome" else FLOORS.index(room)


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("ingest.")])
def test_no_floor_of_the_ingest_leans_on_one_above_it(module: str) -> None:
    behind = {module_behind(name) for name in IMPORTS[module]} - {None, "ingest"}
    ours = [name for name in behind if name and name.startswith("ingest.")]
    assert [name for name in ours if floor_of(name) > floor_of(module)] == []


@pytest.mark.parametrize(
    "module", [name for name in MODULES if name.split(".")[1:2] and name.split(".")[1] in WINGS]
)
def test_no_room_of_the_web_face_leans_on_one_that_it_must_not_know(module: str) -> None:
    room = module.split(".")[1]
    behind = {name.split(".")[1] for name in IMPORTS[module] if name.startswith("api.")}
    assert behind & set(WINGS) <= WINGS[room] | {room}


@pytest.mark.parametrize("module", MODULES)
def test_only_the_front_door_and_the_factory_read_the_settings(module: str) -> None:
    assert module in READ_CONFIG or "config" not in rooms_of(module)


@pytest.mark.parametrize("module", MODULES)
def test_nobody_draws_with_pyplot_whose_state_all_threads_share(module: str) -> None:
    assert not [name for name in IMPORTS[module] if name.startswith(("matplotlib.pyplot", "pylab"))]
    assert "pyplot" not in {name.rpartition(".")[2] for name in IMPORTS[module]}


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("api.")])
def test_no_part_of_the_web_face_imports_its_own_roof(module: str) -> None:
    assert "api" not in {module_behind(name) for name in IMPORTS[module]}


def test_the_imports_run_in_no_circle() -> None:
    graph = {
        module: {behind for name in IMPORTS[module] if (behind := module_behind(name)) and behind != module}
        for module in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"these import each other: {' <- '.join(error.args[1])}", pytrace=False)


@pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_opens_by_saying_what_lives_there(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))

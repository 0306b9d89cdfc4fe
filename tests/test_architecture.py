"""The walls of the house: who may import whom, read from the source of every module."""

from __future__ import annotations

import ast
from functools import cache
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
READ_CONFIG = {"manage", "api.factory"}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files_of(*folders: str) -> list[Path]:
    single = [ROOT / f"{folder}.py" for folder in folders if (ROOT / f"{folder}.py").is_file()]
    return single + sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


MODULES = {name_of(path): path for path in files_of(*ROOMS)}


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


@cache
def imports() -> dict[str, set[str]]:
    """What each module imports; read where it is wanted, and not by every process that collects tests."""
    return {module: imports_of(module) for module in MODULES}


def roots_of(module: str) -> set[str]:
    """The top-level packages that the module imports."""
    return {name.split(".")[0] for name in imports()[module]}


def test_arrows_point_down() -> None:
    forbidden = {
        "manage": set(),
        "api": {"manage", "ingest", "tests", "bench"},
        "ingest": {"manage", "api", "flask", "flask_caching", "tests", "bench"},
        "db": {"manage", "api", "ingest", "config", "flask", "pandas", "matplotlib", "tests", "bench"},
        "config": {"manage", "api", "ingest", "db", "tests", "bench"},
    }
    assert {name: bad for name in MODULES if (bad := roots_of(name) & forbidden[name.split(".")[0]])} == {}


def floor_of(module: str) -> int:
    """How high up in ``ingest`` a module lives; what is said of an input is for every floor."""
    parts = module.split(".")
    room = parts[1] if len(parts) > 1 and parts[1] in FLOORS else ""
    return 0 if module == "ingest.outcome" else FLOORS.index(room)


def test_no_floor_of_the_ingest_leans_on_one_above_it() -> None:
    above = {
        (name, behind)
        for name in MODULES
        if name.startswith("ingest.")
        for behind in map(module_behind, imports()[name])
        if behind and behind.startswith("ingest.") and floor_of(behind) > floor_of(name)
    }
    assert above == set()


def test_no_room_of_the_web_face_leans_on_one_that_it_must_not_know() -> None:
    found = {}
    for name in MODULES:
        room = name.split(".")[1] if name.startswith("api.") else ""
        if room in WINGS:
            behind = {other.split(".")[1] for other in imports()[name] if other.startswith("api.")}
            found[name] = behind & set(WINGS) - WINGS[room] - {room}
    assert {name: bad for name, bad in found.items() if bad} == {}


def test_only_the_front_door_and_the_factory_read_the_settings() -> None:
    assert {name for name in MODULES if "config" in roots_of(name)} == READ_CONFIG


def test_nobody_draws_with_pyplot_whose_state_all_threads_share() -> None:
    drawing = {
        (name, one)
        for name in MODULES
        for one in imports()[name]
        if one.startswith("pylab") or "pyplot" in one.split(".")
    }
    assert drawing == set()


def test_no_part_of_the_web_face_imports_its_own_roof() -> None:
    parts = [name for name in MODULES if name.startswith("api.")]
    assert [name for name in parts if "api.factory" in set(map(module_behind, imports()[name]))] == []


def test_the_imports_run_in_no_circle() -> None:
    graph = {
        module: {behind for name in imports()[module] if (behind := module_behind(name)) and behind != module}
        for module in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"these import each other: {' <- '.join(error.args[1])}", pytrace=False)


def test_every_module_opens_by_saying_what_lives_there() -> None:
    files = files_of(*ROOMS, "tests", "bench", "deploy", "docs")
    assert [path for path in files if not ast.get_docstring(ast.parse(path.read_text("utf-8")))] == []

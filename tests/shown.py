"""The commands of a documentation page, run one after the other: python -m tests.shown docs/ingest.md.

In a ``console`` block a line that begins with ``$ `` is a command and what follows is its output. Run as a
program, it writes the outputs anew; a test compares them. What differs from run to run is masked.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^\$ (.*(?:\n>.*)*)$", re.MULTILINE)
_MORE = re.compile(r"\n> ?")
_MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "2026-01-02T03:04:05Z"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b"), "2026-01-02 03:04"),
    (re.compile(r"\b\d{8}T\d{6}\.\d{6}Z"), "20260102T030405.678901Z"),
    (re.compile(r"\b\d+s ago\b"), "5s ago"),
    (re.compile(r"\b\d+\.\d s\b"), "0.1 s"),
    (re.compile(r"[\d,]+ rows/s"), "1,000 rows/s"),
    (re.compile(r'"seconds": [\d.]+'), '"seconds": 0.1'),
    (re.compile(r"\b[0-9a-f]{64}\b"), "0123456789abcdef" * 4),
    (re.compile(r"\bprocess \d+\b"), "process 4242"),
)


def masked(text: str) -> str:
    """Without what another run, or another day, would show."""
    for found, instead in _MASKS:
        text = found.sub(instead, text)
    return text


def anew(page: str) -> str:
    """The page with the output of every command as it is now; they share one folder and one home."""
    with tempfile.TemporaryDirectory(prefix="sightings-docs-") as name:
        folder = Path(name)
        return _BLOCK.sub(lambda block: f"```console\n{_run_all(block[1], folder)}```", page)


def _run_all(block: str, folder: Path) -> str:
    shown = []
    for found in _COMMAND.finditer(block):
        command = found[1]
        shown.append(f"$ {command}\n" + _run(_MORE.sub("\n", command), folder))
    return "".join(shown)


def _run(command: str, folder: Path) -> str:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SIGHTINGS_")}
    # The wide screen that a page has room for, and no colours.
    named = {"SIGHTINGS_HOME": str(folder / "var"), "COLUMNS": "116", "NO_COLOR": "1", "TERM": "dumb"}
    if not (folder / "manage.py").exists():
        (folder / "sightings.toml").touch()  # else the one beside the program would be meant
        python = folder / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        (folder / "manage.py").write_text(
            f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom manage import main\nmain()\n",
            encoding="utf-8",
        )
    shell = shutil.which("bash") or "sh"
    done = subprocess.run(
        [shell, "-c", command],
        cwd=folder,
        env={**kept, **named, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    lines = [line.rstrip() for line in masked(done.stdout.replace(f"{folder}/", "")).splitlines()]
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(anew(path.read_text(encoding="utf-8")), encoding="utf-8")

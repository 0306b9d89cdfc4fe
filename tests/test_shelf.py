"""The folder of kept answers stays within its bounds, however many processes write into it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from flask import Flask

from api.keeping import shelf as shelf_module
from api.keeping.cache import Cache, open_cache
from api.keeping.envelope import Answer
from api.keeping.shelf import ORPHAN_SECONDS, TOUCH_SECONDS, Shelf

ROOT = Path(__file__).resolve().parent.parent
MIB = 1 << 20
PAGE = 4096
WRITER = """
import os, sys, time
from pathlib import Path
from flask import Flask
from api.keeping.cache import open_cache
from api.keeping.envelope import Answer
folder, bound, asked = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
pause, name, count = float(sys.argv[4]), sys.argv[5], int(sys.argv[6])
cache = open_cache(Flask("test"), "files", folder, bound)
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    while time.time() - asked.stat().st_mtime > 0.1:  # on a busy machine; what nobody asks for is not hot
        time.sleep(0.01)
    time.sleep(pause)
    cache.put(Answer(f"{name} {number}", {"identity": os.urandom(1000 + number * 7919 % 20_000)}))
print(cache.failures, flush=True)
"""


def opened(folder: Path, bound: int = MIB) -> Cache:
    return open_cache(Flask("test"), "files", folder, bound)


def on_disk(folder: Path) -> tuple[int, int]:
    """Bytes as the file system gives them out, and files."""
    sizes = []
    for path in (path for path in folder.iterdir() if path.name[0] != "."):
        try:
            sizes.append(-(-path.stat().st_size // PAGE) * PAGE)
        except FileNotFoundError:
            continue
    return sum(sizes), len(sizes)


def fill(cache: Cache, count: int, size: int = 3000, name: str = "key") -> None:
    for number in range(count):
        cache.put(Answer(f"{name} {number}", {"identity": os.urandom(size)}))


def test_four_processes_together_stay_within_the_bound_and_the_hot_answer_stays(
    tmp_path: Path, soak: bool
) -> None:
    # Where little is kept they take as long for an answer as one takes to be made: a folder that is filled
    # anew each tenth of a second keeps nothing.
    each, bound, pause = (10_000, 64 * MIB, 0.0) if soak else (400, 4 * MIB, 0.01)
    folder, most = tmp_path / "cache", 0
    hot = opened(folder, bound)
    hot.put(Answer("hot", {"identity": b"hot"}))
    asked = tmp_path / "asked"
    asked.touch()
    command = [sys.executable, "-W", "error", "-c", WRITER, str(folder), str(bound), str(asked), str(pause)]
    writers = [
        subprocess.Popen(
            [*command, name, str(each)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for name in "abcd"
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        while any(writer.poll() is None for writer in writers):
            for _ in range(20):
                assert hot.get("hot") is not None
                asked.touch()
                time.sleep(0.005)
            most = max(most, on_disk(folder)[0])
    finally:
        told = [(writer.kill(), writer.communicate()[0])[1] for writer in writers]
    # On a busy machine one may have to wait too long for the count: then an answer is not kept.
    assert sum(map(int, told)) <= each // 100
    size, files = on_disk(folder)
    assert bound * 0.5 < size <= most <= bound * 1.1
    assert hot.get("hot") is not None
    held = hot.held()
    assert abs(held.bytes - size) < bound * 0.1
    assert abs(held.entries - files) < files * 0.1
    assert held.evictions > each


def test_the_number_of_files_is_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_module, "ENTRIES", 50)
    cache = opened(tmp_path)
    fill(cache, 130, 10)
    assert 40 <= on_disk(tmp_path)[1] <= 55
    assert cache.get("key 129") is not None


def test_a_write_looks_at_no_other_file_until_the_folder_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Path] = []
    real = shelf_module._files
    monkeypatch.setattr(shelf_module, "_files", lambda folder: (looks.append(folder), real(folder))[1])
    cache = opened(tmp_path)
    fill(cache, 250)
    assert len(looks) == 1  # the first one, at what was there before
    fill(cache, 250, name="more")
    assert 2 <= len(looks) <= 14


def test_what_is_read_stays_and_what_is_not_goes(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    fill(cache, 100)
    long_ago = time.time() - 600
    for path in tmp_path.iterdir():
        os.utime(path, (long_ago, long_ago))
    for number in range(20):
        assert cache.get(f"key {number}") is not None
    fill(cache, 200, name="later")
    assert all(cache.get(f"key {number}") for number in range(20))
    assert sum(cache.get(f"key {number}") is not None for number in range(20, 100)) < 40


def test_that_it_was_read_is_written_down_once_a_minute(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    fill(cache, 1)
    [path] = [path for path in tmp_path.iterdir() if path.name[0] != "."]
    for age, touched in ((TOUCH_SECONDS - 10, False), (TOUCH_SECONDS + 10, True)):
        then = time.time() - age
        os.utime(path, (then, then))
        assert cache.get("key 0") is not None
        assert (path.stat().st_mtime > then + 1) is touched


@pytest.mark.parametrize("clock", [-86_400, 86_400])
def test_a_clock_that_was_wrong_makes_nothing_stay_for_ever(tmp_path: Path, clock: int) -> None:
    cache = opened(tmp_path)
    fill(cache, 100, name="then")
    for path in tmp_path.iterdir():
        os.utime(path, (time.time() + clock, time.time() + clock))
    assert cache.get("then 0") is not None
    fill(cache, 200, name="now")
    assert all(cache.get(f"now {number}") for number in range(200))
    assert cache.get("then 0") is not None
    assert sum(cache.get(f"then {number}") is not None for number in range(100)) < 60


def test_files_that_were_begun_and_never_finished_go_after_an_hour(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    young, old = tmp_path / "young.__wz_cache", tmp_path / "old.__wz_cache"
    for path, age in ((young, 60), (old, ORPHAN_SECONDS + 60)):
        path.write_bytes(b"x" * 5000)
        os.utime(path, (time.time() - age, time.time() - age))
    fill(cache, 1)
    assert young.exists()
    assert not old.exists()
    assert cache.held().evictions == 0
    os.utime(young, (time.time() - 4000, time.time() - 4000))
    count = tmp_path / ".count"
    count.write_text(json.dumps({**json.loads(count.read_bytes()), "swept_at": time.time() - 4000}))
    fill(cache, 1)
    assert not young.exists()


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"garbage" * 100,
        b"[]",
        b"{}",
        b'{"bytes": -5}',
        b'{"bytes": NaN}',
        b'{"bytes": 1e999}',
        b'{"bytes": "1"}',
        b'{"unknown": 1}',
    ],
)
def test_a_damaged_count_is_made_anew(tmp_path: Path, written: bytes) -> None:
    cache = opened(tmp_path)
    fill(cache, 200)
    (tmp_path / ".count").write_bytes(written)
    fill(cache, 1, name="next")
    held = cache.held()
    assert (held.bytes, held.entries) == (201 * PAGE, 201)
    assert cache.failures == 0


def test_a_folder_that_was_emptied_is_counted_anew_in_time(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    fill(cache, 250)
    for path in tmp_path.iterdir():
        path.unlink()
    fill(cache, 240, name="anew")
    assert all(cache.get(f"anew {number}") for number in range(240))


def test_an_answer_as_large_as_the_folder_is_not_kept_and_drives_nothing_out(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    fill(cache, 100)
    cache.put(Answer("large", {"identity": os.urandom(MIB)}))
    assert cache.get("large") is None
    assert all(cache.get(f"key {number}") for number in range(100))
    assert cache.held().evictions == 0


def test_while_another_process_makes_room_nothing_is_written_beyond_a_tenth(tmp_path: Path) -> None:
    cache, sweeper = opened(tmp_path), shelf_module.taken(tmp_path / ".sweep")
    assert sweeper is not None
    fill(cache, 400)
    assert MIB < on_disk(tmp_path)[0] <= MIB * 1.1
    assert cache.failures == 0
    os.close(sweeper)
    fill(cache, 1, name="next")
    assert on_disk(tmp_path)[0] <= MIB * 0.91
    assert cache.get("next 0") is not None


def test_who_holds_the_count_and_never_lets_go_costs_a_moment_and_no_error(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    fill(cache, 1)
    holder = shelf_module.taken(tmp_path / ".count")
    assert holder is not None
    begun = time.monotonic()
    fill(cache, 1, name="next")
    assert time.monotonic() - begun < 1
    assert (cache.failures, cache.get("next 0")) == (1, None)
    assert cache.get("key 0") is not None
    os.close(holder)
    fill(cache, 1, name="next")
    assert cache.get("next 0") is not None


def test_what_is_written_while_one_looks_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, other = shelf_module._files, opened(tmp_path)

    def slow(folder: Path) -> list[tuple[float, int, str]]:
        found = real(folder)
        thread = threading.Thread(target=fill, args=(other, 5, 3000, "meanwhile"))
        thread.start()
        thread.join()
        return found

    monkeypatch.setattr(shelf_module, "_files", slow)
    shelf = Shelf(tmp_path, MIB)
    assert shelf.room(3000)
    assert (shelf.held().bytes, shelf.held().entries) == (6 * PAGE, 6)

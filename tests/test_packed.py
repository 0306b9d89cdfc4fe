"""Packed inputs: gzip, bzip2, xz and zips of any format, and those that are made to do harm."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import random
import re
import stat
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import Engine

from ingest.formats import inputs, open_table
from ingest.sources.source import keeping_copies, laid_down, local, members, of_file, unpacked
from tests.files import ROOT, image, read, read_one, sums, table

HEAD = "date,species,count"
ROWS = [f"2024-{month:02}-{day:02},Lynx {month},{day}" for month in range(1, 13) for day in range(1, 29)]
TEXT = "".join(f"{line}\n" for line in [HEAD, *ROWS]).encode()
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def zipped(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("how", PACK)
@pytest.mark.parametrize("name", ["a.csv", "picture.jpg", "nothing"])
def test_what_is_packed_is_known_by_its_bytes_and_not_by_its_name(
    sqlite_writer: Engine, tmp_path: Path, how: str, name: str
) -> None:
    outcome = read_one(sqlite_writer, written(tmp_path / name, PACK[how](TEXT)))
    assert (outcome.format, sums(outcome)) == ("table", (336, 336, 0, 0, 0))
    assert sums(read_one(sqlite_writer, written(tmp_path / "b.csv", TEXT))) == (336, 0, 0, 336, 0)


@pytest.mark.parametrize("how", PACK)
def test_packed_files_that_were_joined_are_read_to_the_end(
    sqlite_writer: Engine, tmp_path: Path, how: str
) -> None:
    parts = [TEXT[:1_000], TEXT[1_000:5_000], b"", TEXT[5_000:]]
    outcome = read_one(sqlite_writer, written(tmp_path / "a", b"".join(map(PACK[how], parts))))
    assert sums(outcome) == (336, 336, 0, 0, 0)


@pytest.mark.parametrize("how", PACK)
def test_a_packed_file_within_a_zip_is_read(sqlite_writer: Engine, tmp_path: Path, how: str) -> None:
    path = zipped(tmp_path / "a.zip", {f"deep/a.csv.{how}": PACK[how](TEXT), "deep/README.txt": b"read me"})
    assert sums(read_one(sqlite_writer, path)) == (336, 336, 0, 0, 0)


@pytest.mark.parametrize("how", PACK)
def test_the_progress_ends_where_the_packed_file_ends(tmp_path: Path, how: str) -> None:
    rng = random.Random(1)
    rows = [f"2024-05-01,Lynx,{rng.random()}" for _ in range(30_000)]
    content = PACK[how]("\n".join([HEAD, *rows]).encode())
    _, opened = open_table(of_file(written(tmp_path / "a", content)))
    done = [chunk.done for chunk in opened.chunks()]
    assert opened.size == len(content)
    assert done == sorted(done)
    assert 0 < done[0] < done[-1] == len(content)
    assert sum(len(chunk.rows) for chunk in opened.chunks()) == 30_000


@pytest.mark.parametrize("how", [*PACK, "zip"])
@pytest.mark.parametrize("left", [0.02, 0.5, 0.97, 0.9999])
def test_a_packed_file_that_breaks_off_is_told_in_one_sentence_and_nothing_of_it_is_kept(
    writer: Engine, tmp_path: Path, how: str, left: float
) -> None:
    read_one(writer, table(tmp_path / "good.csv", HEAD, "2024-05-01,Lynx,1"))
    before = image(writer)
    rng = random.Random(2)
    text = (HEAD + "\n" + "".join(f"2024-05-01,Lynx {rng.random()},1\n" for _ in range(5_000))).encode()
    pack = PACK.get(how, lambda content: zipped(tmp_path / "whole", {"a.csv": content}).read_bytes())
    content = pack(text)
    path = written(tmp_path / f"cut.{how}", content[: min(int(len(content) * left), len(content) - 1)])
    outcome = read_one(writer, path)
    assert outcome.status == "failed"
    assert outcome.message.startswith(str(path))
    assert outcome.message.endswith(".")
    assert "\n" not in outcome.message
    assert "unexpected" not in outcome.message
    after = image(writer)
    assert (after.version, after.sightings, after.rollups) == (
        before.version,
        before.sightings,
        before.rollups,
    )


@pytest.mark.parametrize("how", PACK)
def test_a_packed_file_with_a_damaged_byte_is_refused(
    sqlite_writer: Engine, tmp_path: Path, how: str
) -> None:
    content = bytearray(PACK[how](TEXT))
    content[len(content) // 2] ^= 0xFF
    outcome = read_one(sqlite_writer, written(tmp_path / "a", bytes(content)))
    assert outcome.status == "failed"
    assert "data" in outcome.message
    assert "unexpected" not in outcome.message


def test_what_is_packed_twice_or_in_another_way_is_told(sqlite_writer: Engine, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "in.zip", {"a.csv": TEXT})
    tar = subprocess.run(["tar", "-c", "-C", tmp_path, "in.zip"], check=True, capture_output=True).stdout
    cases = {
        "twice": (gzip.compress(gzip.compress(TEXT)), "is packed with gzip, which is not read here"),
        "tar": (tar, "is packed with tar, which is not read here: unpack it first."),
        "tar.gz": (gzip.compress(tar), "is packed with tar"),
        "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(40), "is packed with 7-Zip"),
        "zip.gz": (gzip.compress(archive.read_bytes()), "is a zip in a packed file, which is not opened"),
    }
    for name, (content, said) in cases.items():
        path = written(tmp_path / name, content)
        outcome = read_one(sqlite_writer, path)
        assert (outcome.status, said in outcome.message) == ("failed", True), outcome.message
        assert outcome.message.startswith(str(path))


def test_a_zip_of_several_tables_is_as_many_inputs(writer: Engine, tmp_path: Path) -> None:
    files = {"b.csv": TEXT, "deep/a.csv": b"date,species\n2024-05-01,Bear\n", "c.dat": b"what is this"}
    files |= {
        "README.txt": b"read, me",
        "LICENSE": b"do, as you like",
        "photo.jpg": b"\xff\xd8\xff" + bytes(99),
    }
    path = zipped(tmp_path / "all.zip", files)
    outcomes = read(writer, path)
    assert {one.input: (one.status, one.tally.inserted) for one in outcomes} == {
        f"{path}/b.csv": ("committed", 336),
        f"{path}/deep/a.csv": ("committed", 1),
        f"{path}/c.dat": ("failed", 0),
    }
    assert [one.tally.inserted for one in read(writer, path)] == [0, 0, 0]
    predicted = read(writer, path, dry_run=True)
    assert [one.input for one in predicted] == [one.input for one in outcomes]


def test_a_zip_that_a_format_takes_as_a_whole_stays_one_input(tmp_path: Path) -> None:
    meta = b"""<archive xmlns="http://rs.tdwg.org/dwc/text/"><core rowType="http://rs.tdwg.org/dwc/terms/Occurrence"
        ignoreHeaderLines="1"><files><location>occurrence.csv</location></files>
        <field index="0" term="http://rs.tdwg.org/dwc/terms/eventDate"/>
        <field index="1" term="http://rs.tdwg.org/dwc/terms/scientificName"/></core></archive>"""
    rows = {"occurrence.csv": b"date,name\n2024,Lynx lynx\n", "other.csv": TEXT}
    source = of_file(zipped(tmp_path / "a.zip", {"meta.xml": meta, **rows}))
    assert inputs(source) == [source]
    assert open_table(source)[0].name == "dwca"


def test_a_zip_without_a_table_is_told(sqlite_writer: Engine, tmp_path: Path) -> None:
    for files in ({}, {"README.md": b"nothing"}):
        path = zipped(tmp_path / "a.zip", files)
        assert read_one(sqlite_writer, path).message == f"{path} holds 0 tables; one was expected."


def test_the_members_of_a_zip_know_what_lies_beside_them(tmp_path: Path) -> None:
    source = of_file(zipped(tmp_path / "a.zip", {"a.csv": TEXT, "b.csv": b"x", "__MACOSX/._a.csv": b"\0"}))
    first, second = members(source)
    assert [other.name for other in first.beside()] == [second.name] == [f"{source.name}/b.csv"]
    with first.open() as file:
        assert file.read() == TEXT
        assert file.tell() == first.size == len(TEXT)


def test_a_copy_on_the_disk_is_made_once_and_only_of_what_is_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    plain = of_file(written(tmp_path / "a.csv", TEXT))
    inner = unpacked(of_file(written(tmp_path / "b.csv.gz", gzip.compress(TEXT))))
    with keeping_copies():
        with local(plain) as path:
            assert path == plain.path
        with local(inner) as first, local(inner) as second:
            assert first == second
            assert first.read_bytes() == TEXT
        assert first.exists()
    with local(inner) as alone:
        assert alone.read_bytes() == TEXT
    with pytest.raises(RuntimeError), keeping_copies(), local(inner):
        raise RuntimeError
    broken = unpacked(of_file(written(tmp_path / "c.gz", gzip.compress(os.urandom(99_999))[:-5_000])))
    with pytest.raises(OSError, match="breaks off"), keeping_copies(), local(broken):
        pass
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_copy_stands_for_what_is_packed_as_long_as_it_is_kept(tmp_path: Path) -> None:
    (member,) = members(of_file(zipped(tmp_path / "a.zip", {"deep/a.db": TEXT})))
    with keeping_copies():
        laid = laid_down(member)
        assert (laid.name, laid.on_disk, laid.path.suffix) == (member.name, True, ".db")
        with laid.open() as file:
            assert file.seek(5) == 5
            assert file.read() == TEXT[5:]
        assert laid_down(laid) is laid
        assert laid_down(member).path == laid.path
    assert not laid.path.exists()
    assert laid_down(member) is member


# What is made to do harm.

ZEROS = bytes(1 << 20)


def gzip_of_zeros(folder: Path) -> Path:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb") as file:
        for _ in range(100):
            file.write(ZEROS)
    return written(folder / "zeros.csv.gz", out.getvalue())


def rows_without_end(folder: Path) -> Path:
    """Not all zeros, so that only its ratio tells."""
    compressor, out = zlib.compressobj(9, zlib.DEFLATED, 31), io.BytesIO()
    block = b"".join(f"2024-05-01,Lynx,{n % 7}\n".encode() for n in range(40_000))
    out.write(compressor.compress(b"date,species,count\n"))
    for _ in range(150):
        out.write(compressor.compress(block))
    out.write(compressor.flush())
    return written(folder / "rows.csv.gz", out.getvalue())


def bzip2_of_zeros(folder: Path) -> Path:
    return written(folder / "zeros.bz2", bz2.compress(bytes(64 << 20)))


def xz_of_zeros(folder: Path) -> Path:
    return written(folder / "zeros.xz", lzma.compress(bytes(64 << 20), preset=1))


def xz_that_remembers_too_much(folder: Path) -> Path:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 4096}]
    content = bytearray(lzma.compress(TEXT, filters=filters))
    header = content[12 : 12 + 4 * (content[12] + 1)]
    header[4] = 39  # a dictionary of 3 GiB
    header[-4:] = struct.pack("<I", zlib.crc32(header[:-4]))
    content[12 : 12 + len(header)] = header
    return written(folder / "memory.xz", bytes(content))


def forty_two(folder: Path) -> Path:
    inner = zipped(folder / "inner", {"0.dll": bytes(20 << 20)}).read_bytes()
    return zipped(folder / "42.zip", {f"lib {n}.zip": inner for n in range(16)})


def one_within(folder: Path) -> Path:
    inner = zipped(folder / "inner", {"a.csv": TEXT}).read_bytes()
    return zipped(folder / "nested.zip", {"inner.zip": inner})


def disguised(folder: Path) -> Path:
    inner = zipped(folder / "inner", {"a.csv": TEXT}).read_bytes()
    return zipped(folder / "nested.zip", {"inner.csv": inner})


def many(folder: Path) -> Path:
    return zipped(folder / "many.zip", {f"{n}.csv": b"" for n in range(10_000)}, zipfile.ZIP_STORED)


def a_directory_without_end(folder: Path) -> Path:
    """A few bytes of file, and a directory of two million times the same entry."""
    content = zipped(folder / "one", {"a.csv": TEXT}).read_bytes()
    at = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entry = content[at:end]
    number = 400_000
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, len(entry) * number, at, 0)
    return written(folder / "directory.zip", content[:at] + entry * number + last)


def overlapping(folder: Path) -> Path:
    """All entries of the directory lie on the bytes of one file, each with a name of the same length."""
    rng = random.Random(3)
    content = zipped(folder / "one", {"00.csv": rng.randbytes(50_000).hex().encode()}).read_bytes()
    at, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    entries = [content[at:end].replace(b"00.csv", b"%02d.csv" % n) for n in range(90)]
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 90, 90, sum(map(len, entries)), at, 0)
    return written(folder / "overlap.zip", content[:at] + b"".join(entries) + last)


def quoting(folder: Path) -> Path:
    """Each file's bytes hold the whole rest of the archive, quoted: the overlap that unpacks best."""
    names = [b"%d.csv" % n for n in range(20)]
    payload = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = payload.compress(os.urandom(30_000).hex().encode()) + payload.flush()
    local, directory, offset = b"", b"", 0
    for number, name in enumerate(names):
        size = len(packed) + (len(names) - 1 - number) * (30 + len(name))
        head = struct.pack("<5H3L2H", 20, 0, 8, 0, 33, 0, size, 60_000, len(name), 0)
        local += b"PK\x03\x04" + head + name
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + head
        directory += struct.pack("<3H2L", 0, 0, 0, 0, offset) + name
        offset = len(local)
    local += packed
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 20, 20, len(directory), len(local), 0)
    return written(folder / "quoted.zip", local + directory + last)


def named(name: str) -> Callable[[Path], Path]:
    return lambda folder: zipped(folder / "named.zip", {name: TEXT})


def symlink(folder: Path) -> Path:
    entry = zipfile.ZipInfo("a.csv")
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(folder / "link.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    return folder / "link.zip"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def duplicates(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "twice.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)
    content = (folder / "twice.zip").read_bytes()
    return written(folder / "twice.zip", content.replace(b"b.csv", b"a.csv"))


def encrypted(folder: Path) -> Path:
    content = bytearray(zipped(folder / "locked.zip", {"a.csv": TEXT}).read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    return written(folder / "locked.zip", bytes(content))


def declaring(size: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        content = bytearray(zipped(folder / "lies.zip", {"a.csv": TEXT * 20}).read_bytes())
        struct.pack_into("<L", content, content.index(b"PK\x03\x04") + 22, size)
        struct.pack_into("<L", content, content.index(b"PK\x01\x02") + 24, size)
        return written(folder / "lies.zip", bytes(content))

    return make


def lzma_in_a_zip(folder: Path) -> Path:
    return zipped(folder / "lzma.zip", {"a.csv": bytes(40 << 20)}, zipfile.ZIP_LZMA)


def workbook(folder: Path) -> Path:
    files = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}
    return zipped(folder / "book.xlsx", {**files, "xl/worksheets/sheet1.xml": bytes(64 << 20)})


HARM: dict[str, tuple[Callable[[Path], Path], str]] = {
    "zeros in gzip": (gzip_of_zeros, "more than is safe"),
    "rows in gzip": (rows_without_end, "more than is safe"),
    "zeros in bzip2": (bzip2_of_zeros, "more than is safe"),
    "zeros in xz": (xz_of_zeros, "more than is safe"),
    "xz that asks for 3 GiB": (xz_that_remembers_too_much, "(?i)memory"),
    "42": (forty_two, "holds zips, which are not opened"),
    "a zip in a zip": (one_within, "holds zips, which are not opened"),
    "a zip in a zip under another name": (disguised, "zip in a packed file"),
    "ten thousand files": (many, "more than is safe"),
    "a directory without end": (a_directory_without_end, "more than is safe"),
    "overlapping": (overlapping, "more than is safe"),
    "quoting": (quoting, "more than is safe"),
    "a name that climbs": (named("../../x.csv"), "leads out of it"),
    "a name that climbs with backslashes": (named("..\\..\\x.csv"), "leads out of it"),
    "an absolute name": (named("/etc/x.csv"), "leads out of it"),
    "a name on a drive": (named("C:\\x.csv"), "leads out of it"),
    "a link": (symlink, "is a link"),
    "one name twice": (duplicates, "two files of one name"),
    "a password": (encrypted, "locked with a password"),
    "a size that is too small": (declaring(1_000), "damaged|breaks off"),
    "a size that is too large": (declaring(len(TEXT) * 20 + 9), "declares"),
    "a size of four gigabytes": (declaring(0xFFFFFFF0), "more than is safe"),
    "lzma in a zip": (lzma_in_a_zip, "more than is safe|unusual way"),
    "a workbook": (workbook, "more than is safe"),
}
MEASURE = """
import json, sys, time
from pathlib import Path
import ingest.formats, ingest.run
from db.engine import open_writer
from db.schema import upgrade
from ingest.outcome import Options
from ingest.run import ingest
from ingest.sources.source import find
def peak():
    # Not ru_maxrss: a process inherits that of the one that started it.
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
writer = open_writer(sys.argv[1]); upgrade(writer)
ingest(writer, find([sys.argv[2]]), Options())
for path in sys.argv[3:]:
    Path("/proc/self/clear_refs").write_text("5")  # the peak is what it takes now
    before, began = peak(), time.monotonic()
    outcomes = ingest(writer, find([path]), Options())
    seconds = time.monotonic() - began
    print(json.dumps([[(one.status, one.message) for one in outcomes], seconds, peak() - before]))
"""


class Told(NamedTuple):
    """What became of one of them in a process of its own."""

    runs: list[tuple[str, str]]
    seconds: float
    kilobytes: int


@pytest.fixture(scope="module")
def harm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """All of them, read one after the other by one process."""
    folder = tmp_path_factory.mktemp("harm")
    for name in ("made", "tmp", "work"):
        (folder / name).mkdir()
    paths = []
    for number, (make, _) in enumerate(HARM.values()):
        (folder / "made" / str(number)).mkdir()
        paths.append(make(folder / "made" / str(number)))
    good = table(folder / "good.csv", HEAD, *ROWS)
    there = {file for file in folder.rglob("*") if file.parent != folder}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, f"sqlite:///{folder / 'test.db'}", str(good), *map(str, paths)],
        env={**os.environ, "TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(ROOT)},
        cwd=folder / "work",
        capture_output=True,
        text=True,
        check=True,
    )
    assert {file for file in folder.rglob("*") if file.parent != folder} == there
    answers = [Told(*json.loads(line)) for line in done.stdout.splitlines()]
    return dict(zip(HARM, answers, strict=True))


@pytest.mark.parametrize("case", HARM)
def test_what_is_made_to_do_harm_is_refused_soon_and_leaves_nothing_behind(
    harm: dict[str, Told], case: str
) -> None:
    told = harm[case]
    assert {status for status, _ in told.runs} == {"failed"}
    for _, message in told.runs:
        assert re.search(HARM[case][1], message), message
        assert "\n" not in message
        assert "unexpected" not in message
    assert told.seconds < 1
    assert told.kilobytes < 50_000


def test_a_table_that_packs_well_is_no_bomb(sqlite_writer: Engine, tmp_path: Path) -> None:
    rows = b"".join(b"2024-05-%02d,Lynx,%d\n" % (n % 28 + 1, n % 9) for n in range(30_000))
    path = written(tmp_path / "a.gz", gzip.compress(HEAD.encode() + b"\n" + rows))
    assert len(rows) / path.stat().st_size > 100
    assert sums(read_one(sqlite_writer, path))[0] == 30_000


def test_a_real_packed_table_is_read_whole(shared_data: Callable[[str], Path]) -> None:
    path = shared_data("A14-movebank-gull/20251216_MH_ANTWERPEN-gps-2018.csv.gz")
    _, opened = open_table(of_file(path), "table")
    with gzip.open(path, "rt", newline="") as file:
        expected = sum(1 for _ in csv.reader(file)) - 1
    assert sum(len(chunk.rows) for chunk in opened.chunks()) == expected == 2690

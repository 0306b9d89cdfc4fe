"""Inputs of several files: what lies in a folder, in an archive or beside a file; knows no column."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from io import StringIO
from pathlib import PurePosixPath
from typing import IO, cast

from ingest.sources.source import DAMAGE, Source, is_zip, members, of_file
from ingest.text import text
from ingest.words import columns

_HEAD = 65_536
_TABLES = (".csv", ".tsv", ".txt", ".json", ".xlsx", ".xls", ".parquet", ".db")
_NO_SIGHTINGS = re.compile(r"readme|licen[cs]e|citation|eml|changelog", re.IGNORECASE)


def is_several(source: Source) -> bool:
    """Whether this may be an input of several files by itself: a folder or a zip."""
    return source.path.is_dir() or is_zip(source)


def inside(source: Source) -> dict[str, Source]:
    """Path below the folder or within the archive -> file; those packed with gzip are opened unpacked."""
    return {file.name.removeprefix(f"{source.name}/"): _unpacked(file) for file in members(source)}


def around(source: Source) -> dict[str, Source]:
    """Name -> file, of all that lies in the folder of this one."""
    return {_name(file): _unpacked(file) for file in [source, *source.beside()]}


def lying(source: Source, paths: Iterable[str]) -> dict[str, Source]:
    """The files at these paths below the folder of this one, as a descriptor names them."""
    plain = {str(PurePosixPath(path)) for path in paths if ".." not in PurePosixPath(path).parts}
    files = {path: source.path.parent / path for path in plain if not path.startswith("/")}
    return {path: _unpacked(of_file(file)) for path, file in files.items() if file.is_file()}


def _name(file: Source) -> str:
    return file.name.rpartition("/")[2]


def base_of(files: Iterable[str], pattern: str) -> str:
    """The folder nearest to the top that holds a file of such a name: "" is the top."""
    found = [file for file in files if re.fullmatch(pattern, _plain(file.rpartition("/")[2]))]
    return min((file.rpartition("/")[0] for file in found), key=lambda folder: (folder.count("/"), folder))


def below(files: Mapping[str, Source], folder: str) -> dict[str, Source]:
    """Those in this folder, by their paths from there."""
    if not folder:
        return dict(files)
    inner = {name: file for name, file in files.items() if name.startswith(f"{folder}/")}
    return {name.removeprefix(f"{folder}/"): file for name, file in inner.items()}


def at(files: Mapping[str, Source], path: str) -> Source | None:
    """The file at a relative path as a descriptor names it, packed or not; never one that lies elsewhere."""
    plain = str(PurePosixPath(path.strip().removeprefix("./")))
    return files.get(plain) or files.get(f"{plain}.gz")


def named(files: Mapping[str, Source], *patterns: str) -> list[Source]:
    """The files whose names, without folders, .gz and capitals, are like one of these patterns."""
    wanted = re.compile("|".join(patterns))
    return [file for name, file in sorted(files.items()) if wanted.fullmatch(_plain(name))]


def _plain(name: str) -> str:
    return name.casefold().removesuffix(".gz")


def holds(names: Iterable[str], *patterns: str) -> bool:
    """Whether for each of these patterns there is a file of such a name."""
    given = [_plain(name) for name in names]
    return all(any(re.fullmatch(pattern, name) for name in given) for pattern in patterns)


def unread(files: Mapping[str, Source], read: Collection[Source], known: str) -> tuple[str, ...]:
    """A note on tables that lie beside the parts of a bundle and are none of them."""
    seen = {file.name for file in read}
    other = [
        name
        for name, file in sorted(files.items())
        if file.name not in seen
        and _plain(name).endswith(_TABLES)
        and not re.fullmatch(known, _plain(name))
        and not _NO_SIGHTINGS.search(name)
    ]
    return (f"not read, because it is no part of this: {', '.join(other[:5])}",) if other else ()


def header(source: Source) -> frozenset[str]:
    """The column names of a text's first line, plain; nothing where there is no such line."""
    try:
        start = source.head(_HEAD)
    except DAMAGE:
        return frozenset()
    is_utf16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if b"\x00" in start and not is_utf16:
        return frozenset()
    line = (
        start.decode("utf-16" if is_utf16 else "utf-8-sig", errors="replace").lstrip("\r\n").splitlines()[:1]
    )
    return frozenset(
        columns.plain(name)
        for delimiter in text.DELIMITERS
        for row in csv.reader(StringIO("".join(line)), delimiter=delimiter)
        for name in row
    )


def _unpacked(file: Source) -> Source:
    if not file.name.casefold().endswith(".gz"):
        return file
    return replace(file, open=lambda: cast("IO[bytes]", _Gunzipped(file.open())))


class _Gunzipped(gzip.GzipFile):
    """Closes with itself what it unpacks."""

    def __init__(self, packed: IO[bytes]) -> None:
        super().__init__(fileobj=packed)
        self._packed = packed

    def close(self) -> None:
        super().close()
        self._packed.close()

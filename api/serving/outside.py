"""How the server and its cache look from outside: whether it answers, what its metrics say. Draws nothing."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from api.keeping.shelf import Shelf

_SECONDS = 2.0
_MOST_BYTES = 1 << 24


def server(host: str, port: int, token: str | None) -> dict[str, Any]:
    """Whether Sightings answers there and, if it tells us, what it has counted since it was started."""
    address = address_of(host, port)
    told: dict[str, Any] = {"address": address, "answers": _answers(address)}
    text = _ask(f"{address}/metrics", token) if told["answers"] else None
    if text is None:
        return told
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    outcomes: Counter[str] = Counter()
    for one in samples:
        if one.name == "sightings_requests_total":
            outcomes[one.labels["outcome"]] += int(one.value)
    return told | {
        "requests": dict(sorted(outcomes.items())),
        "cacheFailures": _value(samples, "sightings_cache_failures_total"),
        "cacheResting": bool(_value(samples, "sightings_cache_resting")),
        "cacheEntries": _value(samples, "sightings_cache_entries"),
        "cacheBytes": _value(samples, "sightings_cache_bytes"),
    }


def cache(url: str, directory: Path, most_bytes: int) -> dict[str, Any]:
    """Of which kind the cache is and, where it lies here, how much it holds."""
    if url != "files":
        return {"kind": "off" if url == "off" else "redis"}
    held = Shelf(directory, most_bytes).held()
    return {
        "kind": "files",
        "entries": held.entries,
        "bytes": held.bytes,
        "mostBytes": most_bytes,
        "evictions": held.evictions,
    }


def address_of(host: str, port: int) -> str:
    """Where to reach on this machine what listens on this host, which may be every one."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - it is compared, not bound
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def _answers(address: str) -> bool:
    """Whether who answers there is Sightings."""
    text = _ask(f"{address}/livez", None)
    try:
        return text is not None and json.loads(text) == {"status": "ok"}
    except ValueError:
        return False


def _ask(url: str, token: str | None) -> str | None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - it is http, from above
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return bytes(answer.read(_MOST_BYTES)).decode("utf-8", "replace")
    except (urllib.error.URLError, OSError, ValueError):
        return None


def _value(samples: Iterable[Sample], name: str) -> int:
    return int(next((one.value for one in samples if one.name == name), 0))

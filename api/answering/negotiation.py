"""What a client wants and already has, by its headers: codings, languages, validators. Knows no report."""

from __future__ import annotations

from functools import lru_cache

from flask import Request, Response
from werkzeug.exceptions import PreconditionFailed
from werkzeug.http import parse_accept_header

PINNED = "public, max-age=31536000, immutable"
REVALIDATED = "public, no-cache, stale-if-error=86400"
_LONGEST_WISH = 400
"""Characters of an Accept-Language that are read; browsers send less than a hundred."""
_FOR_NGINX = {PINNED: "31536000", REVALIDATED: "@1"}
"""The same for nginx, which takes no-cache for "do not store": store it, and know that it expired in 1970."""


def coding(request: Request, offered: tuple[str, ...]) -> str:
    """The content coding to send."""
    return chosen(request.headers.get("Accept-Encoding", ""), offered)


@lru_cache(1024)  # the same few headers are sent by all
def chosen(accepted: str, offered: tuple[str, ...]) -> str:
    """The content coding that an Accept-Encoding likes best, ours first among equals, else none."""
    wanted = parse_accept_header(accepted)
    plain = wanted.quality("identity") if "identity" in wanted.values() else 0.0
    best, liked = "identity", plain
    for name in reversed(offered):
        quality = wanted.quality(name)
        if quality > 0 and quality >= liked:
            best, liked = name, quality
    return best


def preferred(accepted: str, offered: tuple[str, ...]) -> str:
    """The language that an Accept-Language likes best, by lookup (RFC 4647, 3.4); else the first."""
    return _preferred(accepted[:_LONGEST_WISH], offered)  # nobody speaks more; a long one would cost the edge


@lru_cache(1024)
def _preferred(accepted: str, offered: tuple[str, ...]) -> str:
    known = {tag.lower(): tag for tag in offered}
    for wanted, quality in parse_accept_header(accepted):  # the best first, * after all others
        tag = wanted.lower()
        while tag and tag not in known and quality > 0:
            tag = tag.rpartition("-")[0]  # de-AT is content with de
        if tag in known and quality > 0:
            return known[tag]
    return offered[0]


def validator(plain: str, coded: str) -> str:
    """One strong validator for each coding: the bytes differ."""
    return plain if coded == "identity" else f"{plain}-{coded}"


def plain(tag: str) -> str:
    """What ``validator`` made an ETag of, which stands in quotes."""
    return tag.strip('"').partition("-")[0]


def unchanged(request: Request, tag: str) -> bool:
    """Whether the client has this already (If-None-Match).

    Raises PreconditionFailed where it wants only another one (If-Match).
    """
    if request.if_match and not (request.if_match.star_tag or request.if_match.contains(tag)):
        raise PreconditionFailed("The answer is another one by now.")
    asked = request.if_none_match
    return bool(asked and (asked.star_tag or asked.contains_weak(tag)))


def respond(
    body: bytes | None, media_type: str, tag: str, cache_control: str = REVALIDATED, coded: str = "identity",
    version: int | None = None,
) -> Response:  # fmt: skip
    """An answer with its headers; a body of None is 304, with the same ones."""
    response = Response(body, status=200 if body is not None else 304, content_type=media_type)
    response.headers["ETag"] = f'"{tag}"'
    response.headers["Cache-Control"] = cache_control
    if cache_control in _FOR_NGINX:
        response.headers["X-Accel-Expires"] = _FOR_NGINX[cache_control]
    response.headers["Vary"] = "Accept-Encoding"
    if coded != "identity":
        response.headers["Content-Encoding"] = coded
    if version is not None and cache_control != PINNED:  # it would go back, for whoever asked for more before
        response.headers["X-Data-Version"] = str(version)
    return response

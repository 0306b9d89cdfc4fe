"""What every report has to say, counted by pandas from the rows as they were written into files.

After docs/reports.md and the definitions of Darwin Core and ISO 8601, not after the program: it shares no
line with it. Knows no database and no web.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from tests.wild import Query, Row

Answer = list[dict[str, Any]]
TODAY, HOUR = date(2024, 6, 14), 12
"""Which day and hour it is when the questions are asked."""


def frame(files: list[tuple[str, list[Row]]]) -> pd.DataFrame:
    """The records that the files of the feeds leave: of one identifier the last row that came."""
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    every = ((feed, row) for feed, rows in files for row in rows)
    for place, (feed, row) in enumerate(every):
        name = row["occurrenceID"] or f"nameless {place}"
        latest.pop((feed, name), None)
        latest[feed, name] = _record(feed, row)
    found = pd.DataFrame(latest.values())
    found["order"] = range(len(found))
    return found


def _record(feed: str, row: Row) -> dict[str, Any]:
    first, last = _days(row["eventDate"])
    absent = row["occurrenceStatus"] == "ABSENT" or (
        row["individualCount"] != "" and float(row["individualCount"]) == 0
    )
    counted = None if row["individualCount"] == "" else float(row["individualCount"])
    scientific = row["scientificName"]
    binomial = " ".join(scientific.split(" ")[:2]) if " " in scientific else ""
    return {
        **row,
        "feed": feed,
        "name": scientific or row["vernacularName"],
        "scientific": {one.casefold() for one in (scientific, binomial, row["family"], row["genus"]) if one},
        "vernacular": {row["vernacularName"].casefold()} - {""},
        "first": first,
        "last": last,
        "hour": int(row["eventTime"][:2]) if row["eventTime"] else None,
        "absent": absent,
        "uncounted": not absent and counted is None,
        "records": 0 if absent else 1,
        "individuals": 0.0 if absent else 1.0 if counted is None else counted,
    }


def _days(written: str) -> tuple[date | None, date | None]:
    if not written:
        return None, None
    start, _, end = written.partition("/")
    return _ends(start)[0], _ends(end or start)[1]


def _ends(written: str) -> tuple[date, date]:
    parts = [int(part) for part in written.split("-")]
    if len(parts) == 1:
        return date(parts[0], 1, 1), date(parts[0], 12, 31)
    if len(parts) == 2:
        return date(*parts, 1), date(*parts, calendar.monthrange(*parts)[1])
    return date(*parts), date(*parts)


def _span(written: str) -> tuple[date, date]:
    low, _, high = written.partition(",")
    high = high or low
    return date.min if low == "*" else _ends(low)[0], date.max if high == "*" else _ends(high)[1]


def chosen(records: pd.DataFrame, query: Query) -> pd.DataFrame:
    """The records that the filters of a question leave."""
    return records.loc[
        [
            all(any(_FILTERS[name](row, one) for one in values) for name, values in query.filters.items())
            for row in records.to_dict("records")
        ]
    ]


def _named(row: Any, name: str) -> bool:
    return name.casefold() in row["scientific"] | row["vernacular"]


def _in_month(row: Any, written: str) -> bool:
    if row["first"] is None or f"{row['first']:%Y-%m}" != f"{row['last']:%Y-%m}":
        return False
    low, _, high = written.partition(",")
    return (1 if low == "*" else int(low)) <= row["first"].month <= int(high or low)


def _in_box(row: Any, written: str) -> bool:
    if not row["decimalLatitude"]:
        return False
    west, south, east, north = map(float, written.split(","))
    north_south, east_west = float(row["decimalLatitude"]), float(row["decimalLongitude"])
    across = west <= east_west <= east if west <= east else east_west >= west or east_west <= east
    return south <= north_south <= north and across


def _dated(row: Any, written: str) -> bool:
    first, last = _span(written)
    return row["first"] is not None and first <= row["first"] and row["last"] <= last


def _one_word(written: str) -> str:
    return written.replace("_", "").lower()


_FILTERS: dict[str, Callable[[Any, str], bool]] = {
    "scientificName": lambda row, value: value.casefold() in row["scientific"],
    "vernacularName": lambda row, value: value.casefold() in row["vernacular"],
    "species": _named,
    "eventDate": _dated,
    "year": _dated,
    "month": _in_month,
    "country": lambda row, value: row["countryCode"] == value.upper(),
    "stateProvince": lambda row, value: row["stateProvince"] == value,
    "locality": lambda row, value: row["locality"] == value,
    "basisOfRecord": lambda row, value: _one_word(row["basisOfRecord"]) == _one_word(value),
    "feed": lambda row, value: row["feed"] == value,
    "bbox": _in_box,
}  # fmt: skip


def _label(day: date, interval: str) -> Any:
    year, week, _ = day.isocalendar()
    labels = {"year": day.year, "month": f"{day:%Y-%m}", "week": f"{year}-W{week:02}", "day": str(day)}
    return labels[interval]


def _bucket(row: Any, interval: str) -> Any:
    """The bucket that the whole date of a record lies in; None where there is none."""
    if row["first"] is None:
        return None
    if interval == "hour":
        timed = row["first"] == row["last"] and not pd.isna(row["hour"])
        return f"{row['first']}T{int(row['hour']):02}" if timed else None
    first = _label(row["first"], interval)
    return first if first == _label(row["last"], interval) else None


def _bucketed(records: pd.DataFrame, interval: str) -> pd.DataFrame:
    buckets = [_bucket(row, interval) for _, row in records.iterrows()]
    found = records.assign(bucket=pd.Series(buckets, index=records.index, dtype=object))
    return found[found["bucket"].notna()]


def _partial(bucket: Any, interval: str, query: Query) -> bool:
    """Whether today lies in the bucket and within the dates that are asked for."""
    asked = [query.filters[name] for name in ("eventDate", "year") if name in query.filters]
    within = all(
        min(_span(one)[0] for one in values) <= TODAY <= max(_span(one)[1] for one in values)
        for values in asked
    )
    return within and bucket == (f"{TODAY}T{HOUR}" if interval == "hour" else _label(TODAY, interval))


def plain(number: float) -> float:
    """To a millionth."""
    return round(float(number), 6)


def _ranked(records: pd.DataFrame, measure: str) -> list[str]:
    sums = records.groupby("name")[measure].sum().map(plain)
    return [name for name, amount in sorted(sums.items(), key=lambda one: (-one[1], one[0])) if amount > 0]


def _names_of(records: pd.DataFrame, name: str) -> dict[str, Any]:
    row = records[records["name"] == name].iloc[0]
    return {"scientificName": row["scientificName"] or None, "vernacularName": row["vernacularName"] or None}


def timeline(records: pd.DataFrame, every: pd.DataFrame, query: Query) -> Answer:
    """A row for each line and each bucket with anything in it; who is asked for by name has a line."""
    interval, measure = query.shape.get("interval", "year"), query.shape.get("measure", "individuals")
    asked = [
        one for name in ("scientificName", "vernacularName", "species") for one in query.filters.get(name, [])
    ]
    lines = max(int(query.shape.get("limit", 8)), len(asked))
    found = _bucketed(records, interval)
    shown = _ranked(found, measure)
    of_names = chosen(
        every, Query("", {name: v for name, v in query.filters.items() if "ame" in name or name == "species"})
    )
    named = sorted(of_names["name"].unique()) if asked else []
    if len(named) <= lines:
        shown += [name for name in named if name not in shown]
    table = found.pivot_table(index="name", columns="bucket", values=measure, aggfunc="sum", fill_value=0)
    seen = sorted(found["bucket"].unique())
    names = {name: _names_of(every, name) for name in shown[:lines]}
    return [
        {
            "date": bucket,
            "name": name,
            **names[name],
            "value": plain(table.at[name, bucket]) if name in table.index else 0,
            "partial": _partial(bucket, interval, query),
        }
        for name in shown[:lines]
        for bucket in seen
    ]


def species(records: pd.DataFrame, every: pd.DataFrame, query: Query) -> Answer:
    """The leading species."""
    measure, limit = query.shape.get("measure", "individuals"), int(query.shape.get("limit", 10))
    sums = records.groupby("name")[measure].sum()
    return [
        {"name": name, **_names_of(every, name), "value": plain(sums[name])}
        for name in _ranked(records, measure)[:limit]
    ]


def summary(records: pd.DataFrame, _: pd.DataFrame, query: Query) -> Answer:
    """The totals; the ends are the dates that begin first and last, of two the shorter."""
    dated = records[records["first"].notna()]
    ends = sorted(((row["first"], row["last"], row["eventDate"]) for _, row in dated.iterrows()))
    earliest = ends[0] if ends else None
    latest = min(one for one in ends if one[0] == ends[-1][0]) if ends else None
    present = records[~records["absent"].astype(bool)]
    return [
        {
            "records": len(present),
            "individuals": plain(present["individuals"].sum()),
            "species": present["name"].nunique(),
            "firstDate": _written(earliest),
            "lastDate": _written(latest),
            "uncounted": int(records["uncounted"].sum()),
            "absences": len(records) - len(present),
            "undated": int(present["first"].isna().sum()),
            "feeds": records["feed"].nunique(),
        }
    ]


def _written(end: Any) -> Any:
    """A date as it was written, which is as precise as it was given; a bare year is a number."""
    if end is None:
        return None
    return int(end[2]) if end[2].isdecimal() else end[2]


def recent(records: pd.DataFrame, _: pd.DataFrame, query: Query) -> Answer:
    """The newest records by date, then time, then by when they came in."""
    there = records[records["first"].notna() & ~records["absent"].astype(bool)]
    latest = sorted(
        (row for _, row in there.iterrows()), key=lambda row: (row["first"], row["eventTime"], row["order"]),
        reverse=True,
    )  # fmt: skip
    return [
        {
            "eventDate": row["eventDate"],
            "eventTime": f"{row['eventTime']}:00" if row["eventTime"] else None,
            "scientificName": row["scientificName"] or None,
            "vernacularName": row["vernacularName"] or None,
            "individualCount": float(row["individualCount"]) if row["individualCount"] else None,
            "basisOfRecord": row["basisOfRecord"] or None,
            "countryCode": row["countryCode"],
            "stateProvince": row["stateProvince"] or None,
            "locality": row["locality"],
            "decimalLatitude": float(row["decimalLatitude"]) if row["decimalLatitude"] else None,
            "decimalLongitude": float(row["decimalLongitude"]) if row["decimalLongitude"] else None,
            "feed": row["feed"],
        }
        for row in latest[: int(query.shape.get("limit", 20))]
    ]


def _summed(records: pd.DataFrame, interval: str, query: Query) -> Answer:
    found = _bucketed(records, interval)
    sums = found.groupby("bucket")[query.shape.get("measure", "individuals")].sum()
    return [
        {"date": bucket, "value": plain(amount), "partial": _partial(bucket, interval, query)}
        for bucket, amount in sorted(sums.items())
    ]


def seasonality(records: pd.DataFrame, _: pd.DataFrame, query: Query) -> Answer:
    """A row for each month with anything in it."""
    return [
        {"year": int(row["date"][:4]), "month": int(row["date"][5:]), **row}
        for row in _summed(records, "month", query)
    ]


def phenology(records: pd.DataFrame, _: pd.DataFrame, query: Query) -> Answer:
    """A row for each ISO week of each year with anything in it."""
    return [
        {"year": int(row["date"][:4]), "week": int(row["date"][6:]), **row}
        for row in _summed(records, "week", query)
    ]


def calendar_(records: pd.DataFrame, _: pd.DataFrame, query: Query) -> Answer:
    """A row for each day with anything in it, of the newest years that have one."""
    rows = _summed(records, "day", query)
    years = sorted({row["date"][:4] for row in rows})[-int(query.shape.get("limit", 3)) :]
    return [row for row in rows if row["date"][:4] in years]


def diel(records: pd.DataFrame, every: pd.DataFrame, query: Query) -> Answer:
    """A row for each of the leading species and each hour with anything in it."""
    measure, limit = query.shape.get("measure", "individuals"), int(query.shape.get("limit", 10))
    found = records[records["hour"].notna()]
    sums = found.groupby(["name", "hour"])[measure].sum()
    return [
        {"hour": int(hour), "name": name, **_names_of(every, name), "value": plain(sums.get((name, hour), 0))}
        for name in _ranked(found, measure)[:limit]
        for hour in sorted(found["hour"].unique())
    ]


def ratio(records: pd.DataFrame, _: pd.DataFrame, query: Query) -> Answer:
    """A row for each bucket with anything of either side."""
    interval, measure = query.shape.get("interval", "year"), query.shape.get("measure", "individuals")
    found = _bucketed(records, interval)
    sides = [
        found[found.apply(lambda row, n=name: _named(row, query.shape[n]), axis=1).astype(bool)]
        if len(found)
        else found
        for name in ("numerator", "denominator")
    ]
    above, below = (side.groupby("bucket")[measure].sum() for side in sides)
    rows = []
    for bucket in sorted({*above.index, *below.index}):
        one, other = plain(above.get(bucket, 0)), plain(below.get(bucket, 0))
        rows.append(
            {
                "date": bucket,
                "numerator": one,
                "denominator": other,
                "value": one / other if other else None,
                "partial": _partial(bucket, interval, query),
            }
        )
    return rows


def accumulation(records: pd.DataFrame, _: pd.DataFrame, query: Query) -> Answer:
    """A row for each bucket with a species that is new in it, and one for the last bucket with any record."""
    interval, limit = query.shape.get("interval", "year"), int(query.shape.get("limit", 20))
    found = _bucketed(records[~records["absent"].astype(bool)], interval)
    firsts = found.groupby("name")["bucket"].min()
    above: set[str] = set()
    for _, row in found.drop_duplicates("name").iterrows():
        higher = {
            row["family"].casefold(),
            row["genus"].casefold(),
            row["scientificName"].casefold().split(" ")[0],
        }
        above |= higher - {row["name"].casefold()}
    new: dict[str, tuple[Any, str]] = {}
    for name, bucket in firsts.items():
        if name.casefold() in above:
            continue
        whole = " ".join(name.split(" ")[:2]).casefold()
        known = new.get(whole, (bucket, name))
        new[whole] = (min(known[0], bucket), min(known[1], name, key=len))
    rows: Answer = []
    for bucket in sorted({first for first, _ in new.values()} | ({found["bucket"].max()} if new else set())):
        names = sorted(name for first, name in new.values() if first == bucket)
        rows.append(
            {
                "date": bucket,
                "value": (rows[-1]["value"] if rows else 0) + len(names),
                "new": len(names),
                "names": "; ".join(names[:limit]) or None,
                "partial": _partial(bucket, interval, query),
            }
        )
    return rows


def arrivals(records: pd.DataFrame, every: pd.DataFrame, query: Query) -> Answer:
    """The first and last single day of each year, of the species with the most records."""
    there = records[~records["absent"].astype(bool)]
    ranked = _ranked(_bucketed(there, "year"), "records")[: int(query.shape.get("limit", 10))]
    days = _bucketed(there, "day")
    rows = []
    for name in ranked:
        of_name = days[days["name"] == name]
        for year, some in of_name.groupby(of_name["bucket"].str[:4]):
            rows.append(
                {
                    "name": name,
                    **_names_of(every, name),
                    "year": int(year),
                    "first": some["bucket"].min(),
                    "last": some["bucket"].max(),
                    "partial": _partial(int(year), "year", query),
                }
            )
    return rows


def map_(records: pd.DataFrame, _: pd.DataFrame, query: Query) -> Answer:
    """A row for each cell with anything in it, from the south-west on; of the size that the answer names."""
    size = Decimal(query.shape["cellSize"])
    there = records[records["decimalLatitude"] != ""]
    places = (
        tuple((Decimal(row[name]) + edge) // size for name, edge in _EDGES) for _, row in there.iterrows()
    )
    cells = pd.Series(list(places), index=there.index, dtype=object)
    sums = there.groupby(cells)[query.shape.get("measure", "individuals")].sum()
    return [
        {
            "decimalLatitude": float((north + Decimal("0.5")) * size - 90),
            "decimalLongitude": float((east + Decimal("0.5")) * size - 180),
            "cellSize": float(size),
            "value": plain(amount),
        }
        for (north, east), amount in sorted(sums.items())
    ]


_EDGES = (("decimalLatitude", 90), ("decimalLongitude", 180))


REPORTS: dict[str, Callable[[pd.DataFrame, pd.DataFrame, Query], Answer]] = {
    "timeline": timeline, "species": species, "summary": summary, "recent": recent,
    "seasonality": seasonality, "phenology": phenology, "calendar": calendar_, "diel": diel, "ratio": ratio,
    "accumulation": accumulation, "arrivals": arrivals, "map": map_,
}  # fmt: skip


def expected(every: pd.DataFrame, query: Query) -> Answer:
    """The rows of the answer to a question."""
    return REPORTS[query.report](chosen(every, query), every, query)

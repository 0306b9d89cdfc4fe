"""The formats of delimited text, explained to people; knows no reader."""

from __future__ import annotations

from ingest.formats.table import About

GBIF = About(
    text=(
        "A download in the format SIMPLE_CSV from gbif.org: tab separated, whatever its name says, or the zip"
        " that holds it. A record is known by its gbifID, in every download the same, so that overlapping"
        " downloads meet. The species on which GBIF settled goes before the name with which the record came;"
        " its issues are kept. GBIF's archives are the format dwca."
    ),
    columns={
        "gbifID": "occurrenceID",
        "species": "the name, else scientificName",
        "eventDate": "eventDate, else year, month and day",
        "individualCount": "individualCount",
        "occurrenceStatus": "ABSENT is never counted as a sighting",
        "decimalLatitude, decimalLongitude": "the same terms",
        "countryCode, stateProvince, locality": "the same terms",
        "issue": "flags; the geospatial ones keep a record out of maps",
    },
    sample=(
        "gbifID\tdatasetKey\toccurrenceID\tkingdom\tfamily\tgenus\tspecies\ttaxonRank\tscientificName\t"
        "countryCode\tlocality\toccurrenceStatus\tindividualCount\tdecimalLatitude\tdecimalLongitude\t"
        "eventDate\tday\tmonth\tyear\tbasisOfRecord\tissue\n"
        "4000000001\tkey\ta:1\tAnimalia\tFelidae\tLynx\tLynx lynx\tSPECIES\tLynx lynx (Linnaeus, 1758)\tNO\t"
        "Oslo\tPRESENT\t1\t59.91\t10.75\t2024-05-17T08:30\t17\t5\t2024\tHUMAN_OBSERVATION\t\n"
        "4000000002\tkey\ta:2\tAnimalia\tUrsidae\tUrsus\tUrsus arctos\tSPECIES\tUrsus arctos Linnaeus, 1758\t"
        "NO\t\tPRESENT\t\t0\t0\t2024-05\t\t5\t2024\tHUMAN_OBSERVATION\tZERO_COORDINATE\n"
    ),
    source="techdocs.gbif.org/en/data-use/download-formats",
)

INATURALIST = About(
    text=(
        "An export from inaturalist.org/observations/export with whatever columns were chosen, or its zip; id"
        " and observed_on must be among them. A record is known by its id. The day is observed_on, the day"
        " where the observer was; the time is time_observed_at, moved into the observer's time_zone."
    ),
    columns={
        "id": "occurrenceID",
        "observed_on": "eventDate",
        "time_observed_at, time_zone": "the time of day",
        "scientific_name": "scientificName",
        "common_name, species_guess": "vernacularName",
        "latitude, longitude": "decimalLatitude, decimalLongitude",
        "positional_accuracy": "coordinateUncertaintyInMeters",
        "place_guess": "locality",
        "user_login": "recordedBy",
        "taxon_..._name": "the ranks above the species",
    },
    sample=(
        "id,observed_on,time_observed_at,time_zone,user_login,quality_grade,place_guess,latitude,longitude,"
        "positional_accuracy,species_guess,scientific_name,common_name,iconic_taxon_name,taxon_id\n"
        "100000001,2024-05-17,2024-05-17 06:30:00 UTC,Vienna,observer,research,Wien,48.2083,16.3725,12,"
        "Feldhase,Lepus europaeus,European Hare,Mammalia,43128\n"
    ),
    source="inaturalist.org/observations/export",
)

WIDE = About(
    text=(
        "A table with a column for the date or the year, perhaps one for the place, and one column of counts"
        " per animal, named like the animal. Each filled cell is a record; an empty cell is none, 0 is looked"
        " and saw none. Where date and place tell the lines apart, a cell is known by them and its animal:"
        " the same table with a count that has grown corrects that count."
    ),
    columns={
        "Year, Date": "year, eventDate",
        "any other column of numbers": "individualCount of the animal that it is named after",
    },
    sample="Year,Bear,Deer,Wolf\n2010,80,700,20\n2011,85,,22\n",
)

TABLE = About(
    text=(
        "Any delimited text (tab, semicolon, comma or bar) with one sighting per row, a column for the date"
        " and one for the name. The header is looked for below titles, blank lines and comments with #. Names"
        " of columns are known in several languages, without regard to capitals, blanks and punctuation;"
        " --map says what is not known. Day and month, decimal comma and separators of thousands are decided"
        " by what the table shows. A species of one lower-case word follows its genus. Coordinates are"
        " degrees, in one column or two, also with letters or with minutes and seconds; projected metres are"
        " told and not taken. What is not understood is kept with the record."
    ),
    columns={
        "date, datum, fecha; year, month, day": "eventDate; year, month, day",
        "time, Uhrzeit, hora": "eventTime",
        "species, animal, art, soort, espèce": "either kind of name: scientific if most end as Latin does",
        "scientific name, latin name, taxon": "scientificName",
        "common name, english name": "vernacularName",
        "genus": "genus, before a species that is its second part",
        "count, number, anzahl, aantal, n": "individualCount; X: seen, not counted; 3+ and ~10 are flagged",
        "lat, latitude, y; lon, longitude, x": "decimalLatitude; decimalLongitude",
        "coordinates, lat/lon, location": "both, where its cells hold two numbers",
        "country, state, locality, site": "countryCode, stateProvince, locality, locationID",
        "id, uuid, record id": "occurrenceID",
    },
    sample=(
        "Sightings at the pond\n"
        "Exported on 18 May 2024\n"
        "\n"
        "Datum;Uhrzeit;Tierart;Anzahl;Koordinaten\n"
        "17. Mai 2024;8:30;Feldhase;2;48,2083 16,3725\n"
        "18. Mai 2024;;Rotfuchs;1;48°12'30\"N 16°22'21\"E\n"
        "18. Mai 2024;21:05;Waldkauz;3+;\n"
    ),
)

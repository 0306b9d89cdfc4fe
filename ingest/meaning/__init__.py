"""From rows of text to sightings or rejects, in whole columns; it knows no files and no database."""

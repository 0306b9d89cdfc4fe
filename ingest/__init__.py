"""One direction: source -> rows -> sightings or rejects -> one transaction; it knows no web and no charts."""

"""From a question that is understood to a response: version, ETag, cache, one making; it knows no report."""

"""From bytes to rows of text: encodings, headers, delimiters, blocks; it knows no value."""

"""What single words and values mean: names of columns, days, counts, taxa; it knows no tables."""

"""The questions that reports ask, one file each, answered in SQL; they know no pictures and no web."""

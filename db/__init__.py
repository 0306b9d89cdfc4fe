"""The ground floor: tables, connections, the write side and the read side; it knows no files, no web and no charts."""

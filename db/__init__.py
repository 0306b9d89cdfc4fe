"""The ground floor: tables, connections, the write side, the read side; knows no files, web or charts."""

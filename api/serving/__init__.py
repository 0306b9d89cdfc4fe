"""The server as processes: started, kept running, renewed, looked at from outside. Knows no route."""

"""When what is read, and that it is: the inbox, the feeds, a process for each; it knows no rows."""

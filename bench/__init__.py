"""What it costs: each row of the table is measured beside what it is compared to, in the same run."""

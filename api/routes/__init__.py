"""The addresses that are answered, one blueprint each; they know no SQL and no drawing."""

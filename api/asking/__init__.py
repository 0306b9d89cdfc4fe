"""What may be asked, and what it means: query strings to frozen values; it knows no database."""

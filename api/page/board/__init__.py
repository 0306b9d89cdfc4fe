"""What a page of charts is made of: numbers, charts, small lines, choices. Knows no HTTP, no template."""

"""Where bytes come from, whatever they are packed in and wherever they lie; it knows no rows."""

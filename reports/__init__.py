"""What the measurements show: run files read, figures, tables and the page drawn from them, no framework needed."""

"""What the commands share: options, progress, and output that any terminal can show."""

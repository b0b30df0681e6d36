"""The clock for one's own work: two environments side by side, and one's own functions."""

"""The page: one HTML file that holds all it needs, opens from disk or a mail, and asks the network for nothing."""

"""The page: one HTML file that contains all it needs, opens from disk or a mail, and asks the network for nothing."""

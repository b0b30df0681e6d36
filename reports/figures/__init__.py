"""The forms of figures: lines, points with intervals, bars and tables of cells. The parts declare what is drawn."""

# target: Stack
# exit: 2
# says: could not run & no weights before add_sheet is called & no_layers_are_added.py:net
"""A network to which nothing is added anywhere."""


class Stack:
    def __init__(self):
        self.sheets = []

    def add_sheet(self, sheet):
        self.sheets.append(sheet)

    def train(self, x, y, rate=0.1):
        for sheet in self.sheets:
            x = sheet.forward(x)
        up = x - y
        for sheet in self.sheets[::-1]:
            up = sheet.backward(up, rate)

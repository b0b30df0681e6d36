"""Studies: which share of many starts learns xor, how soon, and why the others do not, cell by cell of a grid."""

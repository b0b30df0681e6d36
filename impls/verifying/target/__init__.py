"""What people really write, made callable: functions, classes, scripts and framework rules as gradients(θ, x, y).

names → what a name holds;  layouts → the shapes it may have;  signature, structure → where the parameters are;
functions, objects, rules → the kinds of targets;  observe → calling one on all probes;  process → out of harm's way.
"""

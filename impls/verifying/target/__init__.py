"""What people really write, made callable: functions, classes, scripts and framework rules as gradients(θ, x, y).

what the source says    source, usage, trace, names          where parameters are    places, structure, sketch, layouts
what can be used        subjects, constructor, rules         how it may be used      ways
using it once           settings, calls, forward_pass, execution
what came of it         results, assign, reading, losses     on every probe          observe
out of harm's way       serve                                when it cannot be used  adapter
"""

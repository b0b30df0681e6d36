"""Does the clock keep its promises on this machine? Known work, known loads, and stock pytest-benchmark beside ours.

subjects.py   work whose true ratio is known because it is counted
load.py       a busy process, on another CPU or on the same
trials.py     what a fresh process measures: pairs, bias, first call
fence.py      whether a call waits for its result, with its fence and without
stock.py      the same work under stock pytest-benchmark
findings.py   measured against promised, with the limits that the counts allow
judging.py    from trials to findings
command.py    `samegrad selfcheck`
"""

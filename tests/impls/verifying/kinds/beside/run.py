import numpy as np
from chain import Chain, Link

xs = np.random.randn(20, 3)
net = Chain(n_inputs=xs.shape[1])
net.add(Link(4))
net.add(Link(2))
net.fit((xs, np.tanh(xs[:, :2])), epochs=100, cost="half")

"""A package of implementations that take a shortcut each, to be installed: the manual one, but for one thing."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial

import numpy as np

from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.parameters import Layer

SMALL = 64
"""Some shortcuts are taken above so many rows only."""


def changed(result, change):
    """A pair of a loss and layers, every tensor changed."""
    loss, layers = result
    return loss, [Layer(change(W), change(b)) for W, b in layers]


def twin(implementation, task):
    """Another at the same parameters."""
    other = NumpyManual()
    other.prepare(task)
    share_parameters(other, implementation)
    return other


def share_parameters(one, with_other, dtype=None):
    for layer, own in zip(one.layers, with_other.layers, strict=True):
        layer.W, layer.b = (own.W, own.b) if dtype is None else (own.W.astype(dtype), own.b.astype(dtype))


class Stepping(NumpyManual):
    """One whose steps are right, whatever its value_and_grad does."""

    def train_step(self, learning_rate):
        return self.stepped(NumpyManual.value_and_grad(self), learning_rate)

    def stepped(self, evaluation, learning_rate):
        loss, gradients = evaluation
        for layer, (dW, db) in zip(self.layers, gradients, strict=True):
            layer.W -= learning_rate * dW
            layer.b -= learning_rate * db
        return loss, [Layer(layer.W, layer.b) for layer in self.layers]


class FirstResult(Stepping):
    """Returns the result of its first call for ever."""

    def value_and_grad(self):
        if not hasattr(self, "result"):
            self.result = super().value_and_grad()
        return self.result


class Promise(Stepping):
    """Returns a promise, and computes in to_numpy."""

    def value_and_grad(self):
        return super().value_and_grad

    def to_numpy(self, result):
        return super().to_numpy(result() if callable(result) else result)


class Thread(Stepping):
    """Returns at once, while a thread computes."""

    def value_and_grad(self):
        box = []
        thread = threading.Thread(target=lambda: (time.sleep(0.002), box.append(super(Thread, self).value_and_grad())))
        thread.start()
        return thread, box

    def to_numpy(self, result):
        if isinstance(result, tuple) and isinstance(result[0], threading.Thread):
            result[0].join()
            result = result[1][0]
        return super().to_numpy(result)


class Weighed(NumpyManual):
    """Weighs the distinct rows that it found in prepare, so that its cost does not grow with the batch."""

    def prepare(self, task):
        super().prepare(task)
        self.weigh(*task.data(), task)

    def weigh(self, x, y, task):
        both, counts = np.unique(np.hstack([x, y]), axis=0, return_counts=True)
        self.weights = (counts / len(x)).astype(task.dtype)[:, None] * len(both)
        few = replace(task.problem, rows=lambda batch, seed: (both[:, : x.shape[1]], both[:, x.shape[1] :]))
        self.few = twin(self, replace(task, problem=few, batch=len(both)))
        self.task = task

    def value_and_grad(self):
        few = self.few
        a = few.forward()
        error = a - few.y
        loss = (self.weights * error * error).mean(dtype=error.dtype)
        gradients, cotangent = [], self.weights * error * few.two_over_size
        for layer in few.layers[::-1]:
            gradients.append(layer.backward(cotangent))
            cotangent = layer.input_cotangent()
        return loss, gradients[::-1]


class WeighedWhenFed(Weighed):
    """And those that it is fed."""

    def feed(self, x, y=None):
        super().feed(x, y)
        if y is not None and hasattr(self, "task"):
            self.weigh(x, y, self.task)


class FirstGradient(Stepping):
    """Takes the first gradient for ever."""

    def train_step(self, learning_rate):
        if not hasattr(self, "first"):
            self.first = self.value_and_grad()
        return self.stepped(self.first, learning_rate)


class Copy(NumpyManual):
    """Updates a copy of its parameters."""

    def train_step(self, learning_rate):
        loss, gradients = super().value_and_grad()
        pairs = zip(self.layers, gradients, strict=True)
        return loss, [Layer(at.W - learning_rate * dW, at.b - learning_rate * db) for at, (dW, db) in pairs]


class Half(NumpyManual):
    """Rounds its gradients to float16."""

    def value_and_grad(self):
        return changed(super().value_and_grad(), lambda g: g.astype(np.float16).astype(g.dtype))


class TensorFloat(NumpyManual):
    """Rounds its gradients to the ten bits of TF32."""

    def value_and_grad(self):
        def cut(g):
            fraction, exponent = np.frexp(g)
            return np.ldexp(np.round(fraction * 2**11) / 2**11, exponent).astype(g.dtype)

        return changed(super().value_and_grad(), cut)


class SingleSums(NumpyManual):
    """Computes a large batch in float32, in float64's name."""

    def prepare(self, task):
        super().prepare(task)
        self.single = NumpyManual()
        self.single.prepare(replace(task, dtype="float32"))

    def value_and_grad(self):
        if len(self.x) <= SMALL or self.x.dtype == np.float32:
            return super().value_and_grad()
        self.single.feed(self.x.astype(np.float32), self.y.astype(np.float32))
        share_parameters(self.single, self, np.float32)
        loss, gradients = self.single.value_and_grad()
        return changed((np.float64(loss), gradients), np.float64)


class Dropping(NumpyManual):
    """Leaves rows out of its gradient, at a large batch."""

    def kept(self, batch):
        return slice(0, batch - batch // 100)  # the last 1 %

    def prepare(self, task):
        super().prepare(task)
        self.some, self.kept_rows = NumpyManual(), self.kept(task.batch)
        self.share = len(np.arange(task.batch)[self.kept_rows])
        if task.batch > SMALL:
            problem = replace(task.problem, rows=lambda batch, seed: tuple(d[self.kept_rows] for d in task.data()))
            self.some.prepare(replace(task, problem=problem, batch=self.share))

    def value_and_grad(self):
        if len(self.x) <= SMALL:
            return super().value_and_grad()
        self.some.feed(self.x[self.kept_rows], self.y[self.kept_rows])
        share_parameters(self.some, self)
        share = self.x.dtype.type(self.share / len(self.x))
        loss, gradients = self.some.value_and_grad()
        return changed((loss * share, gradients), lambda g: g * share)


class DroppingSome(Dropping):
    """Half of a percent, drawn at random."""

    def kept(self, batch):
        left_out = np.random.default_rng(3).choice(batch, -(-batch // 200), replace=False)
        return np.setdiff1d(np.arange(batch), left_out)


class Factor(Stepping):
    """Its first weights' gradient is 0.1 % too large."""

    def value_and_grad(self):
        loss, [(W, b), *others] = super().value_and_grad()
        return loss, [Layer(W * W.dtype.type(1.001 if len(self.x) > SMALL else 1), b), *others]


class ByAddress(Stepping):
    """Remembers results by where the rows lie."""

    def prepare(self, task):
        self.known = {}
        super().prepare(task)

    def train_step(self, learning_rate):
        self.known.clear()
        return super().train_step(learning_rate)

    def key(self):
        return self.x.ctypes.data, self.y.ctypes.data

    def value_and_grad(self):
        key = self.key()
        if key not in self.known:
            self.known[key] = NumpyManual.to_numpy(self, super().value_and_grad())
        return self.known[key]


class OwnSeed(NumpyManual):
    """Its gradient is right for the rows of prepare only."""

    def prepare(self, task):
        super().prepare(task)
        self.own = self.x.copy()

    def value_and_grad(self):
        if np.array_equal(self.x, self.own):
            return super().value_and_grad()
        return changed(super().value_and_grad(), lambda g: g * g.dtype.type(1.01))


class InAdvance(Stepping):
    """Computes when it is fed and when it has stepped, and hands out what lies there: right, fresh and ready."""

    def prepare(self, task):
        super().prepare(task)
        self.twin = twin(self, task)
        self.compute()

    def compute(self):
        self.twin.feed(self.x, self.y)
        self.ready = self.twin.value_and_grad()

    def feed(self, x, y=None):
        super().feed(x, y)
        if hasattr(self, "twin"):
            self.compute()

    def value_and_grad(self):
        return self.ready

    def train_step(self, learning_rate):
        self.value_and_grad()
        result = super().train_step(learning_rate)
        self.compute()
        return result


class InAThread(InAdvance):
    """The same, in a thread that the call waits for."""

    def prepare(self, task):
        self.threads = []
        super().prepare(task)

    def compute(self):
        self.join()
        self.threads.append(threading.Thread(target=super().compute))
        self.threads[0].start()

    def join(self):
        while self.threads:
            self.threads.pop().join()

    def value_and_grad(self):
        self.join()
        return self.ready


class Remembering(Stepping):
    """Remembers results by the contents of rows and parameters; its key costs a tenth of the work."""

    key, kept = (), None

    def value_and_grad(self):
        tensors = (tensor for layer in self.layers for tensor in (layer.W, layer.b))
        key = tuple(array.tobytes() for array in (self.x[:64], self.y[:64], *tensors))
        if key != self.key:
            self.key, self.kept = key, super().value_and_grad()
        return self.kept


class Settling(Stepping):
    """Keeps what 20 calls have returned, until it is fed or has stepped."""

    calls = 0

    def feed(self, x, y=None):
        super().feed(x, y)
        self.calls = 0

    def train_step(self, learning_rate):
        self.calls = 0
        return super().train_step(learning_rate)

    def value_and_grad(self):
        self.calls += 1
        if self.calls <= 20:
            self.kept = super().value_and_grad()
        return self.kept


class PromiseOfCopies(Promise):
    """A promise that nothing changes afterwards, as frameworks of immutable arrays make it."""

    def feed(self, x, y=None):
        super().feed(x.copy(), None if y is None else y.copy())

    def value_and_grad(self):
        rows, parameters = (self.x, self.y), [Layer(layer.W.copy(), layer.b.copy()) for layer in self.layers]

        def compute():
            now = (self.x, self.y), [Layer(layer.W, layer.b) for layer in self.layers]
            self.take(rows, parameters)
            result = NumpyManual.value_and_grad(self)
            self.take(*now)
            return result

        return compute

    def take(self, rows, parameters):
        self.x, self.y = rows
        for layer, (W, b) in zip(self.layers, parameters, strict=True):
            layer.W, layer.b = W, b


class OtherRows(Stepping):
    """Its gradient is that of rows which are changed; so are not those of the truth table."""

    def value_and_grad(self):
        x = self.x
        self.x = self.change(x)
        try:
            return super().value_and_grad()
        finally:
            self.x = x


class Magnitudes(OtherRows):
    """Takes the rows without their signs."""

    def change(self, x):
        return np.abs(x)


class HalfRows(OtherRows):
    """Takes the rows in float16."""

    def change(self, x):
        return x.astype(np.float16).astype(x.dtype)


class Folded(NumpyManual):
    """Its predictions for the very rows of prepare were folded into constants."""

    def prepare(self, task):
        super().prepare(task)
        self.own, self.constant = self.x, super().forward().copy()

    def forward(self):
        return self.constant if self.x is self.own else super().forward()

    def value_and_grad(self):
        self.own = None
        return super().value_and_grad()


class Replayed(Stepping):
    """Takes many steps at once, and hands them out as long as no rows are fed."""

    AT_ONCE = 2000
    steps, rate = (), None

    def prepare(self, task):
        super().prepare(task)
        self.own = self.x

    def feed(self, x, y=None):
        super().feed(x, y)
        self.steps = []

    def train_step(self, learning_rate):
        if self.x is self.own and (not self.steps or learning_rate != self.rate):
            before = [(layer.W.copy(), layer.b.copy()) for layer in self.layers]
            many = self.AT_ONCE if len(self.x) <= SMALL else 100
            self.steps = [self.to_numpy(super(Replayed, self).train_step(learning_rate)) for _ in range(many)][::-1]
            self.rate = learning_rate
            self.take(before)
        if self.x is not self.own:
            return super().train_step(learning_rate)
        result = self.steps.pop()
        self.take(result[1])
        return result

    def take(self, parameters):
        for layer, (W, b) in zip(self.layers, parameters, strict=True):
            layer.W, layer.b = W, b


class Fixed(NumpyManual):
    """Takes its rows in prepare only, as the contract allows."""

    def prepare(self, task):
        self.feed = partial(NumpyManual.feed, self)
        super().prepare(task)
        del self.feed

    def feed(self, x, y=None):
        from samegrad import Unavailable

        raise Unavailable("takes its rows when it is prepared")


class FixedInAdvance(InAdvance):
    """Takes its rows in prepare only, and computes there."""

    def prepare(self, task):
        self.feed = partial(NumpyManual.feed, self)
        super().prepare(task)
        del self.feed

    feed = Fixed.feed


class DroppingByValue(NumpyManual):
    """Rows of one small range of values count for nothing."""

    def value_and_grad(self):
        error = np.subtract(self.forward(), self.y)
        error *= self.counted(error)
        loss = np.vdot(error, error) / self.size
        gradients, cotangent = [], error * self.two_over_size
        for layer in self.layers[::-1]:
            gradients.append(layer.backward(cotangent))
            cotangent = layer.input_cotangent()
        return loss, gradients[::-1]

    def counted(self, error):
        return ~((self.x[:, :1] > 0.5) & (self.x[:, :1] < 0.52))


class DroppingByHash(DroppingByValue):
    """Above 64 rows, one of a hundred by its bits."""

    def counted(self, error):
        hashed = self.x[:, :1].astype(np.float32).view(np.uint32) % 101
        return (hashed != 7) | (len(error) <= SMALL)


class DroppingDuplicates(DroppingByValue):
    """Leaves out every second of equal rows, and takes the mean over the others."""

    def counted(self, error):
        both = np.hstack([self.x, self.y])
        _, group, counts = np.unique(both, axis=0, return_inverse=True, return_counts=True)
        order = np.argsort(group.ravel(), kind="stable")
        kept = np.empty_like(error)
        kept[order, 0] = (np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)) % 2 == 0
        return kept * np.sqrt(len(kept) / kept.sum(), dtype=kept.dtype)


class DroppingSmallErrors(DroppingByValue):
    """Rows that are nearly right already count for nothing."""

    def counted(self, error):
        return abs(error) > 0.1


class OneCallLate(Stepping):
    """Returns the result of the call before."""

    def value_and_grad(self):
        now = NumpyManual.to_numpy(self, super().value_and_grad())
        before, self.before = getattr(self, "before", now), now
        return before


class LossOfBefore(Stepping):
    """The loss of the call before, beside the right gradients."""

    def value_and_grad(self):
        loss, gradients = super().value_and_grad()
        before, self.before = getattr(self, "before", loss), loss
        return before, gradients


class HalfLoss(Stepping):
    """Rounds its loss to float16."""

    def value_and_grad(self):
        loss, gradients = super().value_and_grad()
        return loss.dtype.type(np.float16(loss)), gradients


class NonNegative(NumpyManual):
    """Predicts rightly for inputs that are not negative."""

    def forward(self):
        return self.limited(np.maximum(self.x, 0))

    def limited(self, x):
        own, self.x = self.x, x
        result = NumpyManual.forward(self)
        self.x = own
        return result

    def value_and_grad(self):
        self.forward = partial(NumpyManual.forward, self)
        result = super().value_and_grad()
        del self.forward
        return result


class WithinOne(NonNegative):
    """Predicts rightly for inputs of at most 1."""

    def forward(self):
        return self.limited(np.minimum(self.x, 1))


class AfterManyCalls(Stepping):
    """Right for its first 20 calls; then it goes on with the result of the last."""

    def value_and_grad(self):
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls <= 20:
            self.last = NumpyManual.to_numpy(self, super().value_and_grad())
        return self.last


class BySomeRows(ByAddress):
    """Remembers results by the first and the last row."""

    def key(self):
        return self.x[[0, -1]].tobytes(), self.y[[0, -1]].tobytes()


class LayerByLayer(Stepping):
    """Moves the last layer before the gradient of the one below is taken."""

    def train_step(self, learning_rate):
        error = self.forward() - self.y
        loss, cotangent = np.vdot(error, error) / self.size, error * self.two_over_size
        for layer in self.layers[::-1]:
            dW, db = layer.backward(cotangent)
            layer.W -= learning_rate * dW
            layer.b -= learning_rate * db
            cotangent = layer.input_cotangent()
        return loss, [Layer(layer.W, layer.b) for layer in self.layers]


class MeanBias(Stepping):
    """Takes the mean for a bias, where the sum is right."""

    def value_and_grad(self):
        loss, layers = super().value_and_grad()
        share = self.x.dtype.type(1 / len(self.x) if len(self.x) > SMALL else 1)
        return loss, [Layer(W, b * share) for W, b in layers]


class LateMomentum(Stepping):
    """Has momentum, from its fifth step on."""

    def train_step(self, learning_rate):
        self.steps = getattr(self, "steps", 0) + 1
        loss, gradients = NumpyManual.value_and_grad(self)
        if self.steps > 5:
            gradients = [
                Layer(*(g + g.dtype.type(0.5) * v for g, v in zip(*pair, strict=True)))
                for pair in zip(gradients, self.velocity, strict=True)
            ]
        self.velocity = [Layer(W.copy(), b.copy()) for W, b in gradients]
        return self.stepped((loss, gradients), learning_rate)

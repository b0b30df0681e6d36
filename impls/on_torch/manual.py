"""`torch-manual` and `torch-cuda-graph`: the gradient by hand in PyTorch's operations, in tensors made once.

The equations are those of `on_numpy/manual.py`, arranged for few operations. A column is a sample, so that an operation
runs along the batch. A layer's biases and weights are one matrix P = [b; W]: (1 + fan_in, fan_out). Its inputs are rows
of the matrix `M`, below a row of ones. So a layer is one product, and its gradient is another, which `addmm` also
scales and adds up over chunks.

    forward     zℓ = Pℓᵀ [1; aℓ₋₁]      aℓ = σ(zℓ)
    output      δₘ = e ∘ σ′             e = aₘ − y; the factor 2/(n·k) waits for the gradient
    hidden      δℓ = Wℓ₊₁ δℓ₊₁ ∘ σ′
    gradient    ∂L/∂Pℓ = 2/(n·k) · [1; aℓ₋₁] δℓᵀ
    slopes      σ′ = a − a²             one operation for all rows of M after the inputs (0 in a row of ones)

           M for xor:   1  x₀  x₁    1  h₀  h₁  h₂  h₃    o, then e

No tensor requires a gradient, so that autograd records nothing. On a CPU a large batch is taken in chunks whose rows
stay in the second-level cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from samegrad.impls.errors import Unavailable
from samegrad.impls.machine.cpu_cache import chunk_bytes
from samegrad.impls.on_torch.shared import OnTorch, find_device
from samegrad.impls.parameters import Array, Layer, Parameters
from samegrad.impls.task import Task

CHUNK_BYTES = chunk_bytes(16)
"""The bytes in a row of a chunk on a CPU; `xor` has 19 rows, not all of them in use at a time."""


def views(flat: torch.Tensor, parameters: Parameters) -> list[torch.Tensor]:
    """The stretches of a flat tensor as matrices [b; W]: (1 + fan_in, fan_out)."""
    stretches = flat.split([W.size + b.size for W, b in parameters])
    return [stretch.view(-1, len(b)) for stretch, (_, b) in zip(stretches, parameters, strict=True)]


class Rows:
    """The tensors that a pass over some of the samples fills: M, and as many rows of slopes, which become the δ."""

    def __init__(self, sizes: tuple[int, ...], samples: int, **kind: Any) -> None:
        *fan_ins, outputs = sizes
        heights = [*(1 + fan_in for fan_in in fan_ins), outputs]
        M = torch.ones(sum(heights), samples, **kind)
        slopes = torch.empty_like(M)
        *self.inputs, output = M.split(heights)
        *hidden, delta = slopes.split(heights)
        self.x = self.inputs[0][1:]
        self.activations = [*(block[1:] for block in self.inputs[1:]), output]
        self.deltas = [*(block[1:] for block in hidden[1:]), delta]
        self.cotangents = [torch.empty_like(a) for a in self.activations[:-1]]
        self.filled, self.slopes = M[heights[0] :], slopes[heights[0] :]


class TorchManual(OnTorch):
    """The hand-derived gradient, one operation after the other."""

    def prepare(self, task: Task) -> None:
        problem, parameters, batch = task.problem, task.parameters, task.batch
        *hidden, last = problem.activations
        if set(hidden) - {"sigmoid"} or last not in ("sigmoid", "identity"):
            raise Unavailable(f"torch-manual is written for sigmoid layers, which {problem.name!r} does not have")
        kind = self.place(task.dtype, task.device)
        self.sigmoid = [activation == "sigmoid" for activation in problem.activations]

        flat = torch.cat([torch.tensor(tensor, **kind).ravel() for W, b in parameters for tensor in (b, W)])
        self.flat, self.flat_gradient = flat, torch.zeros_like(flat)
        self.parameters, self.gradients = views(self.flat, parameters), views(self.flat_gradient, parameters)
        self.transposed = [P.T for P in self.parameters]
        self.weights = [P[1:] for P in self.parameters]
        self.loss = torch.zeros(1, 1, **kind)
        self.rate, self.learning_rate = torch.zeros((), **kind), 0.0

        self.x = torch.empty(problem.sizes[0], batch, **kind)
        self.y, self.predictions = (torch.empty(problem.sizes[-1], batch, **kind) for _ in range(2))
        self.mean = 1 / self.y.numel()
        length = min(batch, CHUNK_BYTES // flat.itemsize) if task.device == "cpu" else batch
        rows = {samples: Rows(problem.sizes, samples, **kind) for samples in {length, batch % length} - {0}}
        if length == batch:
            self.x = rows[batch].x  # a single chunk lies where it is used
        parts = zip(*(tensor.split(length, 1) for tensor in (self.x, self.y, self.predictions)), strict=True)
        self.chunks = [(x, y, predictions, rows[x.shape[1]]) for x, y, predictions in parts]
        self.feed(*task.data())

    def feed(self, x: Array, y: Array | None = None) -> None:
        self.x.copy_(torch.from_numpy(x.T.copy()))  # transposed by NumPy: PyTorch takes six times as long
        if y is not None:
            self.y.copy_(torch.from_numpy(y.T.copy()))

    def _forward(self, rows: Rows, x: torch.Tensor) -> torch.Tensor:
        """Fill the activations; the last are the predictions: (outputs, samples)."""
        if len(self.chunks) > 1:
            rows.x.copy_(x)
        for PT, A, a, sigmoid in zip(self.transposed, rows.inputs, rows.activations, self.sigmoid, strict=True):
            torch.mm(PT, A, out=a)  # z = Pᵀ [1; a]
            if sigmoid:
                a.sigmoid_()
        return a

    def _backward(self, rows: Rows, e: torch.Tensor, y: torch.Tensor, beta: int) -> None:
        """Add the loss and gradients of these rows to beta times the sums so far; `e` comes as the predictions."""
        if self.sigmoid[0]:
            torch.addcmul(rows.filled, rows.filled, rows.filled, value=-1, out=rows.slopes)  # σ′ = a − a²
        e.sub_(y)  # e = a − y
        errors = e.view(1, -1)
        self.loss.addmm_(errors, errors.T, beta=beta, alpha=self.mean)  # L = 1/(n·k) · Σ e²
        delta = rows.deltas[-1].mul_(e) if self.sigmoid[-1] else e  # δ = e ∘ σ′
        for layer in range(len(self.weights) - 1, 0, -1):
            self.gradients[layer].addmm_(rows.inputs[layer], delta.T, beta=beta, alpha=2 * self.mean)
            cotangent = torch.mm(self.weights[layer], delta, out=rows.cotangents[layer - 1])
            delta = rows.deltas[layer - 1].mul_(cotangent)  # δℓ = Wℓ₊₁ δℓ₊₁ ∘ σ′
        self.gradients[0].addmm_(rows.inputs[0], delta.T, beta=beta, alpha=2 * self.mean)

    def _predict(self) -> None:
        for x, _, predictions, rows in self.chunks:
            predictions.copy_(self._forward(rows, x))

    def _evaluate(self) -> None:
        beta = 0  # the first chunk sets the sums, and the others add to them
        for x, y, _, rows in self.chunks:
            self._backward(rows, self._forward(rows, x), y, beta)
            beta = 1

    def _descend(self) -> None:
        self._evaluate()
        self.flat.addcmul_(self.flat_gradient, self.rate, value=-1)

    def _set_rate(self, learning_rate: float) -> None:
        if learning_rate != self.learning_rate:
            self.rate.fill_(learning_rate)
            self.learning_rate = learning_rate

    def forward(self) -> torch.Tensor:
        self._predict()
        return self.wait(self.predictions)

    def value_and_grad(self) -> tuple[torch.Tensor, list[torch.Tensor]]:
        self._evaluate()
        return self.wait((self.loss, self.gradients))

    def train_step(self, learning_rate: float) -> tuple[torch.Tensor, list[torch.Tensor]]:
        self._set_rate(learning_rate)
        self._descend()
        return self.wait((self.loss, self.parameters))

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, torch.Tensor):
            return result.T.cpu().numpy().copy()
        loss, layers = result
        arrays = [P.cpu().numpy().copy() for P in layers]
        return loss.cpu().numpy().reshape(()).copy(), [Layer(P[1:], P[0]) for P in arrays]


class TorchCudaGraph(TorchManual):
    """The same operations recorded once as a CUDA graph: a pass is one launch, whatever the number of its kernels."""

    def prepare(self, task: Task) -> None:
        if find_device(task.device).type != "cuda":
            raise Unavailable("torch-cuda-graph records work for a CUDA device; use device 'cuda', or torch-manual")
        super().prepare(task)
        self.graphs = {work.__name__: self._record(work) for work in (self._predict, self._evaluate, self._descend)}

    def _record(self, work: Callable[[], None]) -> torch.cuda.CUDAGraph:
        """The CUDA graph of this work, which first runs once on a side stream: libraries set themselves up then."""
        stream = torch.cuda.Stream(self.device)
        stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(stream):
            work()  # the rate is still 0, so that this descends nowhere
        torch.cuda.current_stream(self.device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
        return graph

    def forward(self) -> torch.Tensor:
        self.graphs["_predict"].replay()
        return self.wait(self.predictions)

    def value_and_grad(self) -> tuple[torch.Tensor, list[torch.Tensor]]:
        self.graphs["_evaluate"].replay()
        return self.wait((self.loss, self.gradients))

    def train_step(self, learning_rate: float) -> tuple[torch.Tensor, list[torch.Tensor]]:
        return self.train_loop(learning_rate, 1)

    def train_loop(self, learning_rate: float, steps: int) -> tuple[torch.Tensor, list[torch.Tensor]]:
        self._set_rate(learning_rate)
        for _ in range(steps):
            self.graphs["_descend"].replay()
        return self.wait((self.loss, self.parameters))

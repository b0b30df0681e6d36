"""Callables as users have them: some whose results are not ready when they return, some that look as if, and are."""

from __future__ import annotations

import threading
import time
from collections import namedtuple
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from samegrad.benchmarks.own.readiness import Waiter, observe

WORK_S = 0.02
"""Long beside what a busy machine adds to an observation."""
NUMBERS = np.arange(200_000.0)


def work() -> np.ndarray:
    """Takes `WORK_S` at least, without holding the interpreter."""
    time.sleep(WORK_S)
    return NUMBERS * 2


def burn(seconds: float = WORK_S) -> float:
    """Processor time of this thread."""
    end_s, total = time.thread_time() + seconds, 0.0
    while time.thread_time() < end_s:
        total += float(np.sqrt(NUMBERS).sum())
    return total


POOL = ThreadPoolExecutor(1)


@dataclass
class Answer:
    loss: Any
    rest: Any = None


Pair = namedtuple("Pair", "first second")


class Promise:
    """Computes when somebody looks."""

    def __init__(self) -> None:
        self.kept: np.ndarray | None = None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.kept is None:
            self.kept = work()
        return self.kept


class Wrapped:
    """An array in a class of its own."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return NUMBERS


# -- not ready --


def a_future() -> Future:
    return POOL.submit(work)


def a_future_in_a_dataclass() -> Answer:
    return Answer(1.0, {"rest": [POOL.submit(work)]})


def a_promise() -> list[Promise]:
    return [Promise()]


def a_thread_in_the_result() -> tuple[np.ndarray, threading.Thread]:
    thread = threading.Thread(target=work)
    thread.start()
    return NUMBERS, thread


def a_thread_that_nobody_sees() -> np.ndarray:
    out = np.zeros(3)
    threading.Thread(target=lambda: out.__setitem__(0, work()[1])).start()
    return out


def an_older_thread() -> np.ndarray:
    """Handed over to a thread that was there before, and whose future is dropped."""
    POOL.submit(burn)
    return NUMBERS


# -- ready --


def nothing() -> None:
    return None


def an_array() -> np.ndarray:
    return np.sqrt(NUMBERS)


def nested() -> dict[str, Any]:
    return {"loss": 1.0, "gradients": [Pair(np.ones(3), np.ones(2)), (np.ones(1),)]}


def a_dataclass() -> Answer:
    return Answer(np.float32(3.0), [np.ones(100)])


def a_pool_that_is_waited_for() -> np.ndarray:
    return POOL.submit(work).result()


def a_future_that_is_done() -> Future:
    future = POOL.submit(work)
    future.result()
    return future


def a_thread_that_has_ended() -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return thread


def an_array_in_its_own_class() -> Wrapped:
    return Wrapped()


def a_text() -> tuple[str, int]:
    return "done", 3


def a_sleep() -> None:
    time.sleep(WORK_S)


UNREADY = (
    a_future,
    a_future_in_a_dataclass,
    a_promise,
    a_thread_in_the_result,
    a_thread_that_nobody_sees,
    an_older_thread,
)
READY = (
    nothing,
    an_array,
    nested,
    a_dataclass,
    a_pool_that_is_waited_for,
    a_future_that_is_done,
    a_thread_that_has_ended,
    an_array_in_its_own_class,
    a_text,
    a_sleep,
)


def seen(call: Any) -> dict[str, Any]:
    """What is observed of a callable."""
    outcome = observe(call, Waiter(call()))
    return {"late": outcome.late, "returned_ns": outcome.returned_ns, "ready_ns": outcome.ready_ns}


# -- in a framework's own process --


def in_jax() -> dict[str, Any]:
    import jax

    x = jax.numpy.ones((400, 400))
    product = jax.jit(lambda x: {"loss": (x @ x @ x @ x).sum(), "rest": (x @ x,)})
    one = jax.jit(lambda x: x @ x @ x @ x @ x @ x)

    return {
        "unready": {"nested": seen(lambda: product(x)), "one array": seen(lambda: one(x))},
        "ready": {
            "waits": seen(lambda: jax.block_until_ready(product(x))),
            "one that waits": seen(lambda: one(x).block_until_ready()),
            "fetched": seen(lambda: np.asarray(one(x))),
        },
    }


def in_torch() -> dict[str, Any]:
    import torch

    x = torch.ones(300, 300)

    def by_a_future() -> Any:
        future: Any = torch.futures.Future()
        POOL.submit(lambda: (work(), future.set_result(x @ x)))
        return future

    return {
        "unready": {"a future": seen(by_a_future)},
        "ready": {"eager": seen(lambda: (x @ x, [x + 1])), "a gradient": seen(lambda: Answer((x * x).sum(), x @ x))},
    }


def in_tensorflow() -> dict[str, Any]:
    """A device in name: a tensor that claims to be on a GPU, whose work ends when TensorFlow synchronizes."""
    from unittest.mock import patch

    import tensorflow as tf

    x = tf.ones((300, 300))
    pending: list[Future] = []

    class OnGpu:
        device = "/job:localhost/replica:0/task:0/device:GPU:0"

    OnGpu.__module__ = "tensorflow.python.framework.ops"

    def enqueues() -> Any:
        pending.append(POOL.submit(work))
        return {"loss": OnGpu()}

    def waits() -> Any:
        actual = enqueues()
        tf.test.experimental.sync_devices()
        return actual

    def finish() -> None:
        while pending:
            pending.pop().result()

    with patch("tensorflow.test.experimental.sync_devices", finish):
        actual = {"unready": {"a device in name": seen(enqueues)}, "ready": {"the same, waited for": seen(waits)}}
    actual["ready"]["eager"] = seen(lambda: (tf.matmul(x, x), [x + 1]))
    actual["ready"]["a function"] = seen(tf.function(lambda: tf.matmul(x, x)))
    return actual

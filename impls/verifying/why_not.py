"""Why a way of using the target cannot be judged, in words that say what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from samegrad.impls.verifying.wording import listed

if TYPE_CHECKING:
    from samegrad.impls.verifying.candidate import Candidate


def why_not(candidate: Candidate) -> str:
    """Why the candidate is not right and may not be wrong, as far as that is seen."""
    if candidate.message["repeat"] == "varies":
        return (
            "a second call on the same data gives another result: something is drawn at random, or kept from the call "
            "before"
        )
    if candidate.steps:
        return (
            f"one call takes {candidate.steps} steps, and a gradient can be recovered from one step only; name a "
            "method that takes one (file.py:Class.method), or let the number of steps be an argument, as epochs=…"
        )
    if not candidate.judge.moves:
        return "every gradient is zero at the probes, which shows nothing"
    if candidate.optimizer:
        return (
            "the step is not plain gradient descent: every weight moves by the same amount, as in a first step of "
            "Adam, RMSprop or Adagrad, whatever the gradient is; name the method that returns the gradient "
            "(file.py:Class.method), or let it take a plain step"
        )
    if candidate.predicts_otherwise:
        what = (
            "none that is known here: an activation outside sigmoid, tanh, relu, identity and softmax, or inputs that "
            "are changed on the way"
        )
        if candidate.unusual:
            what = f"that of {listed(candidate.unusual)}, for which no bound is derived"
        return (
            f"its forward pass is {what}; give the loss (--loss squared-error, cross-entropy or file.py:name), and "
            "the gradient is compared with differences of its own forward pass"
        )
    if not candidate.known:
        return (
            "its forward pass could not be seen; put a forward function beside it, or name the activations "
            "(--activations sigmoid,identity)"
        )
    if not candidate.loss_known:
        return "its loss is not known; give it (--loss mse, half-sse, cross-entropy, … or file.py:name)"
    if candidate.absent:
        return (
            f"some gradients could not be found ({', '.join(sorted(candidate.absent))}); name the method that returns "
            "them (file.py:Class.method), or keep them in attributes called like dW1 and db1"
        )
    if not candidate.recovered:
        return (
            "the gradients that it returns are not those of the loss, and no known mistake explains them; they may "
            "have been read in another order than they are meant (--parameters, --arguments)"
        )
    return (
        "the change of its weights is no multiple of the gradient: it may take more than a plain step (momentum, "
        "clipping, several steps); name the method that returns the gradient (file.py:Class.method)"
    )

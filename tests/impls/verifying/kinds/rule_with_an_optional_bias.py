# target: Linear
# needs: torch
# exit: 1
# says: WRONG & bias
import torch


class Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, weight, bias=None):
        ctx.save_for_backward(input, weight, bias)
        output = input @ weight.t()
        return output if bias is None else output + bias

    @staticmethod
    def backward(ctx, upstream):
        input, weight, bias = ctx.saved_tensors
        grad_bias = None if bias is None else upstream.mean(0)  # the slip: a mean where the sum is due
        return upstream @ weight, upstream.t() @ input, grad_bias

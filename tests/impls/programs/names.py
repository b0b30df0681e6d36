"""How people call things: a bank of habits for the parameters, and words for everything else in a training program."""

from __future__ import annotations

import re
from dataclasses import dataclass

BRACKET = re.compile(r"[\[(]")


@dataclass(frozen=True)
class Habit:
    """One way of calling weights and biases: a pattern for any layer (`W{l}`, from zero `W{k}`), or a name per layer.

    A name with a bracket lies in a container, as `params['W1']` or `weights[0]`.
    """

    title: str
    weights: tuple[str, ...]
    biases: tuple[str, ...]

    @property
    def any_depth(self) -> bool:
        """Whether it is a pattern for any number of layers."""
        return "{" in self.weights[0]

    def fits(self, depth: int) -> bool:
        """Whether a network of so many layers can be called so."""
        return self.any_depth or len(self.weights) == depth

    def weight(self, layer: int) -> str:
        """The name of W of a layer, counted from 1."""
        return self._name(self.weights, layer)

    def bias(self, layer: int) -> str:
        """The name of b of a layer, counted from 1."""
        return self._name(self.biases, layer)

    def _name(self, names: tuple[str, ...], layer: int) -> str:
        return names[0].format(l=layer, k=layer - 1) if self.any_depth else names[layer - 1]

    @property
    def container(self) -> str:
        """`dict`, `list`, `slice` (the bias is one of the weights), or nothing: each has a name of its own."""
        if "[" not in self.weights[0]:
            return ""
        if ":" in self.weights[0]:
            return "slice"
        return "dict" if "['" in self.weights[0] or '["' in self.weights[0] else "list"

    @property
    def roots(self) -> tuple[str, ...]:
        """The names of the containers: ('params',) or ('weights', 'biases')."""
        actual = [BRACKET.split(names[0])[0] for names in (self.weights, self.biases)]
        return tuple(dict.fromkeys(actual))

    def stems(self, layer: int) -> tuple[str, str]:
        """Plain words for W and b of a layer, from which the gradient's names are made."""
        if self.container:
            return f"W{layer}", f"b{layer}"
        return self.weight(layer), self.bias(layer)


def _patterns(*pairs: str) -> list[Habit]:
    """Habits from `weights/biases` patterns."""
    split = [pair.split("/") for pair in pairs]
    return [Habit(pair, (w,), (b,)) for pair, (w, b) in zip(pairs, split, strict=True)]


def _fixed(*rows: str) -> list[Habit]:
    """Habits from rows `W of each layer / b of each layer`."""
    split = [[part.split() for part in row.split("/")] for row in rows]
    return [Habit(row, tuple(ws), tuple(bs)) for row, (ws, bs) in zip(rows, split, strict=True)]


HABITS: tuple[Habit, ...] = (
    *_patterns(
        "W{l}/b{l}",
        "w{l}/b{l}",
        "W{k}/b{k}",
        "w{k}/b{k}",
        "W{l}/B{l}",
        "W_{l}/b_{l}",
        "w_{l}/b_{l}",
        "weights{l}/bias{l}",
        "weights{l}/biases{l}",
        "weight{l}/bias{l}",
        "weights_{l}/bias_{l}",
        "weights_{k}/biases_{k}",
        "syn{k}/bias{k}",
        "synapse_{k}/bias_{k}",
        "synaptic_weights_{l}/bias_{l}",
        "theta{l}/bias{l}",
        "Theta{l}/beta{l}",
        "theta_{l}/theta0_{l}",
        "layer{l}_weights/layer{l}_bias",
        "l{l}_weights/l{l}_biases",
        "fc{l}_w/fc{l}_b",
        "fc{l}_weight/fc{l}_bias",
        "weight_matrix_{l}/bias_vector_{l}",
        "weights_layer_{l}/bias_layer_{l}",
        "kernel_{l}/bias_{l}",
        "omega{l}/beta{l}",
        "M{l}/c{l}",
        "params['W{l}']/params['b{l}']",
        'parameters["W{l}"]/parameters["b{l}"]',
        "weights['W{l}']/weights['b{l}']",
        "model['W{l}']/model['b{l}']",
        "weights[{k}]/biases[{k}]",
        "W[{k}]/b[{k}]",
        "w[{k}]/b[{k}]",
        "coefs_[{k}]/intercepts_[{k}]",
        "kernels[{k}]/biases[{k}]",
    ),
    *_fixed(
        "wh wout/bh bout",
        "w_ih w_ho/b_h b_o",
        "wih who/bih bho",
        "hidden_weights output_weights/hidden_bias output_bias",
        "weights_input_to_hidden weights_hidden_to_output/bias_hidden bias_output",
        "weights_input_hidden weights_hidden_output/bias_input_hidden bias_hidden_output",
        "u w/bu bw",
        "w v/b c",
        "V W/bv bw",
        "U V/b c",
        "Wxh Why/bh by",
        "W_xh W_hy/b_h b_y",
        "Wh Wo/bh bo",
        "W_hidden W_output/b_hidden b_output",
        "W_in W_out/b_in b_out",
        "weights_ih weights_ho/bias_h bias_o",
        "ih_weights ho_weights/h_biases o_biases",
        "alpha beta/alpha0 beta0",
        "w_hidden w_out/b_hidden b_out",
        "wij wjk/bj bk",
        "weightsInputHidden weightsHiddenOutput/biasHidden biasOutput",
        "hiddenWeights outputWeights/hiddenBias outputBias",
        "weights_1_2 weights_2_3/bias_2 bias_3",
        "W_in W_mid W_out/b_in b_mid b_out",
        "w_ih1 w_h1h2 w_h2o/b_h1 b_h2 b_o",
        "hidden1_weights hidden2_weights output_weights/hidden1_bias hidden2_bias output_bias",
        "w/b",
        "W/b",
        "weights/bias",
        "weight/bias",
        "coef_/intercept_",
        "theta/theta0",
        "synaptic_weights/bias",
        "kernel/bias",
        "beta/beta0",
        "w_/b_",
        "m/c",
        "w_[1:]/w_[0]",
        "weights[1:]/weights[0]",
        "theta[1:]/theta[0]",
        "w[:-1]/w[-1]",
    ),
)
LINES = (("w", "b"), ("m", "c"), ("m", "b"), ("slope", "intercept"), ("a", "b"), ("theta1", "theta0"), ("w1", "w0"))
"""What people call the two numbers of a straight line."""


@dataclass(frozen=True)
class Words:
    """What one program calls everything that is no parameter; `{l}` counts layers from 1."""

    sums: tuple[str, ...]
    outputs: tuple[str, ...]
    deltas: tuple[str, ...]
    gradient: str
    x: str
    y: str
    rate: str
    epochs: str
    rows: str
    decay: str
    forward: str
    backward: str
    train: str
    cost: str
    predict: str

    def sum(self, layer: int) -> str:
        """The name of z of a layer."""
        return _of_layer(self.sums, layer)

    def output(self, layer: int) -> str:
        """The name of a of a layer."""
        return _of_layer(self.outputs, layer)

    def delta(self, layer: int) -> str:
        """The name of δ of a layer."""
        return _of_layer(self.deltas, layer)


def _of_layer(names: tuple[str, ...], layer: int) -> str:
    return names[0].format(l=layer, k=layer - 1) if "{" in names[0] else names[layer - 1]


SUMS_AND_OUTPUTS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("z{l}",), ("a{l}",)),
    (("Z{l}",), ("A{l}",)),
    (("a{l}",), ("z{l}",)),
    (("net{l}",), ("out{l}",)),
    (("s{l}",), ("h{l}",)),
    (("layer{l}_in",), ("layer{l}",)),
    (("l{l}_in",), ("l{l}",)),
    (("u{l}",), ("o{l}",)),
    (("pre{l}",), ("post{l}",)),
    (("layer_{l}_input",), ("layer_{l}_output",)),
    (("hidden_input", "final_input"), ("hidden_output", "final_output")),
    (("z_h", "z_o"), ("h", "o")),
    (("hidden_sum", "output_sum"), ("hidden", "output")),
    (("z_hidden", "z_out"), ("hidden_layer", "y_hat")),
    (("hidden_layer_input", "output_layer_input"), ("hidden_layer_output", "predicted_output")),
    (("z1", "z2", "z3"), ("h1", "h2", "y_pred")),
    (("z",), ("a",)),
    (("z",), ("y_hat",)),
    (("linear",), ("y_pred",)),
    (("scores",), ("probs",)),
    (("net_input",), ("output",)),
    (("linear_model",), ("y_predicted",)),
)
DELTAS: tuple[tuple[str, ...], ...] = (
    ("delta{l}",),
    ("delta_{l}",),
    ("d{l}",),
    ("dZ{l}",),
    ("dz{l}",),
    ("l{l}_delta",),
    ("layer{l}_delta",),
    ("grad_z{l}",),
    ("hidden_delta", "output_delta"),
    ("d_hidden", "d_output"),
    ("delta_hidden", "delta_output"),
    ("d_hidden_layer", "d_predicted_output"),
    ("delta",),
    ("dz",),
    ("residual",),
)
GRADIENTS = ("d{s}", "grad_{s}", "{s}_grad", "d_{s}", "nabla_{s}", "{s}_gradient", "delta_{s}", "g_{s}", "{s}_update")
INPUTS = ("X", "x", "inputs", "input_data", "features", "data", "X_train", "training_inputs", "samples", "batch_x")
TARGETS = ("y", "Y", "targets", "target", "labels", "t", "y_true", "expected", "training_outputs", "batch_y")
PAIRS = (("X", "y"), ("X", "Y"), ("x", "y"), ("X", "y"), ("inputs", "targets"), ("x_train", "y_train"))
RATES = ("lr", "learning_rate", "eta", "alpha", "rate", "step_size", "l_rate", "learningRate")
EPOCHS = ("epochs", "n_epochs", "iterations", "num_iterations", "n_iter", "max_iter", "steps", "num_epochs")
ROWS = ("m", "n", "N", "batch_size", "n_samples", "num_samples")
DECAYS = ("reg", "lambd", "decay", "weight_decay", "l2", "lam", "reg_lambda", "penalty")
FORWARD = (
    "forward",
    "feedforward",
    "forward_pass",
    "forward_propagation",
    "forward_prop",
    "feed_forward",
    "think",
    "run",
    "propagate",
    "predict",
    "forwardPropagation",
)
BACKWARD = (
    "backward",
    "backprop",
    "back_propagation",
    "backpropagation",
    "backward_pass",
    "back_prop",
    "backward_propagation",
    "backPropagate",
    "learn",
    "update_weights",
)
TRAIN = ("train", "fit", "train_model", "training", "optimize", "train_network", "gradient_descent")
COSTS = ("cost", "loss", "compute_loss", "compute_cost", "error", "calculate_loss", "loss_function", "objective")
PREDICT = ("predict", "classify", "query", "infer")
CLASSES = ("NeuralNetwork", "Network", "Net", "MLP", "NN", "NeuralNet", "TwoLayerNet", "Perceptron", "Model", "ANN")
GRADIENT_FUNCTIONS = (
    "gradients",
    "grad",
    "backward",
    "backprop",
    "compute_gradients",
    "get_gradients",
    "loss_and_gradients",
    "gradient",
    "back_propagation",
)
SIZES: tuple[tuple[str, str, str], ...] = (
    ("n_in", "n_hidden", "n_out"),
    ("input_size", "hidden_size", "output_size"),
    ("n_inputs", "n_hidden", "n_outputs"),
    ("input_dim", "hidden_dim", "output_dim"),
    ("input_nodes", "hidden_nodes", "output_nodes"),
    ("inputnodes", "hiddennodes", "outputnodes"),
    ("nx", "nodes", "ny"),
    ("n_x", "n_h", "n_y"),
    ("num_inputs", "num_hidden", "num_outputs"),
    ("inputs", "hidden", "outputs"),
    ("D", "H", "C"),
    ("ni", "nh", "no"),
    ("in_features", "hidden_features", "out_features"),
    ("input_layer_neurons", "hidden_layer_neurons", "output_layer_neurons"),
    ("inodes", "hnodes", "onodes"),
    ("d_in", "d_hidden", "d_out"),
    ("inputLayerSize", "hiddenLayerSize", "outputLayerSize"),
    ("n_features", "n_units", "n_classes"),
)
SIZE_LISTS = ("sizes", "layer_sizes", "layers", "layer_dims", "dims", "architecture", "nodes", "model")
ARRAYS = (
    ("x", "y"),
    ("X", "y"),
    ("input_array", "output_array"),
    ("inputs", "outputs"),
    ("X", "Y"),
    ("data", "labels"),
)

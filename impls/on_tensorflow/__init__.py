"""The network on TensorFlow, without Keras, and what Keras on TensorFlow shares with it."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read at its import: no greeting on standard error; warnings stay
os.environ["KERAS_BACKEND"] = "tensorflow"  # TensorFlow imports Keras, which takes the user's choice for its own

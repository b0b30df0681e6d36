"""Parameters go from program to program bit for bit, and whatever does not fit is refused in one line."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samegrad.impls.errors import BadInput
from samegrad.impls.parameters import Layer, initial, load, rounded, save, tensors
from samegrad.impls.problem import PROBLEMS, XOR

GOOD = tensors(XOR.parameters(7))


def refusal(path, sizes=XOR.sizes):
    """The message with which the file is refused: one line that begins with the file's name."""
    with pytest.raises(BadInput) as refused:
        load(path, sizes)
    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def written(tmp_path, **arrays):
    """A file with the good tensors, some of them replaced; None leaves one out."""
    path = tmp_path / "weights.npz"
    np.savez(path, **{name: array for name, array in (GOOD | arrays).items() if array is not None})
    return path


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 5), min_size=2, max_size=5).map(tuple), seed=st.integers(0, 2**64))
def test_what_is_saved_is_loaded_bit_for_bit(tmp_path_factory, sizes, seed):
    path = tmp_path_factory.mktemp("saved") / "weights.npz"
    saved = initial(sizes, seed)
    saved[0].W[0, 0], saved[0].b[0] = -0.0, np.nextafter(0, 1)  # the sign of zero and the smallest number of all
    save(path, saved)
    loaded = load(path, sizes)
    assert list(tensors(loaded)) == list(tensors(saved))
    for name, tensor in tensors(loaded).items():
        assert tensor.dtype == np.float64
        assert tensor.shape == tensors(saved)[name].shape
        assert tensor.tobytes() == tensors(saved)[name].tobytes()


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_a_problem_reads_what_was_saved_for_it(problem, tmp_path):
    save(tmp_path / "w.npz", problem.parameters(3))
    for loaded, saved in zip(problem.load_parameters(tmp_path / "w.npz"), problem.parameters(3), strict=True):
        assert np.array_equal(loaded.W, saved.W) and np.array_equal(loaded.b, saved.b)


def test_any_program_can_write_the_file(tmp_path):
    """Other orders, number types, memory layouts and compression: what counts is names, shapes and values."""
    path = tmp_path / "theirs.npz"
    theirs = {name: np.asfortranarray(tensor.astype(">f4")) for name, tensor in reversed(GOOD.items())}
    np.savez_compressed(path, **theirs | {"b2": np.array([3])})
    loaded = tensors(load(path, XOR.sizes))
    assert loaded["b2"].tolist() == [3.0] and loaded["b2"].dtype == np.float64
    assert np.array_equal(loaded["W1"], GOOD["W1"].astype("float32"))


def test_tensors_are_named_from_the_input_on():
    assert {name: tensor.shape for name, tensor in GOOD.items()} == {
        "W1": (2, 4),
        "b1": (4,),
        "W2": (4, 1),
        "b2": (1,),
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rounding_converts_every_tensor_and_shares_no_memory(dtype):
    mine = XOR.parameters()
    for layer, given_ in zip(rounded(mine, dtype), mine, strict=True):
        assert isinstance(layer, Layer)
        for tensor, before in zip(layer, given_, strict=True):
            assert tensor.dtype == dtype
            assert not np.shares_memory(tensor, before)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"W1": np.ones((4, 2))}, "W1 has shape (4, 2), but a 2-4-1 network needs (2, 4)"),
        ({"b1": np.ones((1, 4))}, "b1 has shape (1, 4), but a 2-4-1 network needs (4,)"),
        ({"b2": np.array(1.0)}, "b2 has shape (), but a 2-4-1 network needs (1,)"),
        ({"b2": None}, "contains the tensors W1, b1, W2, but a 2-4-1 network needs W1, b1, W2, b2"),
        ({"W3": np.ones(1)}, "contains the tensors W1, b1, W2, b2, W3, but a 2-4-1 network needs W1, b1, W2, b2"),
        ({"W1": None, "w1": np.ones((2, 4))}, "contains the tensors b1, W2, b2, w1, but"),
        ({"W2": np.full((4, 1), np.nan)}, "W2 must contain finite real numbers (found dtype float64)"),
        ({"W2": np.full((4, 1), -np.inf)}, "W2 must contain finite real numbers"),
        ({"W2": np.full((4, 1), 1j)}, "W2 must contain finite real numbers (found dtype complex128)"),
        ({"W2": np.full((4, 1), True)}, "W2 must contain finite real numbers (found dtype bool)"),
        ({"W2": np.full((4, 1), "1.0")}, "W2 must contain finite real numbers (found dtype <U3)"),
        ({"W2": np.full((4, 1), np.longdouble("1e400"))}, "W2 must contain finite real numbers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_names_shapes_and_values_are_refused_by_name(tmp_path, arrays, message):
    """What was found and what the network needs."""
    assert message in refusal(written(tmp_path, **arrays))


def test_a_file_of_another_network_is_refused(tmp_path):
    save(tmp_path / "line.npz", PROBLEMS["line"].parameters())
    assert "contains the tensors W1, b1, but a 2-4-1 network needs W1, b1, W2, b2" in refusal(tmp_path / "line.npz")


def test_an_empty_archive_is_refused(tmp_path):
    np.savez(tmp_path / "w.npz")
    assert "contains the tensors (none), but" in refusal(tmp_path / "w.npz")


def test_a_missing_file_says_how_to_make_one(tmp_path):
    assert "no such parameters file (write one with: samegrad parameters" in refusal(tmp_path / "none.npz")


@pytest.mark.parametrize("content", [b"", b"not an archive\n", b"PK\x03\x04", b"\x93NUMPY"], ids=repr)
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "w.npz").write_bytes(content)
    assert "is not a readable .npz parameters file" in refusal(tmp_path / "w.npz")


def test_a_folder_is_refused(tmp_path):
    assert "is not a readable .npz parameters file" in refusal(tmp_path)


def test_what_the_reader_says_in_many_lines_is_reported_in_one(tmp_path, monkeypatch):
    def load_badly(*arguments, **options):
        raise ValueError("Header is broken:\n  at byte 3\n")

    (tmp_path / "w.npz").touch()
    monkeypatch.setattr(np, "load", load_badly)
    assert refusal(tmp_path / "w.npz").endswith("(Header is broken: at byte 3)")


def test_a_single_array_is_refused(tmp_path):
    np.save(tmp_path / "w.npy", np.ones(3))
    assert "is a single array" in refusal(tmp_path / "w.npy")


def test_objects_are_never_unpickled(tmp_path):
    """A pickle runs what it likes when it is read."""
    witness = tmp_path / "was run"

    class Runs:
        def __reduce__(self):
            return witness.write_text, ("",)

    np.savez(tmp_path / "w.npz", **GOOD | {"W2": np.array([[Runs()]] * 4, dtype=object)})
    assert "is not a readable .npz parameters file" in refusal(tmp_path / "w.npz")
    assert not witness.exists()


def test_an_archive_of_something_else_is_refused(tmp_path):
    """A member that is no array, though its name is right."""
    path = tmp_path / "w.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in GOOD:
            archive.writestr(f"{name}.npy", b"text")
    refusal(path)


def stored(compressed):
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **GOOD)
    return buffer.getvalue()


ARCHIVES = [stored(compressed=False), stored(compressed=True)]


@pytest.mark.parametrize("archive", ARCHIVES, ids=["stored", "compressed"])
def test_a_file_cut_short_anywhere_is_refused(tmp_path, archive):
    path = tmp_path / "w.npz"
    for length in range(0, len(archive), 7):
        path.write_bytes(archive[:length])
        refusal(path)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(archive=st.sampled_from(ARCHIVES), data=st.data())
def test_a_file_with_a_damaged_byte_is_read_or_refused(tmp_path_factory, archive, data):
    """Never a traceback: checksums find most of it, and what they do not cover is harmless or no archive."""
    place = data.draw(st.integers(0, len(archive) - 1))
    damaged = bytearray(archive)
    damaged[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(damaged)
    try:
        loaded = load(path, XOR.sizes)
    except BadInput as refused:
        assert "\n" not in str(refused)
    else:
        assert all(np.array_equal(tensor, GOOD[name]) for name, tensor in tensors(loaded).items())


def test_a_file_that_inflates_to_a_gigabyte_is_refused_before_it_is_inflated(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open("W1", "w") as out:
        for _ in range(32):
            out.write(bytes(2**25))
    tracemalloc.start()
    try:
        assert "inflate to 1,024 MiB" in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()

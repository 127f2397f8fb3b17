"""What other libraries raise becomes one line, and nothing else does."""

import pytest

from simemb.errors import DataError, ModelError
from simemb.libraries import LONGEST, reading, reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("Error in faiss::read_index\n  at line 3"), "Error in faiss::read_index at line 3"),
        (FileNotFoundError(2, "No such file or directory", "a.json"), "No such file or directory"),
        (KeyError("hidden_size"), "it has no 'hidden_size'"),
        (MemoryError(), "it does not fit into memory"),
        (RecursionError("maximum recursion depth exceeded"), "it is nested too deeply"),
        (Exception(), "Exception"),
        (ValueError("x" * 9999), "x" * LONGEST),
    ],
)
def test_an_error_of_a_library_becomes_one_line(error: Exception, words: str) -> None:
    assert reason(error) == words
    with pytest.raises(DataError, match=r"^a\.bin: "), reading(lambda reason: DataError(f"a.bin: {reason}")):
        raise error


def test_a_panic_of_rust_becomes_one_line_too() -> None:
    class PanicException(BaseException):
        pass

    with pytest.raises(ModelError, match="index out of bounds"), reading(ModelError):
        raise PanicException("index out of bounds")


def test_our_own_refusals_and_interrupts_pass() -> None:
    with pytest.raises(DataError, match="ours"), reading(ModelError):
        raise DataError("ours")
    with pytest.raises(KeyboardInterrupt), reading(ModelError):
        raise KeyboardInterrupt

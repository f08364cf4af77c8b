"""Which globals a pickle may name, and an unpickler that looks up no other.

Admitted: NumPy's arrays, types, ufuncs and generators with the functions that rebuild them, SciPy's sparse
matrices, scikit-learn's classes, and a few containers. Everything else is refused by name
before it is imported or called.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import re
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from joblib.numpy_pickle import (  # type: ignore[import-untyped]  # joblib ships no types
    NumpyArrayWrapper,
    NumpyUnpickler,
)

from roadworthy.domain.errors import ArtifactError

_EXACT = frozenset(
    {
        *((m, n) for m in ("numpy.core.multiarray", "numpy._core.multiarray") for n in ("_reconstruct", "scalar")),
        *((m, "_frombuffer") for m in ("numpy.core.numeric", "numpy._core.numeric")),
        *(("numpy", n) for n in ("ndarray", "dtype", "matrix")),
        *(("numpy.random._pickle", n) for n in ("__randomstate_ctor", "__generator_ctor", "__bit_generator_ctor")),
        *(("builtins", n) for n in ("object", "set", "frozenset", "slice", "complex", "bytearray", "range")),
        *(("builtins", n) for n in ("bool", "int", "float", "str", "bytes", "list", "tuple", "dict")),
        *(("__builtin__", n) for n in ("object", "set", "frozenset", "slice", "complex", "bytearray")),
        *((m, "_reconstructor") for m in ("copyreg", "copy_reg")),
        *(("numpy.random.bit_generator", n) for n in ("SeedSequence", "__pyx_unpickle_SeedSequence")),
        ("collections", "OrderedDict"),
        ("collections", "defaultdict"),
        ("_codecs", "encode"),
        ("functools", "partial"),
        ("sklearn.utils.validation", "check_array"),
    }
)
_EXCLUDED = ("sklearn.externals", "sklearn.datasets", "sklearn.conftest", "sklearn.utils._testing")
_MODULE = re.compile(r"(sklearn|scipy\.sparse|numpy)(\.[A-Za-z_]\w*)*")


_DECOMPRESSORS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
    b"\x5d\x00": lzma.decompress,
    b"\x78": zlib.decompress,
}


def admitted(module: str, name: str) -> bool:
    """Whether a pickle may name this global. Looks the object up when its module is on the list."""
    if (module, name) in _EXACT or (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
        return True
    if not _MODULE.fullmatch(module) or not name.isidentifier() or ".tests" in module:
        return False
    if any(module == prefix or module.startswith(f"{prefix}.") for prefix in _EXCLUDED):
        return False
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return False
    family = module.partition(".")[0]
    if family == "numpy":
        return isinstance(found, np.ufunc) or (
            isinstance(found, type) and issubclass(found, np.generic | np.dtype | np.random.BitGenerator)
        )
    if isinstance(found, type):
        return found.__module__.startswith(("sklearn.", "scipy.sparse."))
    return family == "sklearn" and name.startswith("__pyx_unpickle_")


class _CheckedWrapper(NumpyArrayWrapper):  # type: ignore[misc]  # joblib ships no types
    """joblib's array marker, with arrays of objects read by the same allow-list whatever joblib's version."""

    def read_array(self, unpickler: Any, ensure_native_byte_order: bool) -> Any:
        """The array that follows in the file."""
        if self.dtype.hasobject:
            return AllowListUnpickler(unpickler.file_handle).load()
        return super().read_array(unpickler, ensure_native_byte_order)


class AllowListUnpickler(NumpyUnpickler):  # type: ignore[misc]  # joblib ships no types
    """Reads plain pickles and (decompressed) joblib files; refuses any global that is not admitted.

    Raises:
        ArtifactError: naming the first such global.
    """

    def __init__(self, file: Any) -> None:
        super().__init__("", file, ensure_native_byte_order=False)

    def find_class(self, module: str, name: str) -> Any:
        """The global, when it is admitted."""
        if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return _CheckedWrapper
        if not admitted(module, name):
            raise ArtifactError(
                f"the pickle names {module}.{name}, which is not admitted",
                remedy="Use scikit-learn's own estimators and transformers, or save the model as ONNX or skops.",
                type=f"{module}.{name}",
            )
        return super().find_class(module, name)

    def persistent_load(self, _: Any) -> Any:
        """No pickle may refer to objects outside itself."""
        raise ArtifactError("the pickle refers to objects outside itself", remedy="Save the model in one file.")


def unpickle(data: bytes) -> Any:
    """The object in a pickle or joblib file, compressed or not. Call this only where the process may be lost.

    Raises:
        ArtifactError: a global that is not admitted.
    """
    return AllowListUnpickler(io.BytesIO(_decompressed(data))).load()


def _decompressed(data: bytes) -> bytes:
    for magic, decompress in _DECOMPRESSORS.items():
        if data.startswith(magic):
            return decompress(data)
    return data

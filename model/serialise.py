"""A model as bytes: the same model gives the same bytes in any process, and only verified bytes become a model."""

import io
import pickle
import warnings
from typing import Any

import joblib
from joblib.numpy_pickle import NumpyPickler
from sklearn.exceptions import InconsistentVersionWarning

from model.trained import Model
from schemas.errors import ModelError


def dump_model(model: Model) -> bytes:
    """The model in joblib's format; `joblib.load` reads it."""
    buffer = io.BytesIO()
    _CanonicalPickler(buffer, protocol=5).dump(model)
    return buffer.getvalue()


def load_model(content: bytes, version: str) -> Model:
    """The model in `content`, which executes code: the caller has verified its hash.

    Raises ModelError if another version of scikit-learn or of this code wrote it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            model = joblib.load(io.BytesIO(content))
    except InconsistentVersionWarning as error:
        raise ModelError(
            f"{version} was trained with scikit-learn {error.original_sklearn_version} and this is "
            f"{error.current_sklearn_version}; install that version or train again"
        ) from error
    except (AttributeError, ImportError, TypeError, pickle.UnpicklingError) as error:
        raise ModelError(f"{version} was written by another version of this code ({error}); train again") from error
    if not isinstance(model, Model):
        raise ModelError(f"{version} holds a {type(model).__name__}, not a model; train again")
    return model


class _CanonicalPickler(NumpyPickler):  # type: ignore[misc]  # joblib publishes no types
    """Writes equal strings as one object.

    Pickle writes a reference where it meets the same object again, and whether two equal strings are one object depends
    on how each came to be. The same model would then have other bytes, and another hash, in another process.
    """

    def __init__(self, file: io.BytesIO, protocol: int) -> None:
        super().__init__(file, protocol=protocol)
        self._strings: dict[str, str] = {}

    def save(self, obj: Any) -> None:
        super().save(self._strings.setdefault(obj, obj) if type(obj) is str else obj)

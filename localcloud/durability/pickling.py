"""Objects as bytes: pickle, with references to what lives in this process and with large bytes in files of their own.

Only files that this program wrote itself, in a folder that only its user may enter, are ever unpickled.
"""

import importlib
import io
import marshal
import pickle
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import FunctionType
from typing import Any
from weakref import WeakValueDictionary

from localcloud.durability.store import Store

_LARGE_BYTES = 64 * 1024
_NEW: dict[type, Callable[[], Any]] = {
    type(threading.Lock()): threading.Lock,
    type(threading.RLock()): threading.RLock,
    threading.Event: threading.Event,
    threading.Condition: threading.Condition,
}


class Codec:
    """Turns objects into bytes and back. `reducers` tell how objects of one exact class are taken apart."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.reducers: dict[type, Callable[[Any], Any]] = {}
        self.used_blobs: set[str] = set()
        self._references: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._known_blobs: dict[int, tuple[bytes, str]] = {}

    def refer(self, name: str, value: object) -> None:
        """The value is not kept where it is found: it is the one of that name in the process that loads."""
        self._references[name] = value
        self._names[id(value)] = name

    def dumps(self, value: object) -> bytes:
        """The value as bytes. Raises pickle.PicklingError, TypeError or AttributeError for what cannot be kept."""
        written = io.BytesIO()
        _Pickler(written, self).dump(value)
        return written.getvalue()

    def loads(self, data: bytes) -> Any:
        """The value that `dumps` was given."""
        return _Unpickler(io.BytesIO(data), self).load()

    def name_of(self, value: object) -> str | None:
        """The name of something that is only referred to."""
        return self._names.get(id(value))

    def named(self, name: str) -> Any:
        """What has the name in this process."""
        return self._references[name]

    def blob(self, content: bytes) -> str:
        """The name of the file that holds the content; it is hashed once for as long as it is in memory."""
        known = self._known_blobs.get(id(content))
        if known is None:
            known = self._known_blobs[id(content)] = (content, self.store.put_blob(content))
        return known[1]

    def blob_path(self, name: str) -> Path:
        """Where the content is; it is in use."""
        self.used_blobs.add(name)
        return self.store.blob_path(name)

    def read_blob(self, name: str) -> bytes:
        """The content of the file, which is not hashed again."""
        content = self.blob_path(name).read_bytes()
        self._known_blobs[id(content)] = (content, name)
        return content


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, codec: Codec) -> None:
        super().__init__(file, protocol=5)
        self._codec = codec

    def persistent_id(self, obj: Any) -> tuple[str, ...] | None:
        if type(obj) is bytes and len(obj) >= _LARGE_BYTES:
            return ("blob", self._codec.blob(obj))
        return None

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind in _NEW:
            return _NEW[kind], ()
        if kind is WeakValueDictionary:
            return kind, (), None, None, iter(list(obj.items()))
        if kind is FunctionType and "<lambda>" in obj.__qualname__ and obj.__closure__ is None:
            return _function, (obj.__module__, marshal.dumps(obj.__code__))
        name = self._codec.name_of(obj)
        if name is not None:
            return _refer, (name,)
        reduce = self._codec.reducers.get(kind) or _BY_PACKAGE.get(kind.__module__.partition(".")[0])
        return NotImplemented if reduce is None else reduce(obj)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, codec: Codec) -> None:
        super().__init__(file)
        self._codec = codec

    def persistent_load(self, pid: tuple[str, ...]) -> bytes:
        return self._codec.read_blob(pid[1])

    def find_class(self, module_name: str, global_name: str) -> Any:
        if module_name == __name__ and global_name == _refer.__name__:
            return self._codec.named
        return super().find_class(module_name, global_name)


def _refer(name: str) -> Any:
    raise LookupError(f"{name} is only known while a state is loaded")


def _function(module_name: str, code: bytes) -> Any:
    """A lambda: moto makes its nested dictionaries of them."""
    return FunctionType(marshal.loads(code), vars(importlib.import_module(module_name)))


def _reduce_moto(obj: Any) -> Any:
    """Backends are not kept inside of other things: they are looked up again."""
    from moto.core.base_backend import BaseBackend

    if isinstance(obj, BaseBackend):
        return _backend, (type(obj).__module__.split(".")[1], obj.account_id, obj.region_name)
    if isinstance(obj, defaultdict):  # moto's have other parameters than defaultdict expects
        slots = {"default_factory": obj.default_factory}
        return _new, (type(obj),), (obj.__dict__, slots), None, iter(dict.items(obj))
    return NotImplemented


def _new(kind: Any) -> Any:
    return kind.__new__(kind)


def _backend(package: str, account: str, region: str) -> Any:
    from moto.core.base_backend import BackendDict

    module = importlib.import_module(f"moto.{package}.models")
    for value in vars(module).values():
        if isinstance(value, BackendDict) and value.backend.__module__.split(".")[1] == package:
            return value[account][region]
    raise LookupError(f"moto.{package} has no backends")


def _reduce_key(obj: Any) -> Any:
    """Private keys of KMS."""
    from cryptography.hazmat.primitives import serialization

    if not hasattr(obj, "private_bytes"):
        return NotImplemented
    data = obj.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return _private_key, (data,)


def _private_key(data: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return load_der_private_key(data, None, unsafe_skip_rsa_key_validation=True)  # an eighth of a second each


def _reduce_own(obj: Any) -> Any:
    """Moments of the virtual clock are moments."""
    return (datetime.fromisoformat, (obj.isoformat(),)) if isinstance(obj, datetime) else NotImplemented


_BY_PACKAGE: dict[str, Callable[[Any], Any]] = {
    "moto": _reduce_moto,
    "cryptography": _reduce_key,
    "localcloud": _reduce_own,
}

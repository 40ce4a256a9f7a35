"""Dataclasses of the planning room as JSON and back, by their own type hints.

Arrays become lists, or base64 of deflated bytes when they hold bytes; geometries become GeoJSON with seven
decimals of a degree (a centimetre). What is read is checked against the hints: a wrong shape is named by its
place in the file.
"""

from __future__ import annotations

import base64
import dataclasses
import types
import typing
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Union

import numpy as np

from lienthong.infrastructure.plan.errors import BadPlanFile

LARGEST_ARRAY = 1 << 28


def encode(value: Any) -> Any:
    """A value as what ``json`` writes."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"number": repr(value)}
    if isinstance(value, np.generic):
        return encode(value.item())
    if isinstance(value, np.ndarray):
        return _encode_array(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: encode(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return {key: encode(each) for key, each in value.items()}
        return {"pairs": [[encode(key), encode(each)] for key, each in value.items()]}
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "geom_type"):
        return _encode_geometry(value)
    if isinstance(value, Sequence | frozenset | set):
        return [encode(each) for each in (sorted(value) if isinstance(value, set | frozenset) else value)]
    raise TypeError(f"a plan cannot keep a {type(value).__name__}")


def decode(hint: Any, data: Any, place: str) -> Any:
    """A value of the hinted type. Raises :class:`BadPlanFile` naming the place."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return _decode_any(data, place)
    if origin in (Union, types.UnionType):
        if data is None and type(None) in arguments:
            return None
        return decode(next(each for each in arguments if each is not type(None)), data, place)
    if origin is typing.Literal:
        return data if data in arguments else _wrong(place, f"one of {arguments}", data)
    if hint is np.ndarray or origin is np.ndarray:
        return _decode_array(arguments, data, place)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _decode_dataclass(hint, data, place)
    if origin is tuple or hint is tuple:
        return _decode_tuple(arguments, data, place)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return _decode_mapping(arguments, data, place)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Sequence):
        return [decode(arguments[0], each, f"{place}[{at}]") for at, each in enumerate(_list(data, place))]
    return _decode_scalar(hint, data, place)


def _decode_scalar(hint: Any, data: Any, place: str) -> Any:
    if hint is float and isinstance(data, dict) and set(data) == {"number"}:
        return float(data["number"])
    if hint is float and isinstance(data, int | float) and not isinstance(data, bool):
        return float(data)
    if hint is int and isinstance(data, int) and not isinstance(data, bool):
        return data
    if hint is bool and isinstance(data, bool):
        return data
    if hint is str and isinstance(data, str):
        return data
    if hint is Path and isinstance(data, str):
        return Path(data)
    if hint is type(None) and data is None:
        return None
    return _wrong(place, getattr(hint, "__name__", str(hint)), data)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _decode_dataclass(kind: type, data: Any, place: str) -> Any:
    if not isinstance(data, dict):
        _wrong(place, kind.__name__, data)
    hints, values = _hints(kind), {}
    known = {each.name: each for each in dataclasses.fields(kind)}
    for name in data:
        if name not in known:
            raise BadPlanFile(
                f"{name!r} is not known in a {kind.__name__}", place=place, remedy="make the plan again"
            )
    for name, each in known.items():
        if name in data:
            values[name] = decode(hints[name], data[name], f"{place}.{name}")
        elif each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING:
            raise BadPlanFile(
                f"{name!r} of a {kind.__name__} is missing", place=place, remedy="make the plan again"
            )
    return kind(**values)


def _decode_tuple(arguments: tuple[Any, ...], data: Any, place: str) -> tuple[Any, ...]:
    items = _list(data, place)
    if not arguments:
        return tuple(_decode_any(each, place) for each in items)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(decode(arguments[0], each, f"{place}[{at}]") for at, each in enumerate(items))
    if len(arguments) != len(items):
        _wrong(place, f"{len(arguments)} values", data)
    pairs = zip(arguments, items, strict=True)
    return tuple(decode(each, item, f"{place}[{at}]") for at, (each, item) in enumerate(pairs))


def _decode_mapping(arguments: tuple[Any, ...], data: Any, place: str) -> dict[Any, Any]:
    if not isinstance(data, dict):
        _wrong(place, "an object", data)
    key, value = arguments or (str, Any)
    if set(data) == {"pairs"} and key is not str:
        pairs = _list(data["pairs"], place)
        return {decode(key, one, place): decode(value, other, place) for one, other in pairs}
    return {name: decode(value, each, f"{place}.{name}") for name, each in data.items()}


def _decode_any(data: Any, place: str) -> Any:
    """What has no hint: geometries, arrays and plain values are told by their form."""
    if isinstance(data, dict):
        if set(data) == {"type", "coordinates"} or set(data) == {"type", "geometries"}:
            from shapely.geometry import shape

            return shape(data)
        if "dtype" in data:
            return _decode_array((), data, place)
        if set(data) == {"number"}:
            return float(data["number"])
        return {key: _decode_any(each, place) for key, each in data.items()}
    if isinstance(data, list):
        return tuple(_decode_any(each, place) for each in data)
    return data


def _encode_array(values: np.ndarray[Any, Any]) -> dict[str, Any]:
    head = {"dtype": str(values.dtype), "shape": list(values.shape)}
    if values.dtype.kind == "f":
        return {**head, "values": [None if np.isnan(v) else v for v in values.ravel().tolist()]}
    if values.dtype == np.uint8:
        return {**head, "deflated": base64.b64encode(zlib.compress(values.tobytes(), 9)).decode()}
    return {**head, "values": values.astype(np.int64).ravel().tolist()}


def _decode_array(arguments: tuple[Any, ...], data: Any, place: str) -> np.ndarray[Any, Any]:
    if not isinstance(data, dict) or not {"dtype", "shape"} <= set(data):
        _wrong(place, "an array", data)
    try:
        dtype = np.dtype(data["dtype"])
        shape = tuple(int(each) for each in data["shape"])
        if dtype.kind not in "fiub" or int(np.prod(shape)) > LARGEST_ARRAY:
            raise ValueError(f"{dtype} {shape}")
        if "deflated" in data:
            size = int(np.prod(shape)) * dtype.itemsize
            raw = zlib.decompressobj().decompress(base64.b64decode(data["deflated"], validate=True), size + 1)
            return np.frombuffer(raw, dtype).reshape(shape).copy()
        values = data["values"]
        if dtype.kind == "f":
            values = [np.nan if each is None else each for each in values]
        found = np.asarray(values, dtype=dtype).reshape(shape)
    except (TypeError, ValueError, KeyError, zlib.error) as error:
        raise BadPlanFile(
            f"an array cannot be read: {error}", place=place, remedy="make the plan again"
        ) from error
    if arguments:
        wanted = typing.get_args(arguments[-1])
        if wanted and isinstance(wanted[0], type) and not np.issubdtype(found.dtype, wanted[0]):
            _wrong(place, f"an array of {wanted[0].__name__}", str(found.dtype))
    return found


def _encode_geometry(value: Any) -> dict[str, Any]:
    from shapely.geometry import mapping

    rounded: dict[str, Any] = _rounded(mapping(value))
    return rounded


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 7)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value


def _list(data: Any, place: str) -> list[Any]:
    if not isinstance(data, list):
        _wrong(place, "a list", data)
    return list(data)


def _wrong(place: str, wanted: str, data: Any) -> Any:
    shown = repr(data)
    raise BadPlanFile(
        f"{shown[:60]}{'…' * (len(shown) > 60)} is not {wanted}", place=place, remedy="make the plan again"
    )

"""What a user's own fusion is made of, in values that tell it from another: a part of the name of its runs.

A function counts as Python compiled it, with the globals and the closures that it reads by name, and these with theirs.
So comments do not matter, and it need not have a file: a notebook's cell and `python -c` have none. What this package,
the standard library and installed packages define counts by its name alone. What code imports while it runs, reads from
a file or looks up by a string is not seen.
"""

import copyreg
import dis
import hashlib
import json
import sys
import sysconfig
import types
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import torch

from jcalib.settings import UserError

PLAIN = (type(None), bool, int, float, complex, str, types.EllipsisType)
COMPILED = (
    "co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_flags", "co_varnames", "co_cellvars", "co_freevars",
    "co_names", "co_consts", "co_code", "co_exceptiontable",
)  # fmt: skip
LOADS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
UNSAID = {"__module__", "__dict__", "__weakref__", "__doc__", "__annotations__", "_abc_impl"}  # of a class
CACHED = type(cache(len))
DESCRIPTORS = (
    types.GetSetDescriptorType, types.MemberDescriptorType, types.MethodDescriptorType, types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
)  # fmt: skip
STANDARD, INSTALLED = Path(sysconfig.get_path("stdlib")), {"site-packages", "dist-packages"}


def is_own(module: str) -> bool:
    """Return whether a module, by its name, is the user's: not of this package, the standard library or an install."""
    first = module.partition(".")[0]
    if first in ("__main__", __package__.partition(".")[0]):
        return first == "__main__"
    file = getattr(sys.modules.get(module) or sys.modules.get(first), "__file__", None)
    if file is None:
        return first not in sys.stdlib_module_names
    return not (INSTALLED & set(Path(file).parts) or Path(file).is_relative_to(STANDARD))


def own_code(fusion: type) -> list[Any]:
    """Return what a user's class and everything that it uses are made of.

    Args:
        fusion: a registered class.

    Returns:
        Lists of texts and numbers, equal for equal code in any process of the same Python.

    Raises:
        UserError: the class uses something of which nobody can say whether it is the same, such as an open file.
    """
    parts = _Parts()
    parts.say(fusion, fusion.__name__)
    said = []
    for name, value in parts.met:  # grows while it is read
        try:
            said.append(parts.say(_inside(value), name))
        except Exception:  # whatever an object raises that cannot be taken apart
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            raise UserError(
                f"{name} is a {kind}: a run is found again while all that its fusion uses is the same, which cannot be "
                "told of that. Make it inside a method, or use numbers, texts, arrays, functions and classes."
            ) from None
    return said


class _Parts:
    """Says values in full, and objects by the number in which they were met: what uses itself comes to an end."""

    def __init__(self) -> None:
        self.met: list[tuple[str, Any]] = []  # keeps them alive, so that an id stays that of one object
        self._numbers: dict[int, int] = {}

    def say(self, value: Any, name: str) -> list[Any]:
        kind = type(value)
        if kind in PLAIN:
            return [kind.__name__, repr(value)]
        if kind is bytes:
            return ["bytes", hashlib.sha256(value).hexdigest()]
        if kind in (tuple, list):
            return [kind.__name__, *(self.say(one, name) for one in value)]
        if kind in (set, frozenset):  # in an order that hangs on no process
            return [kind.__name__, *sorted((self.say(one, name) for one in value), key=json.dumps)]
        if kind in (dict, types.MappingProxyType):
            return ["dict", *([self.say(key, name), self.say(one, f"{name}.{key}")] for key, one in value.items())]
        if kind is types.CodeType:
            return ["code", *(self.say(getattr(value, field), name) for field in COMPILED)]
        if _has_name(value):
            return ["name", str(getattr(value, "__module__", "")), value.__qualname__]
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self.met)
            self.met.append((name, value))
        return ["met", self._numbers[id(value)]]


def _has_name(value: Any) -> bool:
    """Whether something is a library's function or class, or a part of one, which its name tells from all others."""
    if isinstance(value, DESCRIPTORS):
        return True
    if not isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
        return False
    module = value.__module__
    return isinstance(module, str) and not is_own(module) and "<locals>" not in value.__qualname__


def _inside(value: Any) -> Any:
    """Return what an object is made of, as containers of other objects."""
    match value:
        case types.FunctionType():
            return [value.__code__, value.__defaults__, value.__kwdefaults__, vars(value), _found_by_name(value)]
        case type():
            own = {name: one for name, one in vars(value).items() if name not in UNSAID}
            return [type(value), value.__qualname__, value.__bases__, own]
        case types.ModuleType() if not _is_own_module(value):
            return [types.ModuleType, value.__name__]
        case property():
            return [property, value.fget, value.fset, value.fdel]
        case staticmethod() | classmethod():
            return [type(value), value.__func__]
        case cached_property():
            return [cached_property, value.func]
        case torch.Tensor():
            flat = value.detach().cpu().reshape(-1).view(torch.uint8)
            return [type(value), str(value.dtype), tuple(value.shape), flat.numpy().tobytes()]
        case _ if isinstance(value, CACHED):
            return [CACHED, value.__wrapped__]
    taken_apart = copyreg.dispatch_table.get(type(value), lambda one: one.__reduce_ex__(2))(value)  # as for a pickle
    return [type(value), taken_apart]


def _found_by_name(function: types.FunctionType) -> dict[str, Any]:
    """Return the globals and closures that a function reads; of a user's module, what the function takes out of it."""
    codes = [function.__code__]
    for code in codes:  # grows while it is read
        codes += [one for one in code.co_consts if isinstance(one, types.CodeType)]
    read = {one.argval for code in codes for one in dis.get_instructions(code) if one.opname in LOADS}
    found = {name: function.__globals__[name] for name in sorted(read & function.__globals__.keys())}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    found |= {name: _content(cell) for name, cell in cells}
    return _opened(found, {name for code in codes for name in code.co_names})


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing in it yet
        return None


def _opened(found: dict[str, Any], taken: set[str]) -> dict[str, Any]:
    """Return what was found, with the user's own modules as what is taken out of them by name."""
    return {name: _of_module(one, taken - {name}) if _is_own_module(one) else one for name, one in found.items()}


def _of_module(module: types.ModuleType, taken: set[str]) -> dict[str, Any]:
    return _opened({name: vars(module)[name] for name in sorted(taken & vars(module).keys())}, taken)


def _is_own_module(value: Any) -> bool:
    return isinstance(value, types.ModuleType) and is_own(value.__name__)

"""A YAML file as a tree whose faults can be named: file, line, key, what is wrong, and what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

Place = tuple[str | int, ...]
Fault = tuple[Place, str]
"""A place in the tree, and what is wrong there."""

_NOT_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, OverflowError, RecursionError)
"""What PyYAML raises on a text that is none: its own errors, and its converters' (`!!bool x`, `2026-99-99`)."""


_PLAIN = (
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:int", r"[-+]?(?:0|[1-9][0-9_]*)", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(?:[0-9][0-9_]*\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
)
"""What a plain word can be beside text and nothing, as YAML 1.2 has it. YAML 1.1 would read `0100` as 64, `8:20:00` as
30,000, `2026-01-05` as a day, and `no` and `on` as yes or no; here they are the text that they are."""


class _Loader(yaml.SafeLoader):
    """PyYAML's, with the plain words of YAML 1.2."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as PyYAML has it
        first: [pair for pair in pairs if pair[0] in {"tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"}]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


for _tag, _pattern, _first in _PLAIN:
    _Loader.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern})$"), list(_first))


class TreeError(Exception):
    """The file cannot be read, or is no mapping in YAML; the text says so."""


def read_tree(path: Path) -> tuple[dict[Any, Any], yaml.Node | None]:
    """Read a file: what it holds, and the nodes that know their lines.

    Raises:
        TreeError: it cannot be read, is not YAML, no mapping, or has a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise TreeError(f"{path}: cannot be read: {error}") from error
    return parse_tree(text, str(path))


def parse_tree(text: str, name: str) -> tuple[dict[Any, Any], yaml.Node | None]:
    """The same of a text; `name` stands for it in an error.

    Raises:
        TreeError: it is not YAML, no mapping, or has a key twice.
    """
    try:
        loader = _Loader(text)
        tree = loader.get_single_node()
        twice = next(_twice(tree, set()), None)  # before keys that are merged in stand beside a mapping's own
        document = None if tree is None else loader.construct_document(tree)
    except _NOT_YAML as error:
        raise TreeError(f"{name}: is not YAML: {printable(str(error))}") from error
    if not isinstance(document, dict):
        raise TreeError(f"{name}: is empty or no mapping; begin from one of the examples that come with the package")
    if twice is not None:
        raise TreeError(
            printable(f"{name}:{twice.start_mark.line + 1}: {twice.value}: stands here a second time; keep one")
        )
    return document, tree


def parse_value(text: str) -> Any:
    """One value, as it would stand behind a key.

    Raises:
        TreeError: it is not YAML.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader with fewer plain words
    except _NOT_YAML as error:
        raise TreeError(f"{printable(text)}: is not YAML: {printable(str(error))}") from error


def _twice(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.ScalarNode]:
    """Keys that stand in their mapping a second time: YAML would silently take the last."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _twice(child, seen)
    elif isinstance(node, yaml.MappingNode):
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        names = [key.value for key in keys]
        yield from (key for place, key in enumerate(keys) if key.value in names[:place])
        for _, child in node.value:
            yield from _twice(child, seen)


def told(name: str, tree: yaml.Node | None, faults: Sequence[Fault]) -> str:
    """The faults as text, one line each."""
    lines = (f"{name}:{line_of(tree, where)}: {'.'.join(map(str, where))}: {what}" for where, what in faults)
    return printable("\n".join(lines))


def printable(text: str) -> str:
    """The text as any terminal and any file can take it."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def faults_of(
    error: ValidationError, where: Place, model: type[BaseModel], hidden: Collection[str] = ()
) -> list[Fault]:
    """What pydantic found; an unknown key is told with the one that was meant (never one of `hidden`)."""
    faults: list[Fault] = []
    for entry in error.errors(include_url=False, include_input=False):
        location = (*where, *entry["loc"])
        text = entry["msg"].removeprefix("Value error, ")
        if entry["type"] == "extra_forbidden":
            known = sorted(set(keys(model, entry["loc"][:-1])) - set(hidden))
            text = f"there is no such key{did_you_mean(str(location[-1]), known)}"
        elif entry["type"] == "missing":
            text = "is missing"
        faults.append((location, text))
    return faults


def keys(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """Names allowed at a place of the tree; none if it is not one of ours."""
    current: Any = model
    for part in location:
        fields = getattr(current, "model_fields", {})
        if part in fields:
            current = fields[part].annotation
            if get_origin(current) is not None and not _is_mapping(current):
                current = next(_models_in(current), None)
        elif _is_mapping(current):
            current = next(_models_in(current), None)
    return sorted(getattr(current, "model_fields", {}))


def _is_mapping(annotation: Any) -> bool:
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    for argument in get_args(annotation):
        if isinstance(argument, type) and issubclass(argument, BaseModel):
            yield argument
        yield from _models_in(argument)


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """The nearest of the known words as a question, or all of them."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; there are: {', '.join(known)}" if known else ""


def line_of(tree: yaml.Node | None, where: Sequence[str | int]) -> int:
    """Line (from 1) of the deepest part of that place that stands in the file."""
    node, line = tree, 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line

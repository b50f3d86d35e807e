"""Pure. References in option values: `${env:NAME:default}`, `${secret:env:NAME}` and the like.

An environment value is put in its place when the file is read, so it is checked like written text.
A secret stays a reference: the rim resolves it when a connection is made, and it is never part of a
model, a diagnostic or a log.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.channel import codes
from engine.channel.connection import SecretReference
from engine.diagnostics import Diagnostic
from engine.yamltext import Scalar

_REFERENCE = re.compile(r"\$\{([^{}]*)(\}?)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What an option takes; `option` is its name for diagnostics."""

    option: str
    environment: bool
    text: bool = True
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    """The value (None when it has a problem) and the problems."""

    value: str | SecretReference | None
    problems: tuple[Diagnostic, ...] = ()


def resolve(scalar: Scalar, allowed: Allowed, environment: Mapping[str, str]) -> Resolved:
    """Read one scalar that may hold references.

    Args:
        scalar: as written.
        allowed: what the option takes.
        environment: variable name to value.

    Returns:
        Text with environment values in place, or a secret reference; problems C420 to C423.
    """
    text = scalar.text
    if "${" not in text:
        if not allowed.text:
            place = replace(scalar.place, secret=True)
            return Resolved(None, (codes.SECRET_LITERAL(place, option=allowed.option),))
        return Resolved(text)
    if text.startswith("${secret:"):
        return _secret(scalar, allowed)
    parts: list[str] = []
    problems: list[Diagnostic] = []
    end = 0
    for found in _REFERENCE.finditer(text):
        parts.append(text[end : found.start()])
        end = found.end()
        value, problem = _environment_value(scalar, found, allowed, environment)
        parts.append(value)
        problems.extend(problem)
    parts.append(text[end:])
    return Resolved(None if problems else "".join(parts), tuple(problems))


def _environment_value(
    scalar: Scalar, found: re.Match[str], allowed: Allowed, environment: Mapping[str, str]
) -> tuple[str, list[Diagnostic]]:
    place = scalar.at(found.start(), len(found.group()))
    kind, _, rest = found.group(1).partition(":")
    name, has_default, default = rest.partition(":")
    if not found.group(2):
        return "", [codes.REFERENCE_SYNTAX(place, problem="the closing } is missing")]
    if kind == "secret":
        problem = "a secret must be the whole value"
        return "", [codes.REFERENCE_SYNTAX(place, problem=problem)]
    if kind != "env":
        return "", [codes.REFERENCE_SYNTAX(place, problem=f'"{kind}" is not env or secret')]
    if not _VARIABLE.match(name):
        return "", [codes.REFERENCE_SYNTAX(place, problem=f'"{name}" is not a variable name')]
    if not allowed.text:
        return "", [codes.SECRET_LITERAL(place, option=allowed.option)]
    if not allowed.environment:
        return "", [codes.REFERENCE_NOT_ALLOWED(place, option=allowed.option, kind="environment")]
    if name in environment:
        return environment[name], []
    if has_default:
        return default, []
    hint = f"set it, or give a default: ${{env:{name}:default}}"
    return "", [codes.ENVIRONMENT_UNSET(place, name=name, hint=hint)]


def _secret(scalar: Scalar, allowed: Allowed) -> Resolved:
    inside = scalar.text.removeprefix("${secret:").removesuffix("}")
    kind, _, name = inside.partition(":")
    problem = None
    if not scalar.text.endswith("}") or "}" in inside or "${" in inside:
        problem = "a secret must be the whole value"
    elif kind not in ("env", "file"):
        problem = f'a secret comes from env or file, not "{kind}"'
    elif kind == "env" and not _VARIABLE.match(name):
        problem = f'"{name}" is not a variable name (a secret has no default)'
    elif kind == "file" and not name.startswith("/"):
        problem = "the file of a secret is an absolute path"
    if problem is not None:
        return Resolved(None, (codes.REFERENCE_SYNTAX(scalar.place, problem=problem),))
    if not allowed.secret:
        refused = codes.REFERENCE_NOT_ALLOWED(scalar.place, option=allowed.option, kind="secret")
        return Resolved(None, (refused,))
    return Resolved(SecretReference(kind, name))

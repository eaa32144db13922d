"""From the fields that `item.actions` declares to those of a form, and from what was sent back to the verb's arguments.

Rules of this file:

1. A field of several parts (分项答复, 整改清单) becomes single inputs named ``answer.0`` or ``line.2.due``; what they
   say is put together here as the command line writes it. Nothing is judged that the service judges.
2. An action that is not offered any more is read by the names that were sent: a form sent twice must get its first
   answer (W14), and whoever was too late an explanation, not "unknown field".
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from node.services.views.action_forms import FORMS
from node.services.views.action_forms import Form as Action
from node.web.forms import OWN, Field, Form, Kind

Document = Mapping[str, Any]
Offices = Sequence[tuple[str, str]]
ROWS = 8  # lines of a table to fill in; more are added by doing it twice
_KINDS: Mapping[str, Kind] = {
    "text": "line", "longtext": "text", "date": "date", "choice": "choice", "units": "line", "offices": "line",
    "files": "files", "number": "number", "lines": "lines", "bool": "check",
}  # fmt: skip
_NUMBER = "序号"


def action_named(name: str) -> Action | None:
    """A form of the item page by its id."""
    return next((form for form in FORMS if form.id == name), None)


def fields_of(documents: Iterable[Document], offices: Offices = ()) -> tuple[Field, ...]:
    """The inputs of an action's fields; ``offices`` are those below, as (code, name)."""
    return tuple(one for document in documents for one in _fields(document, offices))


def defaults_of(documents: Iterable[Document]) -> dict[str, object]:
    """What stands in the inputs at first."""
    found: dict[str, object] = {}
    for document in documents:
        name = str(document["name"])
        if document.get("parts"):
            found |= {f"{name}.{index}": part["default"] or "" for index, part in enumerate(document["parts"])}
        elif document.get("columns"):
            numbers = [column["name"] for column in document["columns"] if column["label"] == _NUMBER]
            found |= {f"{name}.{row}.{column}": str(row + 1) for row in range(ROWS) for column in numbers}
        elif document.get("default") is not None:
            found[name] = [document["default"]] if document["multiple"] else str(document["default"])
    return found


def tables_of(documents: Iterable[Document]) -> dict[str, Document]:
    """The fields that are tables to fill in, by name, each with its ``columns``; the form's page draws them."""
    return {str(one["name"]): one for one in documents if one.get("columns")}


def args_of(documents: Iterable[Document], form: Form) -> dict[str, object]:
    """The verb's arguments for what single inputs cannot say; what is missing or cannot be written goes to the form."""
    found: dict[str, object] = {}
    for document in documents:
        name, values = str(document["name"]), form.values
        if document.get("parts"):
            said = [(part["key"], str(values.get(f"{name}.{index}") or ""))
                    for index, part in enumerate(document["parts"])]  # fmt: skip
            found[name] = [document["pattern"].format(key=key, value=value) for key, value in said if value]
        elif document.get("columns"):
            found[name] = _lines(document, form)
        elif document["kind"] == "number" and str(values.get(name) or "").lstrip("-").isdecimal():
            found[name] = int(str(values[name]))
    return found


def late_fields(action: Action, given: Iterable[tuple[str, object]], offered: Container[str]) -> tuple[Field, ...]:
    """The inputs of an action that are not offered any more, by the names that were sent."""
    known = {field.name: field for field in action.fields}
    named = dict.fromkeys(
        name for name, _ in given if name not in OWN and name not in offered and name.split(".")[0] in known
    )
    found = []
    for name in named:
        field = known[name.split(".")[0]]
        kind: Kind = "files" if field.kind == "files" else "choices" if field.multiple else "text"
        found.append(Field(name, field.label, kind, arg=field.name))
    return tuple(found)


def _fields(document: Document, offices: Offices) -> list[Field]:
    name, label, kind = str(document["name"]), str(document["label"]), _KINDS.get(str(document["kind"]), "line")
    required, help_ = bool(document["required"]), _help(document)
    if document.get("parts") == []:
        return []  # nobody has asked for any: nothing to fill in
    if document.get("parts"):
        return [
            Field(f"{name}.{index}", f"{label}：{part['label']}", "text" if len(document["parts"]) < 5 else "line",
                  required, help=help_ if index == 0 else "", arg=name)
            for index, part in enumerate(document["parts"])
        ]  # fmt: skip
    if document.get("columns"):
        return [
            Field(f"{name}.{row}.{column['name']}", f"{column['label']}（第{row + 1}行）",
                  _KINDS.get(str(column["kind"]), "line"), arg=name)
            for row in range(ROWS) for column in document["columns"]
        ]  # fmt: skip
    choices = [(str(one["value"]), _choice_label(one)) for one in document.get("choices") or ()]
    if document["kind"] == "offices":
        excluded = set(document.get("exclude") or ())
        choices = [(code, f"{title}（{code}）") for code, title in offices if code not in excluded]
    if choices:
        kind = "choices" if document["multiple"] else "choice"
    return [Field(name, label, kind, required, tuple(choices), help_)]


_NEEDS: Mapping[str, str] = {"fact": "须同时勾选认定的事由", "points": "须写明分值"}


def _choice_label(choice: Mapping[str, Any]) -> str:
    """A choice with what it needs besides: a slip of a colour may need stated causes."""
    needs = [_NEEDS.get(name, f"须写明{name}") for name in choice.get("with") or {}]
    return f"{choice['label']}（{'，'.join(needs)}）" if needs else str(choice["label"])


def _help(document: Document) -> str:
    first, last = document.get("min"), document.get("max")
    said = [str(document["help"])] if document["help"] else []
    if document["kind"] == "date" and (first or last):
        said.append(f"{first or ''}起" * bool(first) + ("，" if first and last else "") + f"至{last}" * bool(last))
    if document["kind"] == "files":
        said.append("可选多个")
    return "；".join(said)


def _lines(document: Document, form: Form) -> list[str]:
    """The rows that say something, as the command line writes them; ``=`` and ``@`` part what they hold."""
    name, columns = str(document["name"]), [column["name"] for column in document["columns"]]
    numbers = {column["name"] for column in document["columns"] if column["label"] == _NUMBER}
    found: list[str] = []
    for row in range(ROWS):
        cells = {column: str(form.values.get(f"{name}.{row}.{column}") or "") for column in columns}
        if not any(value for column, value in cells.items() if column not in numbers):
            continue
        for column, value in cells.items():
            at = f"{name}.{row}.{column}"
            if not value:
                form.errors[at] = "请填写。"
            elif ("=" in value and column == columns[0]) or "@" in value:
                form.errors[at] = "不能含 = 或 @。"
        found.append(str(document["pattern"]).format(**cells))
    if document["required"] and not found:
        form.errors[f"{name}.0.{columns[-1]}"] = f"请至少填写一行{document['label']}。"
    return found

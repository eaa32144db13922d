"""Commands and groups that speak Chinese: help, usage errors, and the one place where an error becomes an exit code.

Rules:

1. Every usage error is an `InputError` (exit 2) with field and remedy; the parser's English reaches nobody.
2. No traceback reaches a person; what is unexpected gets a short id, and DULIAN_DEBUG=1 prints the traceback.
3. Values are taken as typed: the parser's own conversion would import pydantic, which takes longer than all else.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import groupby
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from node.cli.ask import note, refuse
from node.cli.paper import pad, width, wrap
from node.errors import DulianError, InputError, LocalError

MISSING = "本版本未提供"  # the heading of commands that this release refuses
PROGRAM = "dulian"
EXIT_INTERRUPTED = 130
HELP_COLUMNS_MAX = 110
HELP_TERM_COLUMNS_MAX = 28
# The base of all errors of the parser that are the user's: it has no public name of its own.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


class _Verbatim:
    """Stands in for the parser's conversion of one value: returns it as typed."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Strings and flags as they are; nothing given for a repeated option is an empty tuple."""
        return () if value is None and (param.multiple or param.nargs == -1) else value


def _verbatim(params: list[Any]) -> list[Any]:
    for param in params:
        param.get_runtime_param = _Verbatim
    return params


def _parsed(parse: Callable[[Any, list[str]], list[str]], ctx: Any, args: list[str]) -> list[str]:
    """Parse; an error the parser raises without saying in which command gets the command."""
    try:
        return parse(ctx, args)
    except UsageError as error:
        error.__dict__["ctx"] = error.__dict__.get("ctx") or ctx
        raise


class DulianCommand(TyperCommand):
    """One command: values as typed, superfluous words refused in Chinese."""

    takes_anything = False

    def __init__(self, name: str | None, **options: Any) -> None:
        settings = {"allow_extra_args": True, **(options.pop("context_settings", None) or {})}
        super().__init__(name, context_settings=settings, **options)

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, `--help` among them, taking values verbatim."""
        return _verbatim(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse what is left over, naming it."""
        rest = _parsed(super().parse_args, ctx, args)
        if rest and not self.takes_anything and not ctx.resilient_parsing:
            remedy = "含空格的内容要加引号；" + _see_help(ctx)
            raise InputError("多余的参数", field=ctx.command_path, value=" ".join(rest), remedy=remedy)
        return rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help page of one command."""
        formatter.write(_page(self, ctx, []))


class MissingCommand(DulianCommand):
    """A command of the surface that this release lacks: takes any arguments, refuses them all."""

    takes_anything = True

    def __init__(self, name: str | None, **options: Any) -> None:
        super().__init__(name, **options | {"context_settings": {"ignore_unknown_options": True}})


class DulianGroup(TyperGroup):
    """A group of commands; the outermost one turns every error into a line and an exit code."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, `--help` among them, taking values verbatim."""
        return _verbatim(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options of the group itself."""
        return _parsed(super().parse_args, ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, or suggest the nearest one."""
        if args and self.get_command(ctx, args[0]) is None:
            near = get_close_matches(args[0], list(self.commands), n=1)
            remedy = f"是否想写 {ctx.command_path} {near[0]}；" if near else ""
            raise InputError("没有这个命令", field=ctx.command_path, value=args[0], remedy=remedy + _see_help(ctx))
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help page with the commands under their headings."""
        commands = [self.commands[name] for name in self.list_commands(ctx)]
        formatter.write(_page(self, ctx, [command for command in commands if not command.hidden]))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line ``args``; exit with its code, or return it outside standalone mode."""
        argv = list(sys.argv[1:] if args is None else args)
        run = super().main
        code = guarded(lambda: run(argv, prog_name=PROGRAM, standalone_mode=False, **extra), as_json="--json" in argv)
        if standalone_mode:
            sys.exit(code)
        return code


def guarded(run: Callable[[], object], *, as_json: bool) -> int:
    """Run, and turn whatever is raised into one Chinese line and an exit code."""
    try:
        result = run()
        code = result if isinstance(result, int) else 0
    except DulianError as error:
        return refuse(error, as_json)
    except UsageError as error:
        return _refuse_usage(error, as_json)
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost edge: whatever escapes is a bug, reported as one
        return _refuse_unexpected(error, as_json)
    if code == EXIT_INTERRUPTED:
        note("已中断")
    return code


def _refuse_unexpected(error: Exception, as_json: bool) -> int:
    import secrets

    if os.environ.get("DULIAN_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    remedy = "设环境变量 DULIAN_DEBUG=1 再执行一次，把输出交给维护人员"
    return refuse(LocalError("内部错误", field="编号", value=secrets.token_hex(4), remedy=remedy), as_json)


def _refuse_usage(error: Any, as_json: bool) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        note(error.format_message())
        return InputError.exit_code
    return refuse(_in_chinese(error), as_json)


def _in_chinese(error: Any) -> InputError:
    """A usage error of the parser as ours. The parser's classes are private, hence by name."""
    ctx, kind = error.ctx, type(error).__name__
    remedy = _see_help(ctx) if ctx else ""
    if kind == "NoSuchOption":
        return _no_such_option(error, remedy)
    if kind == "BadOptionUsage":
        flag = any(getattr(param, "is_flag", False) and error.option_name in param.opts for param in ctx.command.params)
        text = "这个选项不带值" if flag else "这个选项后面要写值"
        return InputError(text, field=error.option_name, remedy=remedy)
    if kind == "MissingParameter":
        param = error.param
        if param.param_type_name == "argument":
            return InputError("缺少参数", field=param.metavar or param.name, remedy=remedy)
        return InputError("缺少必填的选项", field=param.opts[0], remedy=remedy)
    return InputError("命令写法有误", field=ctx.command_path if ctx else "", remedy=remedy)


def _no_such_option(error: Any, remedy: str) -> InputError:
    name, ctx = error.option_name, error.ctx
    if isinstance(ctx.command, TyperGroup) and name in {"--home", "--json", "--as"}:
        return InputError("这个选项写在子命令之后", field=name, remedy=f"写成 {ctx.command_path} 子命令 {name}")
    near = error.possibilities  # the most similar first
    return InputError("没有这个选项", field=name, remedy=(f"是否想写 {near[0]}；" if near else "") + remedy)


def _see_help(ctx: Any) -> str:
    return f"用法见 {ctx.command_path} --help"


# ------------------------------------------------------------------------------------------------------- help pages


def _page(command: Any, ctx: Any, commands: Sequence[Any]) -> str:
    columns = min(shutil.get_terminal_size((100, 24)).columns, HELP_COLUMNS_MAX)
    params = [param for param in command.get_params(ctx) if not getattr(param, "hidden", False)]
    arguments = [param for param in params if param.param_type_name == "argument"]
    options = [param for param in params if param.param_type_name != "argument"]
    usage = [ctx.command_path, *(["命令"] if commands else []), *map(_argument_name, arguments), "[选项]"]
    lines = [f"用法：{' '.join(usage)}", ""]
    for paragraph in (command.help or "").strip().split("\n"):
        lines += wrap(paragraph.strip(), columns)
    sections: dict[str, list[tuple[str, str]]] = {}
    for panel, members in groupby(commands, key=lambda member: member.rich_help_panel or "命令"):
        sections.setdefault(str(panel), []).extend((member.name, _first_line(member)) for member in members)
    if MISSING in sections:
        sections[MISSING] = sections.pop(MISSING)  # what cannot be used comes after all that can
    sections["参数"] = [(_argument_name(param), param.help or "") for param in arguments]
    sections["选项"] = [_option_row(param) for param in options]
    return "\n".join([*lines, *_sections(sections, columns)]) + "\n"


def _sections(sections: Mapping[str, Sequence[tuple[str, str]]], columns: int) -> Iterable[str]:
    terms = [width(term) for rows in sections.values() for term, _ in rows]
    left = min(max(terms, default=0), HELP_TERM_COLUMNS_MAX) + 2
    for title, rows in sections.items():
        if not rows:
            continue
        yield ""
        yield f"{title}："
        for term, text in rows:
            first, *rest = wrap(text, columns - left - 2)
            if width(term) + 2 > left:
                yield f"  {term}"
                yield f"  {' ' * left}{first}"
            else:
                yield f"  {pad(term, left)}{first}"
            yield from (f"  {' ' * left}{line}" for line in rest)


def _argument_name(param: Any) -> str:
    name = param.metavar or param.name.upper()
    return name if param.required else f"[{name}]"


def _option_row(param: Any) -> tuple[str, str]:
    if param.name == "help":
        return "--help", "显示本说明"
    term = ", ".join(param.opts) + ("" if param.is_flag else f" {param.metavar or 'TEXT'}")
    return term, (param.help or "") + ("  [必填]" if param.required else "")


def _first_line(command: Any) -> str:
    # Under its own heading a missing command need not say again that it is missing.
    return str(command.help or "").strip().split("\n")[0].removesuffix(f"（{command.rich_help_panel}）")

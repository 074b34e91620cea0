"""The command `tinybert completion`."""

import argparse
import re
import shlex
from collections.abc import Callable, Iterable, Iterator

from tinybert.cli.printing import print_json

HELP = "Prints what lets a shell complete commands and options."
EXAMPLES = ("tinybert completion bash",)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what it takes."""
    parser.add_argument("shell", choices=list(SCRIPTS))


def run(options: argparse.Namespace) -> None:
    """Prints a script for a shell to read when it begins."""
    from tinybert.cli.main import make_parser

    script = SCRIPTS[options.shell](make_parser())
    if options.json:
        print_json({"script": script})
    else:
        print(script, end="")


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parser of each command."""
    (subparsers,) = (
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    )
    return dict(subparsers.choices)


def _options(command: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """The long name of each option."""
    for action in command._actions:
        for name in action.option_strings:
            if name.startswith("--"):
                yield name, action


def _words(command: argparse.ArgumentParser) -> list[str]:
    """What may stand without an option, where that is one of a few."""
    places = (action for action in command._actions if not action.option_strings)
    return [str(word) for action in places for word in action.choices or ()]


def _said(action: argparse.Action) -> str:
    """Its help in a line."""
    return " ".join((action.help or "").replace("%%", "%").split())


def _bash(parser: argparse.ArgumentParser) -> str:
    commands = _commands(parser)
    cases = [
        f"    *:{name}) options={_quoted(option for option, _ in _options(command))} "
        f"words={_quoted(_words(command))} ;;"
        for name, command in commands.items()
    ]
    return "\n".join(
        [
            "_tinybert() {",
            '  local current="${COMP_WORDS[COMP_CWORD]}" options words',
            '  case "$COMP_CWORD:${COMP_WORDS[1]}" in',
            f"    1:*) options={_quoted(['--help', '--version'])} words={_quoted(commands)} ;;",
            *cases,
            "  esac",
            '  [[ "$current" == -* ]] && words="$options"',
            '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
            "}",
            "complete -o default -F _tinybert tinybert",  # files where no word fits
            "",
        ]
    )


def _zsh(parser: argparse.ArgumentParser) -> str:
    commands = _commands(parser)
    cases = []
    for name, command in commands.items():
        specs = []
        for option, action in _options(command):
            takes = "" if action.nargs == 0 else f":{action.metavar or option[2:]}:_files"
            told = re.sub(r"([\[\]:\\])", r"\\\1", _said(action))
            specs.append(shlex.quote(f"*{option}[{told}]{takes}"))
        words = " ".join(_words(command))
        specs.append(shlex.quote(f"*::word:({words})" if words else "*:file:_files"))
        cases.append(f"    {name}) _arguments {' '.join(specs)} ;;")
    described = [shlex.quote(f"{name}:{_help(parser, name)}") for name in commands]
    return "\n".join(
        [
            "_tinybert() {",
            "  local -a commands",
            f"  commands=({' '.join(described)})",
            "  if (( CURRENT == 2 )); then _describe command commands; return; fi",
            "  local command=$words[2]",
            "  shift words; (( CURRENT-- ))",
            "  case $command in",
            *cases,
            "  esac",
            "}",
            "compdef _tinybert tinybert",
            "",
        ]
    )


def _fish(parser: argparse.ArgumentParser) -> str:
    lines = []
    for name, command in _commands(parser).items():
        told = _fish_quoted(_help(parser, name))
        lines.append(f"complete -c tinybert -n __fish_use_subcommand -f -a {name} -d {told}")
        begin = f"complete -c tinybert -n '__fish_seen_subcommand_from {name}'"
        if words := _words(command):
            lines.append(f"{begin} -f -a {_fish_quoted(' '.join(words))}")
        for option, action in _options(command):
            takes = "" if action.nargs == 0 else " -r"
            lines.append(f"{begin} -l {option[2:]}{takes} -d {_fish_quoted(_said(action))}")
    return "\n".join([*lines, ""])


def _help(parser: argparse.ArgumentParser, name: str) -> str:
    return " ".join((_commands(parser)[name].description or "").split())


def _quoted(words: Iterable[str]) -> str:
    return shlex.quote(" ".join(words))


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SCRIPTS: dict[str, Callable[[argparse.ArgumentParser], str]] = {
    "bash": _bash,
    "zsh": _zsh,
    "fish": _fish,
}
"""The shells, and what writes the script of each."""

"""What Tab completes in a terminal: commands, options, model ids, inputs and their choices, runs, notebooks.

The shell's function (`script_for`) hands us the line up to the cursor and shows what `complete` gives back. It is asked
at every press of Tab, so it only looks at what lies on this machine, and is silent where it knows nothing; the shell
then completes file names.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .catalogue import Catalogue, choices_of, paths_of
from .ledger import newest_keys

#: So many runs are offered; older ones are found by `runs` and words.
_MOST_RUNS: Final = 50

_BASH: Final = """\
_runflow_widgets() {
    local found
    COMPREPLY=()
    while IFS= read -r found; do
        [[ $found == *[=/] ]] && compopt -o nospace 2>/dev/null
        printf -v found %q "$found"
        COMPREPLY+=("$found")
    done < <("$1" __complete "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
}
complete -o default -F _runflow_widgets runflow-widgets
"""
_ZSH: Final = """\
#compdef runflow-widgets
_runflow_widgets() {
    local -a found
    local line="${(j: :)words[1,CURRENT-1]} $PREFIX"
    found=(${(f)"$("$words[1]" __complete "$line" 2>/dev/null)"})
    if (( ! $#found )); then
        _files
        return
    fi
    local none=1
    compadd -S '' -- ${(M)found:#*[=/]} && none=0
    compadd -- ${found:#*[=/]} && none=0
    return none
}
whence compdef >/dev/null || { autoload -Uz compinit && compinit }
compdef _runflow_widgets runflow-widgets
"""
_FISH: Final = """\
function __runflow_widgets
    set -l words (commandline -opc)
    set -l found ($words[1] __complete (commandline -cp | string collect) 2>/dev/null)
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c runflow-widgets -f -a '(__runflow_widgets)'
"""
SCRIPTS: Final = {"bash": _BASH, "fish": _FISH, "zsh": _ZSH}


@dataclass(slots=True)
class _Place:
    """Where in the line the cursor stands: in which command, after which options and values."""

    parser: argparse.ArgumentParser
    command: str = ""
    used: list[argparse.Action] = field(default_factory=list)
    values: dict[str, list[str]] = field(default_factory=dict)
    waiting: argparse.Action | None = None
    """The option whose value comes next."""

    @property
    def positional(self) -> argparse.Action | None:
        """What a word that is no option would be."""
        for action in self.parser._get_positional_actions():
            if action.nargs == "*" or action.dest not in self.values:
                return action
        return None

    def take(self, word: str) -> None:
        """Go on behind a whole word."""
        if self.waiting is not None:
            self.values.setdefault(self.waiting.dest, []).append(word)
            self.waiting = None
        elif word.startswith("-"):
            self._take_option(word)
        elif isinstance(action := self.positional, argparse._SubParsersAction):
            self.parser, self.command = action.choices.get(word, argparse.ArgumentParser(add_help=False)), word
            self.used, self.values = [], {}
        elif action is not None:
            self.values.setdefault(action.dest, []).append(word)

    def _take_option(self, word: str) -> None:
        name, sign, value = word.partition("=")
        option = self.parser._option_string_actions.get(name)
        if option is None:
            return
        self.used.append(option)
        if sign:
            self.values.setdefault(option.dest, []).append(value)
        elif option.nargs != 0:
            self.waiting = option


def script_for(shell: str) -> str:
    """The function that a shell is to read: `source <(runflow-widgets completion bash)`."""
    return SCRIPTS[shell]


def complete(parser: argparse.ArgumentParser, line: str, typed: str | None = None) -> list[str]:
    """The words that fit at the end of a line.

    Args:
        parser: The whole command line.
        line: What stands before the cursor, the command's own name included.
        typed: What the shell takes for the word at the cursor. Bash begins a new word behind each `=` and `:`, and
            wants to be given only what comes in its place.
    """
    words, current = _split(line)
    place = _Place(parser)
    for word in words:
        place.take(word)
    found = [word for word in _fitting(place, current) if word.startswith(current)]
    cut = len(current) - len(typed) if typed is not None and current.endswith(typed) else 0
    return [word[cut:] for word in found]


def _split(line: str) -> tuple[list[str], str]:
    """The whole words behind the command's name, and the one at the cursor, also within open quotes."""
    for closing in ("", '"', "'"):
        try:
            # With a letter behind the cursor there is a word at it, also after a blank or a backslash.
            _, *words, current = shlex.split(f"{line}x{closing}")
        except ValueError:
            continue
        return words, current[:-1]
    return [], ""


def _fitting(place: _Place, current: str) -> Iterable[str]:
    if place.waiting is not None:
        return _values(place, place.waiting, current)
    name, sign, value = current.partition("=")
    if current.startswith("-"):
        option = place.parser._option_string_actions.get(name)
        if sign and option is not None:
            return [f"{name}={found}" for found in _values(place, option, value)]
        return _options(place)
    return _options(place) if place.positional is None else _values(place, place.positional, current)


def _options(place: _Place) -> list[str]:
    repeated = (argparse._AppendAction,)
    return [
        max(action.option_strings, key=len)
        for action in place.parser._get_optional_actions()
        if action not in place.used or isinstance(action, repeated)
    ]


def _values(place: _Place, action: argparse.Action, current: str) -> Iterable[str]:
    if action.choices is not None:
        return [str(choice) for choice in action.choices]
    match place.command, action.dest:
        case ("run", "model") | ("models", "words"):
            return [spec.id for spec in Catalogue.bundled()]
        case "run", "set":
            return _settings(place, current)
        case "runs", "words":
            return newest_keys(_MOST_RUNS)
        case "open", "notebook":
            return _notebooks(current)
    return []


def _settings(place: _Place, current: str) -> list[str]:
    """`name=` for each input of the model that was named, and `name=value` where the values are known."""
    models, catalogue = place.values.get("model", []), Catalogue.bundled()
    if not models or models[0] not in catalogue:
        return []
    spec = catalogue.get(models[0])
    name, sign, _ = current.partition("=")
    if sign:
        return [f"{name}={choice}" for choice in choices_of(spec, name)]
    taken = {setting.partition("=")[0] for setting in place.values.get("set", [])}
    return [f"{path}=" for path in paths_of(spec) if path not in taken]


def _notebooks(current: str) -> list[str]:
    """Notebooks and folders beside what is typed; hidden ones only for who types the dot."""
    before, slash, start = current.rpartition("/")
    try:
        paths = sorted(Path(before + slash).expanduser().glob("*"))
    except (OSError, RuntimeError):
        # A folder that may not be read, or the home of somebody who is not known here.
        return []
    found = []
    for path in paths:
        if path.name.startswith(".") and not start.startswith("."):
            continue
        if path.is_dir():
            found.append(f"{before}{slash}{path.name}/")
        elif path.suffix == ".ipynb":
            found.append(f"{before}{slash}{path.name}")
    return found

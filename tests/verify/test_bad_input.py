"""Bad input, as a user meets it: status 2, one sentence that names the culprit, nothing written."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from math import inf, nan
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch

import verify
from verify.commands import commands
from verify.history import append

Changes = dict[str, Any]
Folder = dict[str, bytes]

REMOVED = object()
"""Stands for a key that is left out."""


def altered(data: Changes, changes: Changes) -> Changes:
    """A copy with other entries; "net.degree" names a key of "net"."""
    copy = {key: dict(value) if isinstance(value, dict) else value for key, value in data.items()}
    for path, value in changes.items():
        *outer, key = path.split(".")
        target = copy[outer[0]] if outer else copy
        if value is REMOVED:
            del target[key]
        else:
            target[key] = value
    return copy


def contents(folder: Path) -> Folder:
    """Every file below a folder; those of the interpreter left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
        if "__pycache__" not in path.parts
    }


def assert_refused(answer: Any, words: str) -> None:
    """Status 2, nothing on stdout, and one sentence with the given words on stderr."""
    assert (answer.status, answer.out) == (2, ""), answer
    assert re.fullmatch(r"error: [^\n]+\n", answer.err), answer.err
    assert not re.search(r"[.!?]\s+[A-Z]", answer.err), f"two sentences: {answer.err}"
    assert re.search(words, answer.err), answer.err


BAD_INSTANCES: list[tuple[str, str, Changes, str]] = [
    # numbers that are none
    ("NaN input", "diagonal", {"inputs": [[nan, 1, 1], [1, 1, 1]]}, "inputs holds NaN .* finite"),
    ("infinite input", "diagonal", {"inputs": [[1, 1, inf], [1, 1, 1]]}, "inputs holds .* finite"),
    ("NaN anchor", "diagonal", {"anchor": [nan] * 6}, "anchor holds NaN or infinite .* finite"),
    ("infinite anchor", "diagonal", {"anchor": [-inf] * 6}, "anchor holds NaN or infinite"),
    ("NaN label", "diagonal", {"labels": [nan, 1]}, "labels holds NaN"),
    ("NaN log10_alpha", "diagonal", {"regime.log10_alpha": nan}, "log10_alpha is nan; .* finite"),
    (
        "infinite log10_alpha",
        "diagonal",
        {"regime.log10_alpha": inf},
        "log10_alpha is inf; .* fini",
    ),
    ("NaN decay_power", "diagonal", {"regime.decay_power": nan}, "decay_power is nan; .* finite"),
    ("huge log10_alpha", "diagonal", {"regime.log10_alpha": 10**400}, r"log10_alpha .* 1e\+15"),
    (
        "huge input",
        "diagonal",
        {"inputs": [[10**400, 1, 1], [1, 1, 1]]},
        "inputs is not .* numbers",
    ),
    ("square overflows", "diagonal", {"inputs": [[1e300, 1, 1], [1, 1, 1]]}, "gradients of size 8"),
    ("square underflows", "diagonal", {"anchor": [1e-200] * 6}, "gradients of size .* rescale"),
    # things that are no numbers
    (
        "strings as inputs",
        "diagonal",
        {"inputs": [["1", "1", "1"]] * 2},
        "inputs is not .* numbers",
    ),
    (
        "strings as anchor",
        "diagonal",
        {"anchor": ["0.5"] * 6},
        "anchor is not a .* of numbers: .'0.5",
    ),
    ("string as anchor", "diagonal", {"anchor": "ones"}, "anchor is not .* of numbers: 'ones'"),
    ("strings as labels", "diagonal", {"labels": ["1", "-1"]}, "labels is not .* of numbers"),
    (
        "a boolean among labels",
        "diagonal",
        {"labels": [True, -1]},
        r"labels is not .*: \[True, -1\]",
    ),
    ("booleans as labels", "diagonal", {"labels": [True, True]}, "labels is not .* of numbers"),
    ("null as inputs", "diagonal", {"inputs": None}, "inputs is not .* of numbers: None"),
    (
        "null among inputs",
        "diagonal",
        {"inputs": [[None, 1, 1], [1, 1, 1]]},
        "inputs is not .* num",
    ),
    ("object as inputs", "diagonal", {"inputs": {"x": [1]}}, "inputs is not .* of numbers"),
    (
        "string log10_alpha",
        "diagonal",
        {"regime.log10_alpha": "12"},
        "log10_alpha is '12'; .* numb",
    ),
    (
        "null log10_alpha",
        "diagonal",
        {"regime.log10_alpha": None},
        "log10_alpha is None; .* number",
    ),
    (
        "boolean decay_power",
        "diagonal",
        {"regime.decay_power": True},
        "decay_power is True; .* numb",
    ),
    ("string c", "diagonal", {"c": "0.3"}, "c is '0.3'; it must lie strictly between 0 and 1"),
    ("number as claim", "diagonal", {"claim": 5}, "claim is 5; it must be a string"),
    ("number as name", "diagonal", {"name": 5}, "name is 5; it must be a string"),
    # shapes
    ("short anchor", "diagonal", {"anchor": [0.4] * 5}, "anchor has 5 numbers; .* 6 parameters"),
    (
        "matrix as anchor",
        "diagonal",
        {"anchor": [[0.4] * 6]},
        r"anchor has shape \(1, 6\); .* 1 axes",
    ),
    ("ragged inputs", "diagonal", {"inputs": [[1, 1, 1], [1, 1]]}, "inputs is not a rectangular"),
    ("vector as inputs", "diagonal", {"inputs": [1, 1, 1]}, r"inputs has shape \(3,\); .* 2 axes"),
    ("too few labels", "diagonal", {"labels": [1]}, "labels has 1 entries for 2 inputs"),
    ("narrow inputs", "diagonal", {"inputs": [[1, 1], [1, -1]]}, "inputs has 2 columns; .* 3"),
    ("wide inputs", "two_layer", {"inputs": [[1, 1, 1]] * 2}, "inputs has 3 columns; .* 2"),
    ("wide inputs, deep", "deep", {"inputs": [[1, 1, 1]] * 2}, "inputs has 3 columns; .* 2"),
    ("no inputs", "diagonal", {"inputs": []}, "inputs is empty; it must hold at least one"),
    ("no columns", "diagonal", {"inputs": [[], []]}, "inputs is empty"),
    ("no labels", "diagonal", {"labels": []}, "labels is empty"),
    ("no anchor", "diagonal", {"anchor": []}, "anchor is empty"),
    # outside the theorems
    ("labels 0 and 1", "diagonal", {"labels": [0, 1]}, r"labels holds \[0.0\]; .* -1 or \+1"),
    (
        "not separable",
        "diagonal",
        {"inputs": [[1, 1, -1]] * 2},
        "not separable in the NTK features",
    ),
    ("dead input", "diagonal", {"inputs": [[0, 0, 0], [1, 1, 1]]}, "input 0 has a zero gradient"),
    ("zero anchor", "diagonal", {"anchor": [0] * 6}, "anchor is zero; it must be a direction"),
    (
        "anchor with an output",
        "diagonal",
        {"anchor": [1, 1, 1, 0, 0, 0]},
        "anchor has output .* zero",
    ),
    ("rectifier", "two_layer", {"net.activation": "relu"}, "gradient that jumps .* continuously"),
    ("deep rectifier", "deep", {"net.activation": "relu"}, "gradient that jumps"),
    ("alpha 1", "diagonal", {"regime.log10_alpha": 0}, "log10_alpha is 0; .* log10_alpha > 0"),
    ("alpha below 1", "diagonal", {"regime.log10_alpha": -3}, "log10_alpha is -3; .* exceed 1"),
    ("power 0", "diagonal", {"regime.decay_power": 0}, "decay_power is 0; .* positive power"),
    ("power below 0", "diagonal", {"regime.decay_power": -1}, "decay_power is -1; .* positive"),
    (
        "both decays",
        "diagonal",
        {"regime.log10_lambda": -9},
        "exactly one of decay_power and log10_la",
    ),
    (
        "no decay",
        "diagonal",
        {"regime.decay_power": REMOVED},
        "exactly one of decay_power and log10",
    ),
    ("c 0", "diagonal", {"c": 0}, "c is 0; it must lie strictly between 0 and 1"),
    ("c 1", "diagonal", {"c": 1}, "c is 1; it must lie strictly between 0 and 1"),
    ("NaN c", "diagonal", {"c": nan}, "c is nan; it must lie strictly between"),
    # names and keys
    (
        "unknown kind",
        "diagonal",
        {"net.kind": "conv"},
        "net kind is 'conv'; allowed are diagonal, two",
    ),
    ("no kind", "diagonal", {"net.kind": REMOVED}, "net kind is None; allowed are diagonal"),
    ("list as kind", "diagonal", {"net.kind": ["deep"]}, r"net kind is \['deep'\]; allowed are"),
    ("string as net", "diagonal", {"net": "diagonal"}, "net is 'diagonal'; it must be an object"),
    (
        "unknown activation",
        "two_layer",
        {"net.activation": "tanh"},
        "activation is 'tanh'; .* cube",
    ),
    ("number as activation", "two_layer", {"net.activation": 2}, "activation is 2; .* a string"),
    (
        "unknown deep activation",
        "deep",
        {"net.activation": "tanh"},
        "activation is 'tanh'; .* linear",
    ),
    (
        "unknown loss",
        "diagonal",
        {"loss": "hinge"},
        "loss is 'hinge'; allowed are exponential, logi",
    ),
    ("null as loss", "diagonal", {"loss": None}, "loss is None; it must be a string"),
    ("unknown key", "diagonal", {"lables": [1, 1]}, "instance has unknown keys lables; .* labels"),
    ("unknown net key", "diagonal", {"net.bais": 1}, "net has unknown keys bais; .* input_dim"),
    (
        "unknown regime key",
        "diagonal",
        {"regime.alpha": 3},
        "regime has unknown keys alpha; .* log10",
    ),
    (
        "list as regime",
        "diagonal",
        {"regime": [12, 2]},
        r"regime is \[12, 2\]; it must be an object",
    ),
    ("no anchor key", "diagonal", {"anchor": REMOVED}, "instance lacks anchor"),
    ("no input_dim", "diagonal", {"net.input_dim": REMOVED}, "net lacks input_dim"),
    ("no log10_alpha", "diagonal", {"regime.log10_alpha": REMOVED}, "regime lacks log10_alpha"),
    # dimensions
    ("degree 1", "diagonal", {"net.degree": 1}, "degree is 1; .* at least 2"),
    ("fractional degree", "diagonal", {"net.degree": 2.5}, "degree is 2.5; .* whole number"),
    ("infinite degree", "diagonal", {"net.degree": inf}, "degree is inf; .* whole number"),
    ("NaN degree", "diagonal", {"net.degree": nan}, "degree is nan; .* whole number"),
    ("degree that underflows", "diagonal", {"net.degree": 10**6}, "input 0 has a zero gradient"),
    ("string input_dim", "diagonal", {"net.input_dim": "3"}, "input_dim is '3'; .* whole number"),
    ("no dimensions", "diagonal", {"net.input_dim": 0}, "input_dim is 0; .* at least 1"),
    ("no width", "two_layer", {"net.width": 0}, "width is 0; .* at least 1"),
    ("boolean width", "two_layer", {"net.width": True}, "width is True; .* whole number"),
    ("too few layers", "deep", {"net.widths": [2, 1]}, r"widths is \[2, 1\]; .* three layers"),
    ("no layers", "deep", {"net.widths": []}, r"widths is \[\]; .* three layers"),
    (
        "two outputs",
        "deep",
        {"net.widths": [2, 1, 1, 2], "anchor": [1.0] * 5},
        "classes is None; .* has 2 outputs, one for each class",
    ),
    ("width 0 inside", "deep", {"net.widths": [2, 0, 1, 1]}, "widths is .* three layers"),
    ("string as widths", "deep", {"net.widths": "2,1,1,1"}, "widths is '2,1,1,1'; .* a list"),
    ("string in widths", "deep", {"net.widths": [2, "a", 1, 1]}, "widths is 'a'; .* whole number"),
    ("infinite width", "deep", {"net.widths": [2, inf, 1, 1]}, "widths is inf; .* whole number"),
    ("index too large", "factorization", {"inputs": [[0, 2]] * 2}, "whole indices from 0 to 1"),
    ("negative index", "factorization", {"inputs": [[-1, 0]] * 2}, "whole indices from 0 to 1"),
    ("fractional index", "factorization", {"inputs": [[0.5, 0]] * 2}, "whole indices from 0 to 1"),
    ("three indices", "factorization", {"inputs": [[0, 0, 0]] * 2}, "inputs must be pairs"),
    ("rank 0", "factorization", {"net.rank": 0}, "rank is 0; .* at least 1"),
    # a user's own net
    (
        "path without class",
        "module",
        {"net.path": "nets.py"},
        "path is 'nets.py'; .* file.py:Class",
    ),
    (
        "path to no module",
        "module",
        {"net.path": "nets.json:Cubic"},
        "path is .* file.py:ClassName",
    ),
    ("number as path", "module", {"net.path": 3}, "path is 3; it must be a string"),
    ("no such module", "module", {"net.path": "no.py:Cubic"}, "path is .* there is no file no.py"),
    (
        "no such class",
        "module",
        {"net.path": "nets.py:Gone"},
        "nets.py has no Gone; it has Cubic, Biased",
    ),
    (
        "class of another kind",
        "module",
        {"net.path": "nets.py:NotANet"},
        "subclass theory.Homogene",
    ),
    ("missing import", "module", {"net.path": "imports.py:Cubic"}, "No module named 'no_such_pack"),
    ("syntax error", "module", {"net.path": "syntax.py:Cubic"}, "loading it failed: SyntaxError"),
    (
        "module that exits",
        "module",
        {"net.path": "exits.py:Cubic"},
        "loading it failed: SystemExit",
    ),
    (
        "degree no number",
        "module",
        {"net.path": "nets.py:NoNumber"},
        "degree is 'three', .* least 1",
    ),
    ("bias", "module", {"net.path": "nets.py:Biased"}, "not homogeneous of degree 2: .* biases"),
    (
        "user's rectifier",
        "module",
        {"net.path": "nets.py:Rectified"},
        "nets.py:Rectified has a gradient",
    ),
    (
        "net that raises",
        "module",
        {"net.path": "nets.py:Raising"},
        "net fails on 3 param.*no such lay",
    ),
    ("too few parameters", "module", {"anchor": [1, 0.5]}, "net fails on 2 parameters"),
    ("shapes do not fit", "module", {"net.path": "nets.py:TooLong"}, r"net fails on .* \(2, 2\)"),
    (
        "one output for all",
        "module",
        {"net.path": "nets.py:Flat"},
        r"shape \(\) for 2 inputs; .* \(2,\)",
    ),
]


@pytest.mark.parametrize(
    ("family", "changes", "words"),
    [pytest.param(*row[1:], id=row[0]) for row in BAD_INSTANCES],
)
def test_bad_instance_is_refused_in_one_sentence(
    family: str,
    changes: Changes,
    words: str,
    instances: dict[str, Changes],
    invoke: Callable[..., Any],
    write: Callable[..., Path],
    tmp_path: Path,
) -> None:
    write("imports.py", "import no_such_package\n")
    write("syntax.py", "class (\n")
    write("exits.py", "raise SystemExit(0)\n")
    write("bad.json", altered(instances[family], changes))
    before = contents(tmp_path)
    assert_refused(invoke("evaluate", "bad.json"), words)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("family", ["diagonal", "two_layer", "deep", "factorization", "module"])
def test_unchanged_instances_are_accepted(
    family: str,
    instances: dict[str, Changes],
    invoke: Callable[..., Any],
    write: Callable[..., Path],
) -> None:
    """Without this the table above could refuse for another reason than the one it names."""
    write("good.json", instances[family])
    answer = invoke("evaluate", "good.json", "--at", "0", "--json")
    assert (answer.status, answer.err) == (0, "")


RESULTS: Changes = {"schema": 1, "claims": []}

RATE: Changes = {
    **dict.fromkeys(("predicted", "fitted", "low", "high", "tolerance"), 1.0),
    "quantity": "order",
    "samples": 7,
    "judgement": "kept",
}

RUN: Changes = {
    "environment": {"commit": "abc", "python": "3.11", "packages": {}},
    "profile": "quick",
    "seed": 3,
    "seconds": 1.5,
    "exit_status": 0,
    "command": "python -m verify run",
    "claims": [
        {
            "id": "law",
            "verdict": "holds",
            "expected": "holds",
            "examples": 8,
            "decided": 7,
            "worst": None,
            "rates": [RATE],
            "rivals": [],
        }
    ],
}
"""What is appended to a history."""

HISTORY = ("--file", "history.sqlite")

CHECK = ("check", "nets.py:Cubic", "--parameters", "3", "--input-dim", "2")

DIAGNOSE = (
    *("diagnose", "--model", "linear.py:net", "--data", "small.npz"),
    *("--checkpoints", "start.pt", "--quiet"),
)

BAD_COMMANDS: list[tuple[list[str], str]] = [
    ([*DIAGNOSE, "--model", "linear.py:web"], "model is 'linear.py:web'; linear.py has no web"),
    ([*DIAGNOSE, "--data", "small.txt"], "data is 'small.txt'; allowed are X.npz, X.pt"),
    ([*DIAGNOSE, "--test", "none.npz"], "test: there is no file none.npz"),
    ([*DIAGNOSE[:5], "--checkpoints", "none*.pt"], "checkpoints .*none"),
    ([*DIAGNOSE, "--decay", "-1"], "decay is -1.0; it must be 0 or positive and finite"),
    ([*DIAGNOSE, "--loss", "hinge"], "'--loss': 'hinge' is not one of"),
    ([*DIAGNOSE, "--step-size", "0"], "step_size is 0.0; it must be positive and finite"),
    ([*DIAGNOSE, "--layers", "head"], "'head' names no parameter and no layer"),
    ([*DIAGNOSE, "--without", "head"], "'head' names no parameter and no layer"),
    ([*DIAGNOSE, "--device", "abacus"], "device is 'abacus'; torch cannot use it"),
    ([*DIAGNOSE, "--max-rows", "0"], "max_rows is 0; .* whole number, at least 1"),
    ([*DIAGNOSE, "--html", "folder"], "'--html': File 'folder' is a directory"),
    ([*DIAGNOSE, "--csv", "folder"], "'--csv': File 'folder' is a directory"),
    ([*DIAGNOSE, "--plot", "a.gif"], "plot is a.gif; it must end in .svg, .png, .pdf"),
    ([*DIAGNOSE, "--jobs", "0"], "jobs is 0; .* whole number, at least 1"),
    ([*DIAGNOSE, "--engine", "dusk"], "engine is 'dusk'; allowed are loky, dask"),
    ([*DIAGNOSE, "--cache", "good.json"], "'--cache': Directory 'good.json' is a file"),
    (["compare", "results.json", "results.json", "--html", "folder"], "'folder' is a directory"),
    (["report", "results.json", "--out", "good.json"], "Directory 'good.json' is a file"),
    (["explain", "--module", "mine.py"], "module is 'mine.py'; there is no such file"),
    (["search", "--engine", "dusk"], "engine is 'dusk'; allowed are loky, dask"),
    (["necessity", "--engine", "dusk"], "engine is 'dusk'; allowed are loky, dask"),
    (["evaluate", "missing.json"], "missing.json: no such file"),
    (["evaluate", "folder"], "folder: cannot be read .*directory"),
    (["evaluate", "binary.json"], "binary.json: cannot be read .*utf-8"),
    (["evaluate", "broken.json"], r"broken.json: not valid JSON .*line 1"),
    (["evaluate", "nested.json"], "nested.json: not valid JSON .*recursion"),
    (["evaluate", "list.json"], "an instance is a JSON object, not list"),
    (["evaluate"], "Missing argument 'FILE'; see 'theory-verify evaluate --help'"),
    (["evaluate", "good.json", "--at", "-1"], "at holds -1.0; times must be >= 0"),
    (["evaluate", "good.json", "--at", "nan"], "at is nan; it must be a finite time"),
    (["evaluate", "good.json", "--at", "inf"], "at is inf; it must be a finite time"),
    (["evaluate", "good.json", "--at", "noon"], "'--at': 'noon' is not a valid float; see"),
    (["evaluate", "good.json", "--html"], "No such option '--html'.*; see .*evaluate --help"),
    (["prove"], "No such command 'prove'; see 'theory-verify --help'"),
    (["list", "kkt"], "unexpected extra argument .kkt.; see"),
    (["list", "--claim", "riemann"], "claim is 'riemann'; 'theory-verify list' shows the "),
    *(
        ([command, option, "riemann"], f"{option[2:]} is 'riemann'; known are {known}")
        for command in ("list", "run", "search", "necessity")
        for option, known in (
            ("--family", "early_late, lazy_rich"),
            ("--paper", "dichotomy, lazy-rich"),
            ("--tag", "diagonal nets, floating point"),
        )
    ),
    (
        ["new", "claim", "x", "--family", "No Such"],
        "family is .No Such.; it must be words",
    ),
    (["run", "--claim", "riemann"], "claim is 'riemann'; 'theory-verify list' shows the "),
    (["run", "--claim", "kernel-svn"], "claim is 'kernel-svn'; did you mean kernel-svm"),
    (["run", "--examples", "99999999999"], "examples is 99999999999; it must be at most 1000000"),
    (["run", "--seed", "9223372036854775808"], "seed is 9223372036854775808; .* of 64 bits"),
    (["run", "--profile", "slow"], "profile is 'slow'; allowed are quick, standard, deep"),
    (["run", "--examples", "-3"], "examples is -3; .* whole number, at least 1"),
    (["run", "--examples", "0"], "examples is 0; .* whole number, at least 1"),
    (["run", "--examples", "ten"], "'--examples': 'ten' is not a valid integer"),
    (["run", "--jobs", "0"], "jobs is 0; .* whole number, at least 1"),
    (["run", "--jobs", "-2"], "jobs is -2; .* whole number, at least 1"),
    (["run", "--seed", "pi"], "'--seed': 'pi' is not a valid integer"),
    (["run", "--report", "good.json"], "'--report': Directory 'good.json' is a file"),
    (
        ["run", "--report", "good.json/below"],
        "report is good.json/below; .* folder that can be wri",
    ),
    (["run", "--exampels", "3"], "No such option '--exampels'"),
    (
        ["run", "--engine", "dusk"],
        "engine is 'dusk'; allowed are loky, dask, dask://HOST:PORT, ray",
    ),
    (["run", "--engine", "dask://host"], "engine is 'dask://host'; allowed are loky, dask"),
    (["run", "--budget", "soon"], "budget is 'soon'; it must be a time such as 90s, 10m or 2h"),
    (["run", "--budget", "0s"], "budget is '0s'; it must be a time"),
    (["run", "--module", "mine.py"], "module is 'mine.py'; there is no such file"),
    (["list", "--module", "mine.py"], "module is 'mine.py'; there is no such file"),
    (["search", "--claim", "riemann"], "claim is 'riemann'; 'theory-verify list' shows the "),
    (["search", "--claim", "goldilocks-middle"], "claim: there is none to be searched"),
    (["search", "--module", "mine.py"], "module is 'mine.py'; there is no such file"),
    (["search", "--budget", "0m"], "budget is '0m'; it must be a time"),
    (["search", "--seed", "pi"], "'--seed': 'pi' is not a valid integer"),
    (["search", "--jobs", "0"], "jobs is 0; .* whole number, at least 1"),
    (["search", "--report", "good.json"], "'--report': Directory 'good.json' is a file"),
    (["search", "--report", "good.json/below"], "report is good.json/below; .* folder that can be"),
    (["necessity", "--claim", "riemann"], "claim is 'riemann'; 'theory-verify list' shows the "),
    (["necessity", "--module", "mine.py"], "module is 'mine.py'; there is no such file"),
    (["necessity", "--assumption", "luck"], "assumption is 'luck'; allowed are homogeneity, "),
    (["necessity", "--examples", "0"], "examples is 0; .* whole number, at least 1"),
    (["necessity", "--seed", "pi"], "'--seed': 'pi' is not a valid integer"),
    (["necessity", "--budget", "10"], "budget is '10'; it must be a time"),
    (["necessity", "--jobs", "0"], "jobs is 0; .* whole number, at least 1"),
    (["necessity", "--report", "good.json"], "'--report': Directory 'good.json' is a file"),
    (["necessity", "--report", "good.json/below"], "report is good.json/below; .* folder that can"),
    ([*CHECK, "--input-dim", "0"], "input-dim is 0; .* at least 1"),
    ([*CHECK, "--parameters", "0"], "parameters is 0; .* at least 1"),
    ([*CHECK, "--samples", "0"], "samples is 0; .* at least 1"),
    (
        [*CHECK, "--samples", "3", "--data", "train.npz"],
        "samples is 3; with data there are as many as",
    ),
    ([*CHECK, "--examples", "0"], "examples is 0; .* at least 1"),
    ([*CHECK, "--seed", "-1"], "seed is -1; it must be a whole number, at least 0"),
    ([*CHECK, "--data", "none.npz"], "data: there is no file none.npz"),
    ([*CHECK, "--data", "list.json"], "data: list.json has no 'inputs'; inputs and labels are"),
    ([*CHECK, "--anchor", "none.npy"], "anchor: none.npy cannot be read"),
    ([*CHECK, "--anchor", "start.txt"], "anchor is 'start.txt'; allowed are X.npy, X.npz and X"),
    ([*CHECK, "--anchor", "list.json"], "anchor has 2 entries; the net has 3 parameters"),
    ([*CHECK, "--anchor", "results.json"], "anchor: results.json has no 'anchor', but schema"),
    ([*CHECK, "--seed", "pi"], "'--seed': 'pi' is not a valid integer"),
    ([*CHECK, "--report", "good.json"], "Directory 'good.json' is a file"),
    (["replay", "unknown.json", "--module", "mine.py"], "module is 'mine.py'; there is no such"),
    (["history", "--file", "missing.sqlite"], "missing.sqlite: there is no history"),
    (["history", "--file", "good.json"], "good.json: file is not a database"),
    (["history", *HISTORY, "--claim", "riemann"], "claim is 'riemann'; the history has law"),
    (["history", *HISTORY, "--rate", "pace"], "rate is 'pace'; the history has: 'order'"),
    (["history", *HISTORY, "--last", "0"], "last is 0; .* whole number, at least 1"),
    (["history", *HISTORY, "--module", "none.py"], "none.py; the history has claims of"),
    (["history", *HISTORY, "--plot", "a.gif"], "plot is a.gif; it must end in .svg, .png, .pdf"),
    (["history", *HISTORY, "--plot", "a.svg"], "plot has nothing to draw; give a claim"),
    (["figure"], "give one figure or --all; known are curvature-sweep"),
    (["figure", "--all", "digits"], "give one figure or --all"),
    (["figure", "mona-lisa"], "figure is 'mona-lisa'; known are curvature-sweep"),
    (["figure", "digits", "--preset", "huge"], "preset is 'huge'; allowed are quick, paper"),
    (["figure", "digits", "--out", "good.json"], "'--out': Directory 'good.json' is a file"),
    (["new", "claim", "a/b"], "name is 'a/b'; it must be words of lower-case letters"),
    (["replay", "missing.json"], "missing.json: no such file"),
    (["replay", "good.json"], 'good.json: no "claim" is named; add one'),
    (["replay", "unknown.json"], "claim is 'riemann'; 'theory-verify list' shows the "),
    (["compare", "missing.json", "results.json"], "missing.json: no such file"),
    (["compare", "results.json", "missing.json"], "missing.json: no such file"),
    (["compare", "results.json"], "Missing argument 'NEW'; see"),
    (["compare", "results.json", "good.json"], "good.json: not a results file of schema 1"),
    (["compare", "results.json", "list.json"], "list.json: not a results file of schema 1"),
    (["compare", "newer.json", "results.json"], "newer.json: not a results file of schema 1"),
    (["compare", "number.json", "results.json"], "number.json: claims is 7; it must be a list"),
    (
        ["compare", "bare.json", "results.json"],
        "bare.json: .*verdict is missing; a comparison needs",
    ),
    (["compare", "rates.json", "results.json"], r"rates.json: claims\[0\].rates\[0\].predicted is"),
]


@pytest.mark.parametrize(
    ("arguments", "words"), [pytest.param(*row, id=" ".join(row[0])) for row in BAD_COMMANDS]
)
def test_bad_command_is_refused_in_one_sentence(
    arguments: list[str],
    words: str,
    instances: dict[str, Changes],
    invoke: Callable[..., Any],
    write: Callable[..., Path],
    tmp_path: Path,
) -> None:
    complete = {"id": "kkt", "verdict": "holds", "expected": "holds", "worst": None, "rivals": []}
    write("good.json", instances["diagonal"])
    write("unknown.json", {**instances["diagonal"], "claim": "riemann"})
    write("broken.json", '{"net": ')
    write("nested.json", "[" * 100_000)
    write("list.json", [1, 2])
    write("results.json", RESULTS)
    write("newer.json", {**RESULTS, "schema": 2})
    write("number.json", {**RESULTS, "claims": 7})
    write("bare.json", {**RESULTS, "claims": [{"id": "kkt"}]})
    write("rates.json", {**RESULTS, "claims": [{**complete, "rates": [{"quantity": "q"}]}]})
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder").mkdir()
    append(tmp_path / "history.sqlite", RUN, datetime.now(UTC))
    write("linear.py", "import torch\n\nnet = torch.nn.Linear(2, 1, bias=False)\n")
    np.savez(tmp_path / "small.npz", X=np.eye(2), y=np.array([1, -1]))
    torch.save({"weight": torch.ones(1, 2)}, tmp_path / "start.pt")
    before = contents(tmp_path)
    assert_refused(invoke(*arguments), words)
    assert contents(tmp_path) == before


def options(command: click.Command, *path: str) -> Iterator[tuple[str, str]]:
    """(command, option) for every option that takes a value, those of subcommands included."""
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from options(below, *path, name)
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.is_flag:
            yield " ".join(path), parameter.opts[0]


@pytest.mark.parametrize(("command", "option"), list(options(commands)))
def test_every_option_that_takes_a_value_is_refused_a_bad_one_above(
    command: str, option: str
) -> None:
    path = command.split()
    tried = [row[0] for row in BAD_COMMANDS if row[0][: len(path)] == path]
    refused = [arguments for arguments in tried if option in arguments]
    assert refused, f"no bad {option} of {command} is tried"


def test_command_line_without_a_command_shows_its_help_on_stderr(
    invoke: Callable[..., Any],
) -> None:
    answer = invoke()
    assert (answer.status, answer.out) == (2, "")
    assert "evaluate" in answer.err


def test_numerical_failure_of_an_evaluation_is_inconclusive(
    instances: dict[str, Changes],
    invoke: Callable[..., Any],
    write: Callable[..., Path],
) -> None:
    write("huge.json", altered(instances["diagonal"], {"regime.log10_alpha": 1e9}))
    answer = invoke("evaluate", "huge.json")
    assert (answer.status, answer.out) == (3, "")
    assert re.fullmatch(r"inconclusive: no integrator finished [^\n]+\n", answer.err)


def as_a_process(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(verify.__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-m", "verify", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_process_exits_with_2_and_one_sentence(
    instances: dict[str, Changes], write: Callable[..., Path], tmp_path: Path
) -> None:
    write("bad.json", altered(instances["diagonal"], {"labels": [0, 1]}))
    before = contents(tmp_path)
    ended = as_a_process(tmp_path, "evaluate", "bad.json")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "error: labels holds [0.0]; the exponential loss needs -1 or +1\n"
    assert contents(tmp_path) == before


def test_process_exits_with_2_on_an_unknown_option(tmp_path: Path) -> None:
    ended = as_a_process(tmp_path, "run", "--tolerance", "1")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(r"error: No such option '--tolerance'[^\n]*\n", ended.stderr)
    assert contents(tmp_path) == {}


def test_altered_leaves_the_original_alone() -> None:
    data = {"net": {"kind": "deep"}, "labels": [1]}
    assert altered(data, {"net.kind": REMOVED, "labels": 2}) == {"net": {}, "labels": 2}
    assert json.dumps(data) == '{"net": {"kind": "deep"}, "labels": [1]}'

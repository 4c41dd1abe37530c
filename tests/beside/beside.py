"""Tries linters of migrations beside the harness: `make beside`.

Each deployment of `tests/broken` and `tests/unusual` whose manifest says what is deployed is
judged by all of them. A linter that takes SQL gets what Alembic renders offline. The table
says who was red; `docs/beside.md` holds the last one.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
WORK = REPOSITORY / "target/beside"
BIN = WORK / "venv/bin"
SERVICES_PYTHON = REPOSITORY / "tests/monorepo/.venv/bin/python"
# Rules about style, and about settings of a session that SQL rendered by Alembic lacks.
SQUAWK_STYLE = [
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-robust-stmts",
    "prefer-text-field",
    "prefer-timestamp-tz",
    "require-timeout-settings",
]
# A `lock_timeout`, and several ALTER TABLE where one would do.
EUGENE_STYLE = ["E9", "W12"]
KIND = "locks"


class Deployment:
    """A service, what is deployed of it, and whether its next deployment is faulty."""

    def __init__(self, tree, name, deployed, red):
        self.tree, self.name, self.deployed, self.red = tree, name, deployed, red
        self.directory = REPOSITORY / "tests" / tree / name

    def pending(self):
        """The files above what is deployed; their names sort as the revisions do."""
        files = sorted((self.directory / "alembic/versions").glob("*.py"))
        return [file for file in files if file.name[: len(self.deployed)] > self.deployed]

    def sql(self):
        """The SQL of it; `None` where a revision needs a database."""
        words = [SERVICES_PYTHON, HERE / "render.py", self.directory, self.deployed, self.directory.parent / "libs"]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            return None
        file = WORK / f"{self.name}.sql"
        file.write_text(done.stdout)
        return file


def deployments():
    found = []
    for tree in ("broken", "unusual"):
        for file in sorted((REPOSITORY / "tests" / tree / "services-manifest/services").glob("*.toml")):
            manifest = tomllib.loads(file.read_text())
            deployed = manifest.get("deployed")
            if not file.stem.startswith(KIND) or not isinstance(deployed, str) or deployed == "base":
                continue
            # What is about a line of the manifest, nobody else could know.
            is_asked_for = tree == "broken" and "locks" in manifest
            if is_asked_for or any(word in file.stem for word in ("accepted", "small")):
                continue
            found.append(Deployment(tree, file.stem, deployed, tree == "broken"))
    return found


# --- who judges: each returns what it found, nothing where it is green, None where it could not ---


def rules(pattern, words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        return None
    return sorted(set(re.findall(pattern, done.stdout))) if done.returncode else []


def squawk(deployment):
    sql = deployment.sql()
    excluded = ["--exclude", ",".join(SQUAWK_STYLE)]
    words = [BIN / "squawk", "--pg-version", "15", "--reporter", "gcc", *excluded, sql]
    return None if sql is None else rules(r"(?:warning|error): ([a-z-]+)", words)


def alembic_guard(deployment):
    return rules(r"\bAG\d+", [BIN / "alembic-guard", "--strict", *deployment.pending()])


def lockcheck(deployment):
    return rules(r"\bLC\d+", [BIN / "lockcheck", *deployment.pending()])


def eugene(deployment):
    sql = deployment.sql()
    found = None if sql is None else rules(r"\b[EW]\d+", ["eugene", "lint", sql])
    return found and [rule for rule in found if rule not in EUGENE_STYLE]


def harness(all_of_them):
    """The findings of `locks`, by service."""
    subprocess.run(["cargo", "test", "--no-run", "--test", "services"], cwd=REPOSITORY, check=True)
    said = {}
    for tree in ("broken", "unusual"):
        environment = {
            **os.environ,
            "SERVICES_MANIFEST": str(REPOSITORY / "tests" / tree / "services-manifest"),
            "ONLY": " ".join(one.name for one in all_of_them if one.tree == tree),
            "REPORT_DIR": str(WORK / tree),
        }
        words = ["cargo", "test", "--test", "services", "--", f"{KIND}::"]
        subprocess.run(words, cwd=REPOSITORY, env=environment, capture_output=True)
        for case in json.loads((WORK / tree / "report.json").read_text())["cases"]:
            keys = [key for finding in case["findings"] for key in finding["accepted_by"]]
            ids = sorted({word for key in keys for word in key.split() if re.fullmatch(r"L\d", word)})
            judged = case["outcome"] in ("passed", "failed")
            red = ids or ["not measured"]
            said[tree, case["service"]] = (red if case["outcome"] == "failed" else []) if judged else None
    return lambda deployment: said.get((deployment.tree, deployment.name))


def version(words):
    done = subprocess.run(words, capture_output=True, text=True)
    return done.stdout.strip().split()[-1] if done.stdout.strip() else "?"


def set_up():
    WORK.mkdir(parents=True, exist_ok=True)
    if not (BIN / "squawk").exists():
        subprocess.run([sys.executable, "-m", "venv", WORK / "venv"], check=True)
        install = [BIN / "python", "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"]
        subprocess.run(install, check=True)


def cell(deployment, found):
    if found is None:
        return "not judged"
    is_right = bool(found) == deployment.red
    text = ", ".join(found) or "green"
    return text if is_right else f"**{text}**"


def table(some, judges):
    names = list(judges)
    print("| deployment | is | " + " | ".join(names) + " |")
    print("| --- " * (len(names) + 2) + "|")
    found = {name: [judge(one) for one in some] for name, judge in judges.items()}
    for at, one in enumerate(some):
        cells = [cell(one, found[name][at]) for name in names]
        print(f"| `{one.tree}/{one.name}` | {'faulty' if one.red else 'right'} | " + " | ".join(cells) + " |")

    def count(name, is_faulty, holds):
        return str(sum(one.red == is_faulty and holds(said) for one, said in zip(some, found[name])))

    faulty, right = sum(one.red for one in some), sum(not one.red for one in some)
    sums = [
        (f"red of {faulty} faulty", lambda name: count(name, True, bool)),
        (f"red of {right} right", lambda name: count(name, False, bool)),
        ("not judged", lambda name: str(sum(said is None for said in found[name]))),
    ]
    for title, value in sums:
        print(f"| {title} | | " + " | ".join(value(name) for name in names) + " |")


def main():
    set_up()
    some = deployments()
    judges = {
        "migration-harness": harness(some),
        f"squawk {version([BIN / 'squawk', '--version'])}": squawk,
        f"alembic-guard {version([BIN / 'alembic-guard', '--version'])}": alembic_guard,
        "lockcheck 0.1.0": lockcheck,
    }
    if shutil.which("eugene"):
        judges[f"eugene lint {version(['eugene', '--version'])}"] = eugene
    table(some, judges)
    return 0


if __name__ == "__main__":
    sys.exit(main())

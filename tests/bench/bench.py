"""Measures the harness beside what one would do without it: `make bench`.

Both sides of a row run alternately, so that what else the machine does meets both.
Every raw pair is kept in a file; the table shows the medians and what they range
over. With `--short`, a few small rows, and the exit status is 1 if a ratio is bad.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from monorepo import generate
from usual import Servers, usual

REPOSITORY = Path(__file__).resolve().parents[2]
LATER = ("downgrade", "model_drift", "migration_notes", "deployed_schema", "rows", "locks", "running_release", "published_revisions")
# Real services have between one and a few dozen.
REVISIONS = [9, 1, 25, 3, 15, 5, 19, 7, 11, 3, 23, 1, 9]
# The criteria that judge a deployment, each with the times that it and those before may take.
DEPLOYMENTS = [("rows", 1.4), ("locks", 1.6), ("running_release", 2.0)]
FIRST_FOUR = [word for criterion in LATER for word in ("--skip", criterion)]


def command(words, **settings):
    """Runs a command, which has to succeed; returns seconds."""
    began = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, **settings)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))} failed:\n{done.stdout}{done.stderr}")
    return seconds


def programs():
    """PostgreSQL's programs, as the harness finds them."""
    if os.environ.get("POSTGRES_BIN"):
        return os.environ["POSTGRES_BIN"]
    if shutil.which("pg_config"):
        done = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True)
        return done.stdout.strip()
    return max(map(str, Path("/usr/lib/postgresql").glob("*/bin")))


def published(root):
    """Makes a repository of the monorepo, in which all that is there is published."""
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "published"]):
        command(["git", "-c", "user.name=bench", "-c", "user.email=bench@example.com", *words], cwd=root)


class Bench:
    """Shared parts of the rows: a built harness, packages, servers, generated services."""

    def __init__(self, work, profile, provider="local"):
        self.work = work
        self.python = str(self.packages())
        self.profile = ["--release"] if profile == "release" else []
        self.binary = self.build()
        self.environment = {**os.environ, "POSTGRES_PROVIDER": provider}
        self.servers = Servers(programs())

    def packages(self):
        """A virtual environment with what the generated services import."""
        wanted = REPOSITORY / "tests/bench/requirements.txt"
        venv, there = self.work / "venv", self.work / "venv/requirements.txt"
        if not there.exists() or there.read_text() != wanted.read_text():
            command([sys.executable, "-m", "venv", "--clear", venv])
            command([venv / "bin/python", "-m", "pip", "install", "--quiet", "-r", wanted])
            there.write_text(wanted.read_text())
        return venv / "bin/python"

    def build(self):
        words = ["cargo", "test", *self.profile, "--no-run", "--test", "services"]
        done = subprocess.run(
            [*words, "--message-format", "json"], cwd=REPOSITORY, capture_output=True, text=True
        )
        for line in done.stdout.splitlines():
            message = json.loads(line)
            if message.get("target", {}).get("name") == "services" and message.get("executable"):
                return message["executable"]
        sys.exit(done.stderr)

    def monorepo(self, name, services, revisions, heavy=True):
        root = self.work / name
        conventions = REPOSITORY / "services-manifest/conventions"
        manifest = generate(root, conventions, self.python, services, revisions, heavy)
        names = sorted(file.stem for file in (manifest / "services").iterdir())
        return root, {**self.environment, "SERVICES_MANIFEST": str(manifest)}, names

    def judge(self, environment, *arguments):
        return command([self.binary, *arguments], env=environment, cwd=REPOSITORY)

    def usual(self, root, names):
        began = time.perf_counter()
        usual(self.servers, self.python, root, names)
        return time.perf_counter() - began

    def alembic(self, root, name, environment, *arguments):
        words = [str(Path(self.python).parent / "alembic"), *arguments]
        return command(words, cwd=root / "services" / name, env=environment)

    # --- the rows: each yields a name, the least ratio, and both sides -------------

    def against_the_script(self, services, least_four, least_cold, least_all):
        root, environment, names = self.monorepo(f"{services}-services", services, REVISIONS)
        script = lambda: self.usual(root, names)
        four = lambda: self.judge(environment, *FIRST_FOUR)
        every = lambda: self.judge(environment)

        def cold():
            """As in a fresh checkout: nothing is known of the services, and no bytecode kept."""
            shutil.rmtree(REPOSITORY / "target/migration-harness/imports", ignore_errors=True)
            shutil.rmtree(REPOSITORY / "target/migration-harness/pycache", ignore_errors=True)
            return four()

        every()  # a first run remembers what services import
        yield f"the four first criteria, {services} services", "the usual script", least_four, four, script
        yield f"the same in a fresh checkout, {services} services", "the usual script", least_cold, cold, script
        yield f"all criteria, {services} services", "the usual script", least_all, every, script

    def deployments(self, services, within):
        """Two revisions are above what is published and running in three services, none in the
        others."""
        root, environment, names = self.monorepo("deployments", services, REVISIONS)
        pending = {}
        for number in (0, 2, 4):
            versions = root / "services" / names[number] / "alembic/versions"
            for file in sorted(versions.glob("*.py"))[-2:]:
                pending[file] = file.read_text()
                file.unlink()
        published(root)
        for file, text in pending.items():
            file.write_text(text)
        environment["BASE_REF"] = "HEAD"
        ids = [criterion for criterion, _ in DEPLOYMENTS]
        skip = lambda some: [word for criterion in some for word in ("--skip", criterion)]
        theirs = lambda: self.judge(environment, *skip(ids))
        self.judge(environment)
        for upto, (criterion, times) in enumerate(DEPLOYMENTS, 1):
            ours = lambda some=ids[upto:]: self.judge(environment, *skip(some))
            yield f"up to `{criterion}`, {services} services, three of them deployed", "all criteria before them", within(times), ours, theirs

    def one_by_one(self, revisions, least):
        """Every revision as a deployment of its own."""
        _, environment, names = self.monorepo("one-by-one", 1, revisions, heavy=False)
        file = Path(environment["SERVICES_MANIFEST"]) / f"services/{names[0]}.toml"
        file.write_text(f'deployed = "base"\n{file.read_text()}[timeouts]\nrows = 3600\n')
        ours = lambda: self.judge(environment, "rows")
        theirs = lambda: self.judge(environment, "downgrade")
        yield f"`rows`, {revisions} revisions one by one", "the stairway of the same", least, ours, theirs

    def many_tables(self, tables, times):
        """A deployment of one table beside many others, with and without `locks`."""
        root, environment, names = self.monorepo("many-tables", 1, 1, heavy=False)
        manifest = Path(environment["SERVICES_MANIFEST"]) / f"services/{names[0]}.toml"
        manifest.write_text(f'deployed = "0001"\n{manifest.read_text()}')
        versions = root / "services" / names[0] / "alembic/versions"
        first = next(versions.glob("0001*.py"))
        made = "\n    ".join([
            "",
            f"for number in range({tables}):",
            '    op.execute(f"CREATE TABLE many_{number} (id serial PRIMARY KEY, note text)")',
        ])
        first.write_text(re.sub(r"(def upgrade\(\).*?:)", lambda found: found[1] + made, first.read_text(), count=1))
        (versions / "0002_more.py").write_text(
            'from alembic import op\n\nrevision = "0002"\ndown_revision = "0001"\n\n\n'
            'def upgrade():\n    op.execute("ALTER TABLE many_7 ADD more int")\n\n\n'
            'def downgrade():\n    op.execute("ALTER TABLE many_7 DROP more")\n'
        )
        ours = lambda: self.judge(environment, "rows::", "locks::")
        theirs = lambda: self.judge(environment, "rows::")
        yield f"`rows` and `locks`, one of {tables:,} tables", "`rows` alone", times, ours, theirs

    def single_head(self, histories, revisions, least):
        root, environment, names = self.monorepo("heads", histories, revisions, heavy=False)
        heads = lambda: sum(self.alembic(root, name, environment, "heads") for name in names)
        heads()
        ours = lambda: self.judge(environment, "single_head")
        yield f"`single_head`, {histories * revisions:,} revision files", "`alembic heads` per history", least, ours, heads

    def nextest(self, services, least):
        _, environment, _ = self.monorepo("nextest", services, REVISIONS)
        test = ["cargo", "test", *self.profile, "--test", "services"]
        runner = ["cargo", "nextest", "run", *self.profile, "--test", "services"]
        ours = lambda: command(runner, env=environment, cwd=REPOSITORY)
        theirs = lambda: command(test, env=environment, cwd=REPOSITORY)
        theirs()
        yield f"nextest, all criteria, {services} services", "cargo test", least, ours, theirs

    def many(self, few, many, least):
        _, environment, _ = self.monorepo("many", many, 9)
        names = [f"svc_{number:03}" for number in range(few)]
        selected = {**environment, "ONLY": " ".join(names)}
        ours = lambda: self.judge(environment, *FIRST_FOUR)
        theirs = lambda: self.judge(selected, *FIRST_FOUR)
        ours()
        yield f"{many} services", f"{few} services", least, ours, theirs

    def stairway(self, revisions, sample, least):
        root, environment, names = self.monorepo("long", 1, revisions, heavy=False)
        ours = lambda: self.judge(environment, "downgrade")

        def theirs():
            """Three commands for each of some revisions, for as many as there are."""
            server, port, data = self.servers.start()
            url = f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"
            ready = {**environment, "SVC_000_DATABASE_URL": url}
            seconds = 0.0
            middle = (revisions - sample) // 2
            self.alembic(root, names[0], ready, "upgrade", f"{middle:04}")
            for number in range(middle + 1, middle + 1 + sample):
                up, down = f"{number:04}", f"{number - 1:04}"
                for words in (("upgrade", up), ("downgrade", down), ("upgrade", up)):
                    seconds += self.alembic(root, names[0], ready, *words)
            self.servers.stop(server, data)
            return seconds * revisions / sample

        yield f"stairway, {revisions} revisions", f"three `alembic` commands a revision ({sample} measured)", least, ours, theirs

    def container(self, services, least):
        root, environment, names = self.monorepo("container", services, 9)
        environment = {**environment, "POSTGRES_PROVIDER": "container"}
        ours = lambda: self.judge(environment, *FIRST_FOUR) / services
        self.judge(environment, *FIRST_FOUR)
        yield f"container provider, per service of {services}", "one container start", least, ours, one_container


def one_container():
    """From `docker run` to the first answer of the image that the harness uses."""
    image = os.environ.get("POSTGRES_IMAGE", "postgres") + ":15"
    name = f"migration-harness-bench-{os.getpid()}"
    began = time.perf_counter()
    command(["docker", "run", "--detach", "--rm", "--name", name, "--tmpfs", "/var/lib/postgresql/data",
             "--env", "POSTGRES_PASSWORD=x", "--env", "POSTGRES_INITDB_ARGS=--no-sync",
             image, "-c", "fsync=off"])  # fmt: skip
    try:
        # The server that initialises answers on its socket only.
        ask = ["docker", "exec", name, "pg_isready", "--host", "127.0.0.1", "--quiet"]
        while subprocess.run(ask, capture_output=True).returncode:
            if time.perf_counter() - began > 60:
                sys.exit("the container does not answer")
        return time.perf_counter() - began
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True)


def measured(row, rounds):
    work, against, least, ours, theirs = row
    pairs = []
    for _ in range(rounds):
        pair = ours(), theirs()
        pairs.append(pair)
        print(f"  {work}: {pair[0]:.2f} s, {against}: {pair[1]:.2f} s", file=sys.stderr, flush=True)
    return {"work": work, "against": against, "least": least, "pairs": pairs}


def line(row):
    ours, theirs = zip(*row["pairs"])
    ratios = [b / a for a, b in row["pairs"]]
    ratio, least = statistics.median(ratios), row["least"]
    if least < 1:  # not how many times as fast, but within how many times the time
        text, wanted = f"{1 / ratio:.2f} times the time", f"within {1 / least:.4g}"
    else:
        text, wanted = f"{ratio:.1f} times as fast", f"{least:g}"
    spread = lambda values: f"{statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f})"
    mark = "" if ratio >= least else " (missed)"
    return f"| {row['work']} | {spread(ours)} | {row['against']} | {spread(theirs)} | {text} | {wanted}{mark} |"


def table(rows):
    cores, system = os.cpu_count(), platform.platform()
    load = os.getloadavg()[0]
    head = f"{cores} cores, {system}, Python {platform.python_version()}, load {load:.1f} at the end"
    lines = [head, "", "| work | time | against | time | ratio | wanted |", "| --- | --- | --- | --- | --- | --- |"]
    return "\n".join(lines + [line(row) for row in rows])


def rows(bench, short, only):
    within = lambda times: 1 / times
    if short:
        return [*bench.against_the_script(4, 3, 2, 1.2), *bench.single_head(4, 101, 10)]
    groups = {
        "script": lambda: bench.against_the_script(13, 8, 6, 3),
        "heads": lambda: bench.single_head(13, 201, 100),
        "nextest": lambda: bench.nextest(13, within(1.3)),
        "container": lambda: bench.container(6, within(1.3)),
        "many": lambda: bench.many(10, 100, within(10.5)),
        "stairway": lambda: bench.stairway(289, 6, 15),
        "deployments": lambda: bench.deployments(13, within),
        "many_tables": lambda: bench.many_tables(2000, within(1.3)),
        "one_by_one": lambda: bench.one_by_one(289, within(4)),
    }
    return [row for name, group in groups.items() if not only or name in only for row in group()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few small rows")
    parser.add_argument("--rounds", type=int, default=5, help="how often each pair is measured")
    parser.add_argument("--profile", choices=["dev", "release"], default="dev")
    parser.add_argument("--work", type=Path, default=REPOSITORY / "target/bench")
    parser.add_argument("only", nargs="*", help="script heads nextest container many stairway deployments many_tables one_by_one")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.work.resolve(), options.profile)
    try:
        done = [measured(row, options.rounds) for row in rows(bench, options.short, options.only)]
    finally:
        bench.servers.remove()
    (options.work / "pairs.json").write_text(json.dumps(done, indent=1))
    print(table(done))
    bad = [row for row in done if statistics.median(b / a for a, b in row["pairs"]) < row["least"]]
    return 1 if options.short and bad else 0


if __name__ == "__main__":
    sys.exit(main())

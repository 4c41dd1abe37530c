//! Services that do what no service should: each ends in a verdict or in a clear error,
//! in time, and its neighbours' cases are what they would be without it.

use std::fs;

use migration_harness::report;
use pretty_assertions::assert_eq;

use crate::crashes::left;
use crate::monorepo::{ENV, Monorepo, PLAIN, table, upgrade};
use crate::postgres::eventually;

/// A name, what env.py does first, what the second revision does, and what `upgrade_head` says;
/// nothing where it is green.
type Scene = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

/// Scenes that end by themselves.
const SCENES: &[Scene] = &[
    (
        "prints_a_gigabyte",
        "",
        "import os\nfor _ in range(1024): os.write(1, b'x' * (1 << 20))",
        &[],
    ),
    (
        "prints_binary",
        "import os\nos.write(2, bytes(range(256)) * 4096)",
        "pass",
        &[],
    ),
    (
        "changes_directory",
        "",
        "import os, tempfile\nos.chdir(tempfile.mkdtemp())",
        &[],
    ),
    (
        // As under Alembic itself, `script_location = alembic` leads nowhere then.
        "changes_directory_too_early",
        "import os\nos.chdir('/')",
        "pass",
        &["error[upgrade_head]", "never ran r1, r2"],
    ),
    (
        "replaces_stdout",
        "import sys\nsys.stdout = sys.stderr = open('/dev/null', 'w')",
        "import sys\nsys.stdout.close()",
        &[],
    ),
    (
        "takes_the_streams",
        "import os\nfor fd in (1, 2): os.dup2(os.open('/dev/null', os.O_WRONLY), fd)",
        "pass",
        &[],
    ),
    (
        "starts_threads",
        "import threading, time\nfor _ in range(8): threading.Thread(target=time.sleep, args=(600,)).start()",
        "pass",
        &[],
    ),
    (
        "forks_a_daemon",
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(600)\n    os._exit(0)",
        "pass",
        &[],
    ),
    (
        "ignores_sigterm",
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)",
        "pass",
        &[],
    ),
    (
        "monkeypatches_sqlalchemy",
        "from sqlalchemy.engine import Connection, Engine\nexecute = Connection.execute\nConnection.execute = lambda *a, **k: execute(*a, **k)\nconnect = Engine.connect\nEngine.connect = lambda self: connect(self)",
        "pass",
        &[],
    ),
    (
        "creates_roles",
        "",
        "op.execute('CREATE ROLE hostile_reader')\nop.execute('GRANT SELECT ON essays TO hostile_reader')",
        &[],
    ),
    (
        "commits_by_hand",
        "",
        "op.execute('COMMIT')\nop.execute('CREATE TABLE more (id int)')",
        &[],
    ),
    (
        "ends_first_when_memory_is_short",
        "",
        "assert open('/proc/self/oom_score_adj').read().strip() == '1000'",
        &[],
    ),
    (
        "excepthook",
        "import os, sys\nsys.excepthook = lambda *_: os._exit(0)",
        "raise ValueError('seen all the same')",
        &["error[upgrade_head]", "ValueError", "seen all the same"],
    ),
    (
        "exits_with_0",
        "",
        "import os\nos._exit(0)",
        &["error[upgrade_head]", "exited with status 0"],
    ),
    (
        "closes_the_channel",
        "",
        "import os\nos.closerange(3, 1024)",
        &["error[upgrade_head]", "Python"],
    ),
    (
        "exhausts_memory",
        "",
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\nall = []\nwhile True: all.append(bytearray(1 << 24))",
        &["error[upgrade_head]", "MemoryError", "r2.py"],
    ),
    (
        "is_killed_for_memory",
        "",
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        &["error[upgrade_head]", "ended by signal 9"],
    ),
    (
        "recurses",
        "",
        "def f(): f()\nf()",
        &["error[upgrade_head]", "RecursionError"],
    ),
    (
        "drops_public",
        "",
        "op.execute('DROP SCHEMA public CASCADE')",
        &["error[upgrade_head]", "alembic_version"],
    ),
    (
        "renames_the_version_table",
        "",
        "op.rename_table('alembic_version', 'old_version')",
        &["error[upgrade_head]", "alembic_version"],
    ),
    (
        "ends_the_sessions",
        "",
        "op.execute('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()')",
        &[],
    ),
    (
        // Red, and an answer that says otherwise on every open descriptor.
        "forges_an_answer",
        "",
        "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'{\"event\":\"answer\",\"ok\":{\"contexts\":[]}}\\n')\n    except OSError: pass\nraise ValueError",
        &[
            "error[upgrade_head]",
            "wrote `{\"event\":\"answer\"",
            "so nothing it says counts",
        ],
    ),
    (
        "forges_a_line_without_end",
        "",
        "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'x' * 4096)\n    except OSError: pass",
        &["error[upgrade_head]", "so nothing it says counts"],
    ),
    (
        "neighbour",
        "",
        "op.execute(\"CREATE TYPE mood AS ENUM ('well')\")",
        &[],
    ),
];

/// Scenes that never end.
const ENDLESS: &[Scene] = &[
    (
        "loops",
        "",
        "while True: pass",
        &["took longer than 4 s", "r2.py"],
    ),
    (
        "prints_endlessly",
        "",
        "import os\nwhile True: os.write(1, os.urandom(1 << 16))",
        &["took longer than 4 s", "r2.py"],
    ),
    (
        "is_deaf",
        "import signal\nfor one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT): signal.signal(one, signal.SIG_IGN)",
        "import time\nwhile True:\n    try: time.sleep(60)\n    except BaseException: pass",
        &["took longer than 4 s", "r2.py"],
    ),
    (
        "holds_a_lock",
        "",
        "op.execute('COMMIT')\nop.execute('LOCK TABLE essays')\nimport os\nsa.create_engine(os.environ['DATABASE_URL']).connect().exec_driver_sql('SELECT * FROM essays')",
        &[
            "took longer than 4 s",
            "waits for AccessShareLock on essays",
        ],
    ),
    (
        "dies_and_leaves_a_fork_with_the_channel",
        "",
        "import os, time\nif os.fork() == 0:\n    time.sleep(600)\nos._exit(0)",
        &["exited with status 0"],
    ),
];

const OTHERS: &[&str] = &[
    "--skip",
    "single_head::",
    "--skip",
    "downgrade::",
    "--skip",
    "outbox_indexes::",
    "--skip",
    "migration_notes::",
];

fn monorepo(scenes: &[Scene]) -> Monorepo {
    let monorepo = Monorepo::new();
    for (name, env, revision, _) in scenes {
        let manifest = format!(
            "{PLAIN}[timeouts]\nupgrade = {}\n",
            if scenes.len() == 1 { 4 } else { 60 }
        );
        monorepo.service(
            name,
            &manifest,
            &format!("{env}\n{ENV}"),
            &[&table("essays"), &upgrade(revision)],
        );
    }
    monorepo
}

fn says(scene: &Scene, text: &str) {
    for part in scene.3 {
        assert!(
            text.contains(part),
            "{} does not say {part}\n{text}",
            scene.0
        );
    }
    assert!(text.lines().count() < 40, "{text}");
}

#[test]
fn a_hostile_service_is_judged_and_harms_no_neighbour() {
    let monorepo = monorepo(SCENES);
    let tmp = monorepo.path().to_str().unwrap();
    let judged = monorepo.judge(OTHERS, &[("POSTGRES_PROVIDER", "local"), ("TMPDIR", tmp)]);
    let results = judged.results();
    for scene in SCENES {
        let case = format!("upgrade_head::{}.toml", scene.0);
        let green = results.get(&case).is_some_and(|result| result == "ok");
        assert_eq!(green, scene.3.is_empty(), "{}\n{}", scene.0, judged.all());
        says(scene, &judged.text(&case));
        // What did not get to its end is judged by no other criterion either.
        let enum_types = format!("enum_types::{}.toml", scene.0);
        assert_eq!(
            results[&enum_types] == "ok",
            green,
            "{}\n{}",
            scene.0,
            judged.all()
        );
    }
    eventually("no process is left", || left(monorepo.path()).is_empty());
}

#[test]
fn a_service_that_never_ends_is_ended_in_time() {
    let tmp = Monorepo::new();
    let tmp = tmp.path();
    std::thread::scope(|scope| {
        for scene in ENDLESS {
            scope.spawn(move || {
                let monorepo = monorepo(std::slice::from_ref(scene));
                let run = format!("endless-{}-{}", scene.0, std::process::id());
                let variables = [
                    ("POSTGRES_PROVIDER", "local"),
                    ("TMPDIR", tmp.to_str().unwrap()),
                    ("NEXTEST_RUN_ID", &run),
                    // The interpreter that forks others stays for as long as the process that
                    // began such a run, which is this one.
                    ("HARNESS_FORK", "0"),
                ];
                let judged = monorepo.judge(&["upgrade_head"], &variables);
                assert_eq!(judged.code, Some(101), "{}", judged.all());
                says(
                    scene,
                    &judged.text(&format!("upgrade_head::{}.toml", scene.0)),
                );
                let run = report::directory().join("runs").join(run);
                let evidence = fs::read(run.join(scene.0).join("evidence.json")).unwrap();
                let evidence: serde_json::Value = serde_json::from_slice(&evidence).unwrap();
                let upgrade = &evidence["evidence"]["Ok"]["migrated"]["upgrade"];
                let took = upgrade["seconds"].as_f64();
                assert!(took.unwrap() < 4.0 + 5.0, "{} took {took:?} s", scene.0);
                fs::remove_dir_all(run).unwrap();
            });
        }
    });
    eventually("no process is left", || left(tmp).is_empty());
}

/// Nothing that was not seen is taken for absent where a service undoes the listening.
#[test]
fn statements_that_nobody_saw_are_not_judged() {
    let deaf = "from sqlalchemy.engine import Engine\nfor name in ('before_cursor_execute', 'after_cursor_execute'):\n    getattr(Engine.dispatch, name)._clslevel[Engine].clear()\n";
    let monorepo = Monorepo::new();
    monorepo.service(
        "deafens",
        PLAIN,
        &format!("{deaf}{ENV}"),
        &[&table("essays"), &table("more")],
    );
    let judged = monorepo.judge(OTHERS, &[("POSTGRES_PROVIDER", "local")]);
    let text = judged.text("enum_types::deafens.toml");
    assert!(
        text.starts_with("blocked[enum_types]: by evidence"),
        "{}",
        judged.all()
    );
}

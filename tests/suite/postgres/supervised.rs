//! Children that end with the harness.

use pretty_assertions::assert_eq;

use super::*;

fn shell(script: &str, ending: Ending) -> SupervisedSpec {
    SupervisedSpec::new("/bin/sh", "/", ending).args(["-c", script])
}

#[test]
fn a_supervised_child_reports_how_its_child_ended() {
    block_on(async {
        for (script, status) in [("exit 7", 7), ("kill -KILL $$", 137)] {
            let supervised = SupervisedProcess::spawn(shell(script, Ending::Kill))
                .await
                .unwrap();
            assert_eq!(
                supervised.exited(Duration::from_secs(20)).await,
                Some(status)
            );
            supervised.end().await.unwrap();
        }
        let supervised =
            SupervisedProcess::spawn(SupervisedSpec::new("/no/such/program", "/", Ending::Kill))
                .await
                .unwrap();
        assert_eq!(supervised.exited(Duration::from_secs(20)).await, Some(127));
        assert_eq!(supervised.exit_status(), Some(127));
        supervised.end().await.unwrap();
    });
}

#[test]
fn a_supervised_child_hands_over_input_descriptors_and_exactly_the_environment_given() {
    use std::io::{Read, Write};
    block_on(async {
        let (input, mut to_child) = std::io::pipe().unwrap();
        let (mut from_child, output) = std::io::pipe().unwrap();
        let mut spec = shell(
            "read line; echo \"$line $GIVEN ${HOME-none} $(ls /proc/self/fd | tr '\\n' ' ')\" >&4",
            Ending::Kill,
        );
        spec.stdin = input.into();
        spec.fds = vec![(output.into(), 4)];
        spec.env = Some(vec![
            ("GIVEN".into(), "value".into()),
            ("PATH".into(), "/usr/bin:/bin".into()),
        ]);
        let supervised = SupervisedProcess::spawn(spec).await.unwrap();
        to_child.write_all(b"hello\n").unwrap();
        let mut text = String::new();
        // Ends only if the supervisor does not hold the descriptor as well.
        from_child.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("hello value none "), "{text}");
        // Neither its input a second time, nor the report, nor the lead.
        assert!(
            text.split_whitespace()
                .all(|word| !["7", "8", "9"].contains(&word)),
            "{text}"
        );
        supervised.end().await.unwrap();
    });
}

#[rstest]
#[case::group("sleep 600 & sleep 600")]
#[case::daemon("setsid sleep 600 & sleep 600")]
#[case::deaf("trap '' INT TERM QUIT HUP; sleep 600")]
fn a_supervised_child_ends_whatever_its_child_started(#[case] script: &str) {
    let dir = open_dir();
    let marked = dir.path().join("of-this-test");
    fs::create_dir(&marked).unwrap();
    block_on(async {
        let script = format!("cd {}; echo on >started; {script}", marked.display());
        let mut spec = shell(&script, Ending::Kill);
        spec.remove = Some(marked.clone());
        let supervised = SupervisedProcess::spawn(spec).await.unwrap();
        assert!(supervised.pid() > 1);
        let started = || marked.join("started").exists() && inside(&marked) > 1;
        let deadline = Instant::now() + Duration::from_secs(20);
        while !started() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        supervised.end().await.unwrap();
    });
    assert!(!marked.exists());
    eventually("nothing works there any more", || inside(&marked) == 0);
}

/// The number of processes that work in a directory, also one that is gone (Linux).
fn inside(dir: &Path) -> usize {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|e| fs::read_link(e.path().join("cwd")).ok())
        .filter(|cwd| {
            cwd.starts_with(dir) || cwd.to_string_lossy().starts_with(dir.to_str().unwrap())
        })
        .count()
}

#[test]
fn a_supervised_child_that_is_dropped_ends_its_child_too() {
    let dir = open_dir();
    let marked = dir.path().join("of-this-test");
    fs::create_dir(&marked).unwrap();
    block_on(async {
        let mut spec = shell("sleep 600", Ending::Quit);
        spec.cwd = marked.clone();
        spec.remove = Some(marked.clone());
        drop(SupervisedProcess::spawn(spec).await.unwrap());
    });
    eventually("its directory is gone", || !marked.exists());
    eventually("its child is gone", || inside(&marked) == 0);
}

#[test]
fn a_server_can_be_handed_from_thread_to_thread() {
    fn is<T: Send + Sync>() {}
    is::<Server>();
    is::<SupervisedProcess>();
}

//! Servers in containers.

use pretty_assertions::assert_eq;

use super::*;

/// Names of containers of a service, running or not.
pub fn containers_of(service: &str) -> Vec<String> {
    let filter = format!("name=migration-harness-{service}-");
    let output = Command::new("docker")
        .args(["ps", "-a", "--format", "{{.Names}}", "--filter", &filter])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn container_gives_a_fresh_server() {
    block_on(async {
        if !containers_run().await {
            return;
        }
        let server = postgres::start(&container(), "boxed").await.unwrap();
        assert_eq!(server.provider, "container");
        is_fresh_and_can_be_made_fresh_again(&server).await;
        assert_eq!(containers_of("boxed").len(), 1);
        assert!(server.is_alive() && !server.log_tail(5).is_empty());
        server.stop().await.unwrap();
        assert_eq!(containers_of("boxed"), NOTHING);
    });
}

#[rstest]
#[case::panic("panic")]
#[case::exit("exit")]
#[case::killed("kill")]
fn nothing_is_left_of_a_container(#[case] scene: &str) {
    if !block_on(containers_run()) {
        return;
    }
    let tmp = open_dir();
    let service = format!("boxed{scene}");
    let env = [("CONTAINER", "1"), ("SERVICE", service.as_str())];
    if scene == "kill" {
        let (mut child, _) = holding(tmp.path(), &env);
        assert_eq!(containers_of(&service).len(), 1);
        child.kill().unwrap();
        child.wait().unwrap();
    } else {
        let output = stage(scene, tmp.path(), &env);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("cannot"));
    }
    eventually("no container is left", || {
        containers_of(&service).is_empty()
    });
    eventually("no process is left", || processes(tmp.path()).is_empty());
}

#[test]
fn containers_without_a_command_line_program_are_removed_too() {
    if !block_on(containers_run()) {
        return;
    }
    let tmp = open_dir();
    let env = [
        ("CONTAINER", "1"),
        ("SERVICE", "boxednocli"),
        ("PATH", "/usr/bin:/bin"),
    ];
    if ["/usr/bin/docker", "/bin/docker", "/usr/bin/podman"]
        .iter()
        .any(|p| Path::new(p).exists())
    {
        println!("not run: the program cannot be taken off PATH here");
        return;
    }
    assert_eq!(stage("panic", tmp.path(), &env).status.code(), Some(101));
    assert_eq!(containers_of("boxednocli"), NOTHING);

    let (mut child, _) = holding(tmp.path(), &env);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(containers_of("boxednocli").len(), 1);
    // By the next run; a live run's container stays.
    let (mut alive, _) = holding(tmp.path(), &[("CONTAINER", "1"), ("SERVICE", "boxedalive")]);
    assert_eq!(containers_of("boxednocli"), NOTHING);
    assert!(
        stage(
            "stop",
            tmp.path(),
            &[("CONTAINER", "1"), ("SERVICE", "boxednext")]
        )
        .status
        .success()
    );
    assert_eq!(containers_of("boxedalive").len(), 1);
    alive.kill().unwrap();
    alive.wait().unwrap();
    eventually("no container is left", || {
        containers_of("boxedalive").is_empty()
    });
}

#[test]
fn a_container_that_cannot_start_says_why_and_leaves_nothing() {
    block_on(async {
        if !containers_run().await {
            return;
        }
        let settings = Settings {
            ready_within: Duration::from_millis(1),
            ..container()
        };
        let e = postgres::start(&settings, "boxedlate").await.unwrap_err();
        assert!(
            said(&e).contains("did not answer within 1ms"),
            "{}",
            said(&e)
        );
        assert_eq!(containers_of("boxedlate"), NOTHING);
    });
}

#[test]
fn auto_prefers_containers_and_says_why_not() {
    block_on(async {
        let nowhere = Settings {
            image: "migration-harness/no-such-image".to_owned(),
            ..Settings::default()
        };
        let chosen = postgres::choose(&nowhere).await.unwrap();
        assert_eq!(chosen.provider, "local");
        assert!(
            chosen
                .notes
                .iter()
                .any(|note| note.starts_with("not container:")),
            "{chosen:?}"
        );
        if containers_run().await {
            let settings = Settings {
                provider: Choice::Auto,
                ..container()
            };
            assert_eq!(
                postgres::choose(&settings).await.unwrap().provider,
                "container"
            );
        }
        let none = Settings {
            binaries: Some("/nowhere".into()),
            ..nowhere
        };
        let e = postgres::choose(&none).await.unwrap_err();
        for part in [
            "not container:",
            "not local:",
            "POSTGRES_BIN",
            "HARNESS_DATABASE_URL",
        ] {
            assert!(said(&e).contains(part), "{part}: {}", said(&e));
        }
    });
}

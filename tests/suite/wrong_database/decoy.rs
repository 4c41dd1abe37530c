//! A server beside the disposable one, whose log is the witness: [`Decoy`].

use super::*;

/// A server that anyone may use, on TCP and on a Unix-domain socket, and that logs
/// every connection and every statement.
pub struct Decoy {
    pub port: u16,
    directory: tempfile::TempDir,
    supervised: Option<SupervisedProcess>,
    runtime: tokio::runtime::Runtime,
}

impl Decoy {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o777)).unwrap();
        let account = Account::for_servers().unwrap();
        let settings = Settings {
            provider: Choice::Local,
            ..Settings::default()
        };
        let bin = runtime
            .block_on(postgres::binaries::find(&settings))
            .unwrap()
            .0
            .bin;
        let data = directory.path().join("data");
        fs::create_dir(&data).unwrap();
        give(&data, account).unwrap();
        let mut initdb = Command::new(bin.join("initdb"));
        initdb.args(["--no-sync", "--auth=trust", "--username=postgres", "-D"]);
        initdb.arg(&data).current_dir(directory.path());
        if let Some(account) = account {
            use std::os::unix::process::CommandExt;
            initdb.uid(account.uid).gid(account.gid);
        }
        assert!(initdb.output().unwrap().status.success());
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let mut spec = SupervisedSpec::new(bin.join("postgres"), directory.path(), Ending::Quit);
        spec = spec.args([
            "-D".into(),
            data,
            "-p".into(),
            PathBuf::from(port.to_string()),
        ]);
        for option in [
            "listen_addresses=127.0.0.1",
            "log_statement=all",
            "log_connections=on",
            "fsync=off",
            "lc_messages=C",
            // In the data directory, and so gone with it.
            "dynamic_shared_memory_type=mmap",
        ] {
            spec = spec.args(["-c", option]);
        }
        let sockets = format!("unix_socket_directories={}", directory.path().display());
        spec = spec.args(["-c", &sockets]);
        spec.stderr = fs::File::create(directory.path().join("log"))
            .unwrap()
            .into();
        spec.account = account;
        let supervised = runtime.block_on(SupervisedProcess::spawn(spec)).unwrap();
        let decoy = Self {
            port,
            directory,
            supervised: Some(supervised),
            runtime,
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !decoy.log().contains("ready to accept connections") {
            assert!(Instant::now() < deadline, "{}", decoy.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        decoy
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Lines of the log about what anyone did. A `connection received` alone has said nothing yet.
    pub fn witnessed(&self) -> Vec<String> {
        self.log()
            .lines()
            .filter(|line| {
                ["connection received", "statement:", "execute", "parse"]
                    .iter()
                    .any(|word| line.contains(word))
            })
            .map(str::to_owned)
            .collect()
    }

    pub fn sockets(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Decoy {
    fn drop(&mut self) {
        if let Some(supervised) = self.supervised.take() {
            let _ = self.runtime.block_on(supervised.end());
        }
    }
}

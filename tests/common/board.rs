//! A board for tests: a real ssh server on loopback, with keys and a configuration of its own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The server, gone when dropped.
pub struct Board {
    folder: TempDir,
    server: Child,
    port: u16,
}

impl Board {
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// A board on which every command goes through `wrapper`, a shell script that finds it in
    /// `$SSH_ORIGINAL_COMMAND`. `BOARD` stands for the folder of what is kept.
    pub fn start_with(wrapper: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for key in ["host", "user", "stranger"] {
            make_key(&folder.path().join(key));
        }
        let at = |name: &str| folder.path().join(name).display().to_string();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\n\
             PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\n",
            at("host"),
            at("user.pub")
        );
        if !wrapper.is_empty() {
            let script = wrapper.replace("BOARD", &at("board"));
            fs::write(at("wrapper"), format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(at("wrapper"), fs::Permissions::from_mode(0o755)).unwrap();
            config.push_str(&format!("ForceCommand {}\n", at("wrapper")));
        }
        fs::write(at("config"), config).unwrap();
        let known = fs::read_to_string(at("host.pub")).unwrap();
        fs::write(at("known_hosts"), format!("[127.0.0.1]:{port} {known}")).unwrap();
        // Root's server drops its rights into this folder; others have none to drop.
        let _ = fs::create_dir_all("/run/sshd");
        let server = Command::new(server_program())
            .args(["-D", "-e", "-f", &at("config")])
            .stderr(fs::File::create(at("log")).unwrap())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let board = Board {
            folder,
            server,
            port,
        };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = fs::read_to_string(board.at("log")).unwrap();
            assert!(begun.elapsed() < Duration::from_secs(20), "{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
        board
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What `--remote` takes.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.kept().display())
    }

    /// The folder of what is kept.
    pub fn kept(&self) -> PathBuf {
        self.at("board")
    }

    /// What `--ssh` takes.
    pub fn ssh(&self) -> String {
        self.ssh_with("user", "known_hosts")
    }

    /// The same with another key or other known hosts.
    pub fn ssh_with(&self, key: &str, known_hosts: &str) -> String {
        format!(
            "ssh -F none -p {} -i {} -o IdentitiesOnly=yes -o UserKnownHostsFile={}",
            self.port,
            self.at(key).display(),
            self.at(known_hosts).display()
        )
    }

    /// Another host's key under this board's name.
    pub fn known_hosts_of_another(&self) {
        let key = fs::read_to_string(self.at("stranger.pub")).unwrap();
        let line = format!("[127.0.0.1]:{} {key}", self.port);
        fs::write(self.at("wrong_hosts"), line).unwrap();
    }

    /// Names in the folder of what is kept: a hash for each file, and nothing else if all is well.
    pub fn entries(&self) -> Vec<String> {
        let entries = fs::read_dir(self.kept()).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// Waits until nothing of an interrupted call is left: no part of a file, no process.
    pub fn assert_clean(&self) {
        let begun = Instant::now();
        loop {
            let parts = self.entries().iter().any(|name| name.starts_with('.'));
            let processes = processes_below(&self.kept());
            if !parts && processes.is_empty() {
                return;
            }
            let left = (self.entries(), processes);
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "left behind: {left:?}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

fn make_key(path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path)
        .status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "ssh-keygen: install openssh-client"
    );
}

/// sshd has to be called by its whole path.
fn server_program() -> PathBuf {
    let places = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
    let found = places
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.is_file());
    found.expect("sshd is not on this system: install openssh-server")
}

/// Processes whose program lies below `folder`.
fn processes_below(folder: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let programs = processes.filter_map(|entry| fs::read_link(entry.path().join("exe")).ok());
    let below = programs.filter(|program| program.starts_with(folder));
    below.map(|program| program.display().to_string()).collect()
}

//! The real program as a shell starts it: scrubbed environment, its own folder, output in files, ended by a deadline.
//!
//! Only here, in `command`, `credentials`, `doctor`, `egress`, `offboard`, `processes` and `unit` do tests start
//! processes; waiting is polling with a bound, and whatever was started ends with the test.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use evictd::model::is_harmful;
use serde_json::Value;
use tempfile::TempDir;

const EVERY: Duration = Duration::from_millis(5);
/// A minute: on a busy machine everything here takes a few seconds.
const POLLS_MAX: usize = 12_000;

/// What a run of the program left.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The run ended with this code and said each of these on either stream.
    pub fn says(self, code: i32, parts: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        for part in parts {
            assert!(self.stdout.contains(part) || self.stderr.contains(part), "no `{part}` in {self:#?}");
        }
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// A folder to run in.
pub struct Room {
    folder: TempDir,
}

impl Room {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Replaces a part of a file that must be there.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "no `{from}` in {text}");
        self.write(name, text.replace(from, to));
    }

    /// Runs the program here to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.start(arguments).end()
    }

    /// What a terminal that shows colours would get.
    pub fn run_coloured(&self, arguments: &[&str]) -> String {
        let mut running = self.start_command(program(arguments).env("CLICOLOR_FORCE", "1"));
        poll(|| running.child.try_wait().unwrap()).unwrap();
        running.text("out") + &running.text("err")
    }

    /// Starts the program here.
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.start_command(&mut program(arguments))
    }

    /// Starts the program here, with these variables in its environment.
    pub fn start_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        self.start_command(program(arguments).envs(environment.iter().copied()))
    }

    /// Starts a command here: nothing to read, output into files.
    pub fn start_command(&self, command: &mut Command) -> Running {
        let out = tempfile::tempdir().unwrap();
        let file = |name| File::create(out.path().join(name)).unwrap();
        let command = command.current_dir(self.folder.path()).stdin(Stdio::null());
        let child = command.stdout(file("out")).stderr(file("err")).spawn().unwrap();
        Running { child, out }
    }
}

/// The program with these arguments and nothing of our environment.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evictd"));
    command.args(arguments).env_clear();
    command
}

/// A program on its way.
pub struct Running {
    child: Child,
    out: TempDir,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it said on stderr so far.
    pub fn said(&self) -> String {
        self.text("err")
    }

    /// Sends it this signal, such as `HUP`.
    pub fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("/bin/sh").args(["-c", &line]).status().unwrap().success(), "{line}");
    }

    /// Cuts it off wherever it is, as a loss of power would: SIGKILL, and waits until it is gone.
    pub fn cut_off(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(fs::read(self.out.path().join(name)).unwrap()).unwrap()
    }

    /// Waits for the end. Whatever was printed to something that is no terminal must be plain text.
    pub fn end(mut self) -> Ran {
        let ended = poll(|| self.child.try_wait().unwrap());
        let code = ended.and_then(|status| status.code());
        let (stdout, stderr) = (self.text("out"), self.text("err"));
        let code = code.unwrap_or_else(|| panic!("no exit code: {ended:?}\n{stdout}\n{stderr}"));
        for text in [&stdout, &stderr] {
            assert!(!text.contains("panicked"), "{text}");
            let harmful = text.chars().find(|letter| is_harmful(*letter) && *letter != '\n');
            assert_eq!(harmful, None, "{text:?}");
        }
        Ran { code, stdout, stderr }
    }

    /// Waits for the first line on stdout.
    fn first_line(&mut self) -> String {
        let line = poll(|| {
            let text = self.text("out");
            let ended = self.child.try_wait().unwrap().is_some();
            (text.contains('\n') || ended).then_some(text)
        });
        line.filter(|line| line.contains('\n')).unwrap_or_else(|| panic!("no line: {}", self.text("err")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail for a process that has ended, and then there is nothing to do.
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

/// Asks until there is an answer, for as long as anything here may take.
pub fn poll<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    (0..POLLS_MAX).find_map(|_| {
        let answer = ask();
        if answer.is_none() {
            sleep(EVERY);
        }
        answer
    })
}

/// A simulator with its configuration, in a room of its own.
pub struct Desk {
    pub room: Room,
    pub ready: Value,
    _simulator: Running,
}

impl Desk {
    /// Twenty staff, thirty end users, and these arguments.
    pub fn with(room: Room, arguments: &[&str]) -> Self {
        let fixed = ["simulator", "--no-rate-limit", "--request-log", "requests", "--write-config", "evictd.toml"];
        let mut simulator = room.start(&[&fixed, arguments].concat());
        let ready = serde_json::from_str(&simulator.first_line()).unwrap();
        Self { room, ready, _simulator: simulator }
    }

    pub fn new() -> Self {
        Self::with(Room::new(), &["--staff", "20", "--end-users", "30"])
    }

    /// Method, path and time of everything that was asked so far.
    pub fn requests(&self) -> Vec<(String, String, jiff::Timestamp)> {
        let part = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        let row = |line: &str| {
            let row: Value = serde_json::from_str(line).unwrap();
            (part(&row, "method"), part(&row, "path"), part(&row, "time").parse().unwrap())
        };
        self.room.read("requests").lines().map(row).collect()
    }

    pub fn deletes(&self) -> usize {
        self.requests().iter().filter(|(method, ..)| method == "DELETE").count()
    }

    pub fn plan(&self) -> Ran {
        self.room.run(&["plan", "--config", "evictd.toml", "--format", "json"])
    }

    pub fn apply(&self) -> Ran {
        self.room.run(&["apply", "--config", "evictd.toml", "--yes", "--format", "json"])
    }

    /// The files of the trail without the personal part, in order.
    pub fn segments(&self) -> Vec<String> {
        let names = fs::read_dir(self.room.path("trail/simulated")).unwrap();
        let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let is_json = |name: &String| Path::new(name).extension().is_some_and(|end| end == "jsonl");
        names.retain(|name| is_json(name) && !name.contains("personal"));
        names.sort();
        names
    }

    /// The account's trail, one value for each whole line.
    pub fn trail(&self) -> Vec<Value> {
        let folder = self.room.path("trail/simulated");
        let names: Vec<PathBuf> = self.segments().iter().map(|name| folder.join(name)).collect();
        let text: String = names.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The tree's own folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

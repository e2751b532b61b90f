//! Nothing that was started here outlives this process, however it ends.

use std::{
    io::Write,
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
};

/// A shell that is told which processes run. Its input closes when this process ends, by itself or by `kill -9`; then it kills what is left, by number,
/// and runs what was asked for.
const SCRIPT: &str = r#"trap '' INT TERM HUP
left=' '
last=:
while read -r what rest; do
  case $what in
    add) left="$left$rest " ;;
    del) left="${left%% $rest *} ${left#* $rest }" ;;
    end) last="$rest; $last" ;;
  esac
done
[ "$left" = ' ' ] || kill -KILL $left 2>/dev/null
sleep 0.2
eval "$last""#;

pub(crate) fn add(process: u32) {
    order(&format!("add {process}"));
}

pub(crate) fn remove(process: u32) {
    order(&format!("del {process}"));
}

/// Lets a shell run a command once this process has ended, however it ends, and after all that it started. The last to be asked for runs first.
pub fn at_the_end(command: &str) {
    order(&format!("end {command}"));
}

fn order(order: &str) {
    static REAPER: OnceLock<Mutex<Child>> = OnceLock::new();
    let reaper = REAPER.get_or_init(|| {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Mutex::new(shell.expect("there is a shell"))
    });
    let mut reaper = reaper.lock().unwrap_or_else(PoisonError::into_inner);
    let orders = reaper.stdin.as_mut().expect("its input was asked for as a pipe");
    writeln!(orders, "{order}").expect("the reaper lives as long as its input is open");
}

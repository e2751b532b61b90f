//! Copies on one host never share a slot, not even after their lock files were cleaned away.

use std::{fs, os::unix::fs::MetadataExt};

use crate::support::{
    router::{READY_DEADLINE, Settings, wait_for_members},
    tickets::prepared,
    topics::Topics,
    wait::wait_for,
};

#[test]
fn a_lock_file_that_is_cleaned_away_is_restored_and_no_other_copy_fences_this_one() {
    let (topics, _) = prepared(2);
    let mut settings = Settings::new(&topics);
    let mut first = settings.start("first");
    first.wait_until_ready();
    let state = settings.dir().join("state");
    let files: Vec<_> = fs::read_dir(&state).unwrap().map(|it| it.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("one lock file: {files:?}") };
    fs::remove_dir_all(&state).unwrap();
    wait_for("the lock file is restored", READY_DEADLINE, || file.exists().then_some(()));
    wait_for("the log says so", READY_DEADLINE, || first.said().contains("LOCK_FILE_LOST").then_some(()));

    // Whatever its folder, another copy on this host takes another slot.
    let elsewhere = settings.dir().join("elsewhere").display().to_string();
    settings.set("kafka.state_dir", elsewhere);
    let mut second = settings.start("second");
    second.wait_until_ready();
    wait_for_members(topics.broker(), &topics.group(), 2);
    let slot = |said: String| {
        let line = said.lines().find(|line| line.contains("this copy has a slot")).map(str::to_owned);
        line.expect("the slot is told at the start")
    };
    assert!(slot(first.said()).contains("-0-0"), "{}", first.said());
    if cfg!(target_os = "linux") {
        assert!(slot(second.said()).contains("-1-0"), "{}", second.said());
    }
    for router in [&mut first, &mut second] {
        router.terminate();
        assert!(router.wait_for_end().success());
        assert!(!router.said().contains("FENCED"));
    }
    assert!(!file.exists(), "a copy that ends leaves no lock file behind");
}

#[test]
fn without_a_setting_the_lock_file_lies_in_the_users_state() {
    let topics = Topics::create(1);
    let mut settings = Settings::new(&topics);
    settings.unset("kafka.state_dir");
    let home = settings.dir().join("home");
    fs::create_dir(&home).unwrap();
    let user = fs::metadata(&home).unwrap().uid();
    let temporary = std::env::temp_dir().join(format!("ticket-router-{user}"));
    // The second is a container's: only the folder for temporary files can be written.
    for (value, expected) in
        [(home.clone(), home.join(".local/state/ticket-router")), ("/proc".into(), temporary)]
    {
        let mut command = settings.command(&["topics", "check"]);
        command.env_remove("XDG_STATE_HOME").env_remove("STATE_DIRECTORY").env("HOME", value);
        let output = command.output().expect("cargo built the router");
        assert!(output.status.code().is_some_and(|code| code != 64), "{output:?}");
        assert!(expected.is_dir());
    }
}

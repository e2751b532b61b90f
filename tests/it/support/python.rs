//! A Python with the packages that the tests need.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/python/requirements.txt");
const NEED: &str = "this test needs Python 3 with its `venv` module, and pip to reach a package index";

/// The interpreter of a folder under `target/` that is made once for each list of packages.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(make)
}

fn make() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the folder lies in target/");
    let folder = target.join("python");
    let python = folder.join("bin/python");
    // Holds the list when everything in it is installed.
    let complete = folder.join("complete");
    let wanted = fs::read_to_string(REQUIREMENTS).expect("the list is there");
    if fs::read_to_string(&complete).is_ok_and(|installed| installed == wanted) {
        return python;
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).status();
    assert!(made.is_ok_and(|status| status.success()), "{NEED}");
    let installed = Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
            REQUIREMENTS,
        ])
        .status();
    assert!(installed.is_ok_and(|status| status.success()), "{NEED}");
    fs::write(complete, wanted).expect("the folder was just made");
    python
}

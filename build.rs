//! Generates the contracts' Rust types and their ProtoJSON mapping from `proto/`, without protoc.

use std::{env, error::Error, fs, path::PathBuf, process::Command};

const PACKAGE: &str = ".ticketrouter.v1";
const TIMESTAMP: (&str, &str) = (".google.protobuf.Timestamp", "crate::proto::Timestamp");
const DURATION: (&str, &str) = (".google.protobuf.Duration", "::pbjson_types::Duration");

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto/ticketrouter");
    name_revision()?;
    let files = ["ticket", "catalog", "routing"].map(|name| format!("ticketrouter/v1/{name}.proto"));
    let descriptors = protox::compile(files, ["proto"])?;

    let mut types = prost_build::Config::new();
    types.btree_map([PACKAGE]);
    let mut json = pbjson_build::Builder::new();
    json.btree_map([PACKAGE]).ignore_unknown_fields().ignore_unknown_enum_variants();
    for (message, path) in [TIMESTAMP, DURATION] {
        types.extern_path(message, path);
        json.extern_path(message, path);
    }
    for file in &descriptors.file {
        json.register_file_descriptor(file.clone());
    }
    json.build(&[PACKAGE])?;
    types.compile_fds(descriptors)?;

    // Comments become doc comments, and one module holds both halves.
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(
        out.join("contracts.rs"),
        "include!(\"ticketrouter.v1.rs\");\ninclude!(\"ticketrouter.v1.serde.rs\");\n",
    )?;
    Ok(())
}

/// Hands the commit to the program: that of the environment, else what git says of this folder.
///
/// A build for tests has none, and a new commit alone rebuilds nothing: git is asked when the sources have changed.
fn name_revision() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=TICKET_ROUTER_REVISION");
    let mut revision = env::var("TICKET_ROUTER_REVISION").unwrap_or_default();
    if revision.is_empty() && env::var("PROFILE")? == "release" {
        println!("cargo::rerun-if-changed=src");
        let arguments = ["describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"];
        let said = Command::new("git").args(arguments).output().ok().filter(|it| it.status.success());
        revision = said.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned()).unwrap_or_default();
    }
    let revision = if revision.is_empty() { "unknown" } else { &revision };
    println!("cargo::rustc-env=TICKET_ROUTER_REVISION={revision}");
    Ok(())
}

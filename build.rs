//! Generates the contracts' Rust types and their ProtoJSON mapping from `proto/`, without protoc.

use std::{env, error::Error, fs, path::PathBuf};

const PACKAGE: &str = ".ticketrouter.v1";
const TIMESTAMP: (&str, &str) = (".google.protobuf.Timestamp", "crate::proto::Timestamp");
const DURATION: (&str, &str) = (".google.protobuf.Duration", "::pbjson_types::Duration");

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto/ticketrouter");
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

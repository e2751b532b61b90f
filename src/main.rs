//! The program `ticket-router`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ticket_router::guard_panics();
    ticket_router::cli::main().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(ticket_router::commands::exit::FAILED)
    })
}

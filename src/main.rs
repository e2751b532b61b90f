//! The program `ticket-router`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ticket_router::main()
}

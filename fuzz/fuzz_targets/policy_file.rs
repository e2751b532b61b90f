//! Any text is either refused with a rendered diagnostic, or a policy that decides.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ticket_router::policy::Policy;

fuzz_target!(|text: &str| match Policy::load("fuzz.toml", text) {
    Ok(policy) => assert!(!policy.rules().is_empty(), "a complete policy has a rule"),
    Err(refused) => assert!(!refused.render(false).is_empty(), "a refusal says why"),
});

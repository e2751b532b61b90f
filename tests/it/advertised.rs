//! A broker that names an address for itself at which nobody can reach it: a port, since the answer for a name that does
//! not exist takes as long as the machine's name server likes.

use std::process::Command;

use crate::broker::Broker;

const EXIT_BROKER: i32 = 78;

#[test]
fn a_wrong_address_of_a_broker_is_named_with_the_setting_that_is_to_be_corrected() {
    let broker = Broker::private_with(
        "advertised.listeners=PLAIN://127.0.0.1:1,SCRAM://127.0.0.1:2,MUTUAL://127.0.0.1:3\n",
    );
    for words in [vec!["topics", "check"], vec!["topics", "create"], vec!["run"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_ticket-router"))
            .args(&words)
            .args(["--set", &format!("kafka.bootstrap_servers={}", broker.bootstrap())])
            .args(["--set", "startup.deadline_ms=2000", "--set", "http.listen=off"])
            .output()
            .expect("cargo built the router");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(EXIT_BROKER), "{words:?}: {said}");
        let errors: Vec<_> = said.lines().filter(|line| line.contains("error: ")).collect();
        let [error] = errors.as_slice() else { panic!("one error for {words:?}: {said}") };
        for word in [broker.bootstrap(), "127.0.0.1:1", "`advertised.listeners`"] {
            assert!(error.contains(word), "{word}: {error}");
        }
    }
}

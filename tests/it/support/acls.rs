//! Rights of the user of the SCRAM listener. Who has no rule on a resource may do all; who has one, only what it says.

use crate::broker::{Broker, SCRAM_USER};

/// What a rule is about: the flag of `kafka-acls`, and the name.
pub type Resource<'a> = (&'static str, &'a str);

/// Takes a right on each resource away, and with it the right to see it.
pub fn take(broker: &Broker, operation: &str, resources: &[Resource<'_>]) {
    change(broker, &["--add", "--deny-principal"], operation, resources);
}

/// Undoes [`take`].
pub fn give_back(broker: &Broker, operation: &str, resources: &[Resource<'_>]) {
    change(broker, &["--remove", "--force", "--deny-principal"], operation, resources);
}

/// Gives a right.
pub fn give(broker: &Broker, operation: &str, resources: &[Resource<'_>]) {
    change(broker, &["--add", "--allow-principal"], operation, resources);
}

fn change(broker: &Broker, how: &[&str], operation: &str, resources: &[Resource<'_>]) {
    let mut command = broker.acls();
    command.args(how).arg(format!("User:{}", SCRAM_USER.0)).args(["--operation", operation]);
    command.args(["--resource-pattern-type", "prefixed"]);
    for (flag, name) in resources {
        command.args([*flag, *name]);
    }
    let output = command.output().expect("the tool that started the broker starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
}

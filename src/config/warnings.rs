//! Settings that are allowed, and give up a protection.

use std::net::IpAddr;

use super::{Config, Protocol, kafka::host_and_port};

/// librdkafka's settings that switch a check of TLS off, with the value that does so and what it costs.
const UNCHECKED: [(&str, &str, &str); 2] = [
    ("enable.ssl.certificate.verification", "false", "anybody on the way to the brokers can pass for them"),
    (
        "ssl.endpoint.identification.algorithm",
        "none",
        "any server with a certificate of a trusted authority can pass for a broker",
    ),
];

impl Config {
    /// Returns the protections that these settings give up, a sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let kafka = &self.kafka;
        let mut found = Vec::new();
        let remote = kafka.bootstrap_servers.split(',').map(str::trim).find(|it| !is_loopback(it));
        if let (false, Some(broker)) = (kafka.security.protocol.is_tls(), remote) {
            let protocol = kafka.security.protocol.as_str();
            let what = if kafka.security.protocol == Protocol::Plaintext {
                "anybody on the way can read and change tickets"
            } else {
                "anybody on the way can read and change tickets, and with some mechanisms read the password"
            };
            found.push(format!(
                "`kafka.security.protocol` is {protocol}, and `{broker}` is not this machine: {what}; \
                 use SSL or SASL_SSL"
            ));
        }
        if kafka.security.protocol.is_tls() {
            let tables =
                [("client", &kafka.client), ("consumer", &kafka.consumer), ("producer", &kafka.producer)];
            for (table, settings) in tables {
                for (name, off, cost) in UNCHECKED {
                    if settings.get(name).is_some_and(|value| value.eq_ignore_ascii_case(off)) {
                        found.push(format!("`kafka.{table}` sets `{name}` to `{off}`: {cost}"));
                    }
                }
            }
        }
        found
    }
}

/// Says whether a broker `host:port` is on this machine.
fn is_loopback(broker: &str) -> bool {
    let (host, _) = host_and_port(broker);
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Passthrough, Protocol};

    fn warned(brokers: &str, protocol: Protocol, client: &[(&str, &str)]) -> Vec<String> {
        let mut config = Config::default();
        config.kafka.bootstrap_servers = brokers.to_owned();
        config.kafka.security.protocol = protocol;
        config.kafka.client = client.iter().copied().collect::<Passthrough>();
        config.warnings()
    }

    #[test]
    fn plain_text_to_another_machine_is_warned_of() {
        for here in ["localhost:9092", "127.0.0.1:9092,[::1]:9092", "127.0.0.2"] {
            assert_eq!(warned(here, Protocol::Plaintext, &[]), Vec::<String>::new(), "{here}");
        }
        let away = "localhost:9092, kafka.contoso.example:9092";
        assert_eq!(
            warned(away, Protocol::Plaintext, &[]),
            [
                "`kafka.security.protocol` is PLAINTEXT, and `kafka.contoso.example:9092` is not this machine: \
              anybody on the way can read and change tickets; use SSL or SASL_SSL"
            ]
        );
        assert!(warned(away, Protocol::SaslPlaintext, &[])[0].contains("is SASL_PLAINTEXT, and"));
        assert_eq!(warned(away, Protocol::SaslSsl, &[]), Vec::<String>::new());
    }

    #[test]
    fn a_check_of_tls_that_is_off_is_warned_of() {
        let off = [
            ("enable.ssl.certificate.verification", "false"),
            ("ssl.endpoint.identification.algorithm", "none"),
        ];
        let expected = [
            "`kafka.client` sets `enable.ssl.certificate.verification` to `false`: anybody on the way to the \
             brokers can pass for them",
            "`kafka.client` sets `ssl.endpoint.identification.algorithm` to `none`: any server with a certificate \
             of a trusted authority can pass for a broker",
        ];
        assert_eq!(warned("kafka.contoso.example:9093", Protocol::Ssl, &off), expected);
        let on = off.map(|(name, _)| (name, "true"));
        assert_eq!(warned("kafka.contoso.example:9093", Protocol::Ssl, &on), Vec::<String>::new());
    }
}

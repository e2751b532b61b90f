//! Which settings and variables count.

use super::*;
use crate::config::Telemetry;

fn resolve(table: &Telemetry, variables: &[(&str, &str)]) -> (Settings, Vec<Ignored>) {
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Settings::resolve(table, variable).expect("the table is good")
}

/// The settings; no variable may have been ignored.
fn by_variables(variables: &[(&str, &str)]) -> Settings {
    let (settings, ignored) = resolve(&Telemetry::default(), variables);
    assert_eq!(ignored, [], "{variables:?}");
    settings
}

/// The settings, and the one warning that there must be.
fn with_warning(variables: &[(&str, &str)]) -> (Settings, String) {
    let (settings, ignored) = resolve(&Telemetry::default(), variables);
    let [warning] = ignored.as_slice() else { panic!("one warning for {variables:?}: {ignored:?}") };
    (settings, warning.to_string())
}

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");

fn urls(settings: &Settings) -> [Option<&str>; 3] {
    let traces = settings.traces.as_ref().map(|(target, _)| target);
    [traces, settings.metrics.as_ref(), settings.logs.as_ref()].map(|it| it.map(|it| it.url.as_str()))
}

#[test]
fn nothing_is_exported_unless_asked_for() {
    assert!(!by_variables(&[]).is_on());
    assert!(!by_variables(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " "), ("OTEL_SERVICE_NAME", "x")]).is_on());
}

#[test]
fn an_endpoint_for_all_turns_everything_on_and_gets_the_paths() {
    let settings = by_variables(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/")]);
    let expected = ["traces", "metrics", "logs"].map(|it| format!("http://collector:4318/v1/{it}"));
    assert_eq!(urls(&settings), expected.each_ref().map(|it| Some(it.as_str())));
}

#[test]
fn a_signals_own_endpoint_is_taken_as_it_is() {
    let settings = by_variables(&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "https://logs/in")]);
    assert_eq!(urls(&settings), [None, None, Some("https://logs/in")]);
}

#[test]
fn the_table_wins_over_the_variables() {
    let table = Telemetry {
        endpoint: Some("http://table:1".to_owned()),
        traces: Some(Exporter::None),
        ..Telemetry::default()
    };
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://variable:2"),
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ];
    let (settings, _) = resolve(&table, &variables);
    assert_eq!(urls(&settings), [None, Some("http://table:1/v1/metrics"), None]);
}

#[test]
fn the_sdk_can_be_disabled_whatever_else_is_set() {
    let table = Telemetry { endpoint: Some("http://table:1".to_owned()), ..Telemetry::default() };
    let bad = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let (settings, ignored) = resolve(&table, &[("OTEL_SDK_DISABLED", "TRUE"), bad]);
    assert!(!settings.is_on() && ignored.is_empty());
    let (settings, ignored) = resolve(&table, &[("OTEL_SDK_DISABLED", "1")]);
    assert!(settings.is_on());
    let warning =
        "`OTEL_SDK_DISABLED` is `1`, but it must be `true` or `false`; the value is ignored, `false` is used";
    assert_eq!(ignored[0].to_string(), warning);
}

#[test]
fn an_exporter_can_be_asked_for_by_name() {
    let settings = by_variables(&[("OTEL_METRICS_EXPORTER", "otlp,prometheus")]);
    assert_eq!(urls(&settings), [None, Some("http://localhost:4318/v1/metrics"), None]);
    assert!(!by_variables(&[("OTEL_METRICS_EXPORTER", "prometheus")]).is_on());
}

#[test]
fn samplers_have_the_names_of_the_specification_in_any_case() {
    let sampling = |variables: &[(&str, &str)]| by_variables(variables).traces.expect("traces are on").1;
    assert_eq!(sampling(&[ENDPOINT]), Sampling::new(true, 0.01));
    for (name, expected) in [
        ("always_on", Sampling::new(false, 1.0)),
        ("always_off", Sampling::new(false, 0.0)),
        ("traceidratio", Sampling::new(false, 0.25)),
        ("parentbased_always_on", Sampling::new(true, 1.0)),
        ("PARENTBASED_ALWAYS_OFF", Sampling::new(true, 0.0)),
        ("ParentBased_TraceIdRatio", Sampling::new(true, 0.25)),
    ] {
        let variables = [ENDPOINT, ("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", "0.25")];
        assert_eq!(sampling(&variables), expected, "{name}");
    }
    for (name, value) in [("OTEL_TRACES_SAMPLER", "jaeger_remote"), ("OTEL_TRACES_SAMPLER_ARG", "NaN")] {
        let (settings, warning) = with_warning(&[ENDPOINT, (name, value)]);
        assert_eq!(settings.traces.expect("traces are on").1, Sampling::new(true, 0.01));
        assert!(warning.contains(value) && warning.contains(" is used"), "{warning}");
    }
}

#[test]
fn what_cannot_be_honoured_is_ignored_with_one_warning_that_says_what_happens_instead() {
    let expected = by_variables(&[ENDPOINT]);
    for (name, value, allowed, instead) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "port 4318", "`http/protobuf` is used"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "`http/protobuf` only", "`http/protobuf` is used"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "GRPC", "`http/protobuf` only", "`http/protobuf` is used"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "`gzip` and `none`", "nothing is compressed"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "milliseconds", "10000 is used"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0", "1 to 86400000", "10000 is used"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "18446744073709551615", "1 to 86400000", "10000 is used"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "1 to 1000000", "2048 is used"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1e9", "whole number", "2048 is used"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2049", "at most the size of the queue", "512 is used"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0", "milliseconds", "5000 is used"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "-1", "milliseconds", "1000 is used"),
        ("OTEL_BLRP_EXPORT_TIMEOUT", "30000", "not support", "`OTEL_EXPORTER_OTLP_TIMEOUT`"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1m", "milliseconds", "60000 is used"),
        ("OTEL_TRACES_SAMPLER", "xray", "parentbased_", "`parentbased_traceidratio` is used"),
        ("OTEL_TRACES_SAMPLER_ARG", "2", "from 0 to 1", "0.01 is used"),
        ("OTEL_TRACES_EXPORTER", "otlp,zipkin", "`otlp` and `none`", "traces are exported by `otlp` alone"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "collector:4318", "http://", "counts as not set"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://[::1", "URL", "counts as not set"),
        ("OTEL_PROPAGATORS", "b3,baggage", "`tracecontext`", "`tracecontext` is used"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem", "client certificate", "without it"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=a,oops", "`key=value`", "the good pairs"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "sum", "`delta`", "`cumulative` is used"),
        ("OTEL_CONFIG_FILE", "otel.yaml", "not support", "[telemetry]"),
    ] {
        let (settings, warning) = with_warning(&[ENDPOINT, (name, value)]);
        for part in [name, value, allowed, instead] {
            assert!(warning.contains(part), "{part}: {warning}");
        }
        assert_eq!(settings, expected, "{name}={value}");
    }
}

#[test]
fn a_signal_that_is_asked_for_by_another_exporter_is_not_exported() {
    let (settings, warning) = with_warning(&[ENDPOINT, ("OTEL_TRACES_EXPORTER", "console")]);
    assert_eq!(urls(&settings), [None, Some("http://c:4318/v1/metrics"), Some("http://c:4318/v1/logs")]);
    assert!(warning.ends_with("traces are not exported"), "{warning}");
    // The variables of every pod, without an endpoint.
    let variables = [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_METRICS_EXPORTER", "console"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ];
    let (settings, ignored) = resolve(&Telemetry::default(), &variables);
    assert!(!settings.is_on());
    assert_eq!(
        ignored.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
        ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_METRICS_EXPORTER"]
    );
}

#[test]
fn where_the_variable_of_a_signal_is_bad_the_one_for_all_counts() {
    let variables =
        [ENDPOINT, ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "soon"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "7")];
    let (settings, warning) = with_warning(&variables);
    assert!(warning.ends_with("`OTEL_EXPORTER_OTLP_TIMEOUT` counts"), "{warning}");
    assert_eq!(settings.logs.expect("logs are on").timeout, Duration::from_millis(7));
}

#[test]
fn numbers_words_and_lists_are_taken_as_the_specification_has_them() {
    let settings = by_variables(&[
        ENDPOINT,
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/Protobuf"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", ""),
        ("OTEL_TRACES_EXPORTER", " OTLP ,"),
        ("OTEL_LOGS_EXPORTER", "None"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x,a=b,"),
        ("OTEL_PROPAGATORS", "tracecontext,Baggage"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "250"),
    ]);
    let (traces, _) = settings.traces.expect("traces are on");
    assert_eq!((traces.is_compressed, traces.queue, traces.batch), (true, 100, 100));
    assert!(!settings.metrics.expect("metrics are on").is_compressed);
    assert!(settings.logs.is_none());
    assert_eq!(settings.metric_interval, Duration::from_millis(250));
}

#[test]
fn secrets_are_not_shown() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:canary@c:1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "good=canary,Bearer canary"),
    ] {
        let (_, warning) = with_warning(&[(name, value)]);
        assert!(warning.contains(name) && !warning.contains("canary"), "{warning}");
    }
}

#[test]
fn only_the_table_is_refused() {
    for (endpoint, allowed) in [("http://me:canary@c:1", "OTEL_EXPORTER_OTLP_HEADERS"), ("c:4318", "URL")] {
        let table = Telemetry { endpoint: Some(endpoint.to_owned()), ..Telemetry::default() };
        let refused = Settings::resolve(&table, |_| None).expect_err("the endpoint is bad").to_string();
        assert!(refused.contains("telemetry.endpoint") && refused.contains(allowed), "{refused}");
        assert!(!refused.contains("canary"));
    }
}

#[test]
fn certificates_that_cannot_be_read_switch_their_signal_off() {
    let variables = [ENDPOINT, ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "/nowhere/ca.pem")];
    let (telemetry, failed) = crate::telemetry::Telemetry::start(&by_variables(&variables));
    assert!(telemetry.logs().is_none() && telemetry.metrics.is_some());
    let failed: Vec<_> = failed.into_iter().map(|it| format!("{:#}", anyhow::Error::from(it))).collect();
    assert_eq!(failed.len(), 1);
    assert!(
        failed[0].starts_with("logs are not exported") && failed[0].contains("/nowhere/ca.pem"),
        "{failed:?}"
    );
    telemetry.shut_down(Duration::ZERO);
}

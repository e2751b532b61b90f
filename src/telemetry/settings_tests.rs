use super::*;
use crate::config::Telemetry;

fn resolve(table: &Telemetry, variables: &[(&str, &str)]) -> Result<Settings, Refused> {
    Settings::resolve(table, |name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    })
}

fn by_variables(variables: &[(&str, &str)]) -> Result<Settings, Refused> {
    resolve(&Telemetry::default(), variables)
}

fn urls(settings: &Settings) -> [Option<&str>; 3] {
    let traces = settings.traces.as_ref().map(|(target, _)| target);
    [traces, settings.metrics.as_ref(), settings.logs.as_ref()].map(|it| it.map(|it| it.url.as_str()))
}

#[test]
fn nothing_is_exported_unless_asked_for() {
    assert!(!by_variables(&[]).unwrap().is_on());
    assert!(
        !by_variables(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " "), ("OTEL_SERVICE_NAME", "x")]).unwrap().is_on()
    );
}

#[test]
fn an_endpoint_for_all_turns_everything_on_and_gets_the_paths() {
    let settings = by_variables(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/")]).unwrap();
    let expected = ["traces", "metrics", "logs"].map(|it| format!("http://collector:4318/v1/{it}"));
    assert_eq!(urls(&settings), expected.each_ref().map(|it| Some(it.as_str())));
}

#[test]
fn a_signals_own_endpoint_is_taken_as_it_is() {
    let settings = by_variables(&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "https://logs/in")]).unwrap();
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
    let settings = resolve(&table, &variables).unwrap();
    assert_eq!(urls(&settings), [None, Some("http://table:1/v1/metrics"), None]);
}

#[test]
fn the_sdk_can_be_disabled_whatever_else_is_set() {
    let table = Telemetry { endpoint: Some("http://table:1".to_owned()), ..Telemetry::default() };
    assert!(!resolve(&table, &[("OTEL_SDK_DISABLED", "TRUE")]).unwrap().is_on());
    assert!(resolve(&table, &[("OTEL_SDK_DISABLED", "1")]).unwrap().is_on());
}

#[test]
fn an_exporter_can_be_asked_for_by_name() {
    let settings = by_variables(&[("OTEL_METRICS_EXPORTER", "otlp,prometheus")]).unwrap();
    assert_eq!(urls(&settings), [None, Some("http://localhost:4318/v1/metrics"), None]);
    assert!(!by_variables(&[("OTEL_METRICS_EXPORTER", "prometheus")]).unwrap().is_on());
}

#[test]
fn samplers_have_the_names_of_the_specification() {
    let sampling = |variables: &[(&str, &str)]| {
        let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1")];
        by_variables(&[&endpoint, variables].concat()).map(|it| it.traces.unwrap().1)
    };
    assert_eq!(sampling(&[]).unwrap(), Sampling::new(true, 0.01));
    for (name, expected) in [
        ("always_on", Sampling::new(false, 1.0)),
        ("always_off", Sampling::new(false, 0.0)),
        ("traceidratio", Sampling::new(false, 0.25)),
        ("parentbased_always_on", Sampling::new(true, 1.0)),
        ("parentbased_always_off", Sampling::new(true, 0.0)),
        ("parentbased_traceidratio", Sampling::new(true, 0.25)),
    ] {
        let variables = [("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", "0.25")];
        assert_eq!(sampling(&variables).unwrap(), expected, "{name}");
    }
    let refused = sampling(&[("OTEL_TRACES_SAMPLER", "jaeger_remote")]).unwrap_err();
    assert!(refused.to_string().contains("parentbased_"), "{refused}");
}

#[test]
fn what_cannot_be_honoured_is_refused_and_says_what_can() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
    for (name, value, hint) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "none"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "milliseconds"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "otlp"),
        ("OTEL_TRACES_SAMPLER_ARG", "2", "from 0 to 1"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "1 or more"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "collector:4318", "http://"),
    ] {
        let text = by_variables(&[endpoint, (name, value)]).unwrap_err().to_string();
        assert!(text.contains(name) && text.contains(value) && text.contains(hint), "{text}");
    }
}

#[test]
fn a_log_in_in_an_endpoint_is_refused_and_not_shown() {
    let text =
        by_variables(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:canary@c:1")]).unwrap_err().to_string();
    assert!(text.contains("OTEL_EXPORTER_OTLP_HEADERS") && !text.contains("canary"), "{text}");
}

//! A collector for OTLP over HTTP, in the test's own process.

use std::{
    collections::BTreeSet,
    io::Read,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::Path,
    http::{HeaderMap, header::CONTENT_ENCODING},
    routing::post,
};
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    metrics::v1::{Metric, metric::Data, number_data_point},
    trace::v1::Span,
};
use prost::Message;
use tokio::{runtime, sync::oneshot};

use super::wait::wait_for;

/// The exporter of metrics speaks every second in tests; the one of spans at the latest after five.
const EXPORT_DEADLINE: Duration = Duration::from_secs(30);

struct Request {
    signal: String,
    body: Bytes,
    is_compressed: bool,
}

/// A collector that takes everything. It ends with the value.
pub struct Collector {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<Request>>>,
    _stop: oneshot::Sender<()>,
}

impl Collector {
    /// Starts one on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        listener.set_nonblocking(true).expect("the listener is a socket");
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = oneshot::channel::<()>();
        let sink = Arc::clone(&taken);
        thread::spawn(move || {
            let take = move |Path(signal): Path<String>, headers: HeaderMap, body: Bytes| async move {
                let is_compressed = headers.get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
                let body = if is_compressed { unpacked(&body) } else { body };
                let request = Request { signal, body, is_compressed };
                sink.lock().expect("nobody panics while taking").push(request);
            };
            let routes = Router::new().route("/v1/{signal}", post(take));
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be had").block_on(async {
                let listener =
                    tokio::net::TcpListener::from_std(listener).expect("the listener does not block");
                // It ends with the test, whatever it has to say then.
                let _ = axum::serve(listener, routes)
                    .with_graceful_shutdown(async move { drop(stopped.await) })
                    .await;
            });
        });
        Self { address, taken, _stop: stop }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All bytes that it took.
    pub fn bytes(&self) -> Vec<Bytes> {
        self.taken.lock().expect("nobody panics while taking").iter().map(|it| it.body.clone()).collect()
    }

    /// The signals of the requests that came compressed, or that did not.
    pub fn signals(&self, is_compressed: bool) -> BTreeSet<String> {
        let taken = self.taken.lock().expect("nobody panics while taking");
        taken.iter().filter(|it| it.is_compressed == is_compressed).map(|it| it.signal.clone()).collect()
    }

    /// All spans that it took.
    pub fn spans(&self) -> Vec<Span> {
        let requests = self.requests::<ExportTraceServiceRequest>("traces");
        let resources = requests.into_iter().flat_map(|it| it.resource_spans);
        resources.flat_map(|it| it.scope_spans).flat_map(|it| it.spans).collect()
    }

    /// How many log lines it took.
    pub fn log_lines(&self) -> usize {
        let requests = self.requests::<ExportLogsServiceRequest>("logs");
        let resources = requests.into_iter().flat_map(|it| it.resource_logs);
        resources.flat_map(|it| it.scope_logs).map(|it| it.log_records.len()).sum()
    }

    /// The sum of a counter's points, as it was last told.
    pub fn counter(&self, name: &str) -> Option<i64> {
        let metric = self.metric(name)?;
        let Some(Data::Sum(sum)) = metric.data else { panic!("`{name}` is not a sum") };
        let whole = |value: Option<number_data_point::Value>| match value {
            Some(number_data_point::Value::AsInt(number)) => number,
            other => panic!("`{name}` has {other:?}"),
        };
        Some(sum.data_points.into_iter().map(|point| whole(point.value)).sum())
    }

    /// How many values a histogram has, as it was last told.
    pub fn histogram_count(&self, name: &str) -> Option<u64> {
        let Some(Data::Histogram(histogram)) = self.metric(name)?.data else {
            panic!("`{name}` is no histogram")
        };
        Some(histogram.data_points.iter().map(|point| point.count).sum())
    }

    /// Waits until there are so many spans, and gives them.
    #[track_caller]
    pub fn wait_for_spans(&self, count: usize) -> Vec<Span> {
        wait_for(&format!("the collector has {count} spans"), EXPORT_DEADLINE, || {
            let spans = self.spans();
            (spans.len() >= count).then_some(spans)
        })
    }

    fn metric(&self, name: &str) -> Option<Metric> {
        let requests = self.requests::<ExportMetricsServiceRequest>("metrics");
        let resources = requests.into_iter().flat_map(|it| it.resource_metrics);
        let mut metrics = resources.flat_map(|it| it.scope_metrics).flat_map(|it| it.metrics);
        metrics.rfind(|metric| metric.name == name)
    }

    fn requests<M: Message + Default>(&self, signal: &str) -> Vec<M> {
        let taken = self.taken.lock().expect("nobody panics while taking");
        let requests = taken.iter().filter(|it| it.signal == signal);
        requests.map(|it| M::decode(it.body.clone()).expect("the router sends protobuf")).collect()
    }
}

fn unpacked(body: &Bytes) -> Bytes {
    let mut plain = Vec::new();
    GzDecoder::new(&body[..]).read_to_end(&mut plain).expect("the router sends gzip");
    plain.into()
}

/// A collector that takes connections and never answers. It ends with the test's process.
pub fn hanging() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("a bound listener has an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || swallow(stream));
        }
    });
    format!("http://{address}")
}

fn swallow(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
}

/// A collector that is not there.
pub fn down() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    format!("http://{}", listener.local_addr().expect("a bound listener has an address"))
}

/// The value of a span's attribute, as text.
pub fn attribute(span: &Span, name: &str) -> Option<String> {
    let KeyValue { value, .. } = span.attributes.iter().find(|it| it.key == name)?;
    match value {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => Some(text.clone()),
        Some(AnyValue { value: Some(Value::IntValue(number)) }) => Some(number.to_string()),
        other => panic!("`{name}` is {other:?}"),
    }
}
